"""Nodes that lie on an undirected cycle: of the ends of undirected trails the one that a search must look for apart.

A tree of shortest paths from the start; each node in it knows the *branch* that it is on: the relationship by which
its path leaves the start. A relationship back to the start that is not the branch of where it begins closes a
cycle, and so does one between two branches. The shortest cycle through the start is found thus: going round it,
either the branch changes somewhere, or its last relationship is not the branch that it began with.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from memoradb.core.columns import IntArray
from memoradb.storage.view import Direction

from .adjacent import degree_slices
from .context import Context

Allowed: TypeAlias = Callable[[IntArray, IntArray], IntArray]
"""Of these relationships the places of those that may be followed. With each comes the row, or search, that met it."""


def closed_trails(
    types: tuple[str, ...], high: int | None, starts: IntArray, allowed: Allowed | None, context: Context
) -> IntArray:
    """The places of the ``starts`` that lie on an undirected cycle of at most ``high`` hops."""
    found = [i for i, start in enumerate(starts.tolist()) if _is_closed(types, high, i, start, allowed, context)]
    return np.array(found, np.int64)


def _is_closed(
    types: tuple[str, ...], high: int | None, number: int, start: int, allowed: Allowed | None, context: Context
) -> bool:
    view, top = context.view, context.view.nodes_top
    high = top + 1 if high is None else high
    branch, depth = np.full(top, -1, np.int64), np.full(top, -1, np.int64)
    depth[start] = 0
    nodes, hops, shortest = np.array([start], np.int64), 0, high + 1
    # A cycle that is closed from this level on has at least twice its depth in hops.
    while len(nodes) and 2 * hops < min(shortest, high + 1):
        hops += 1
        reached: list[IntArray] = []
        degrees = view.degrees(nodes, types or None, Direction.BOTH)
        for first, stop in degree_slices(degrees, context.expand_rows_max):
            context.check()
            step = view.expand(nodes[first:stop], types or None, Direction.BOTH)
            near, far, ways = nodes[first:stop].take(step.source_position), step.node, step.relationship
            if allowed is not None and len(ways):
                kept = allowed(ways, np.full(len(ways), number, np.int64))
                near, far, ways = near.take(kept), far.take(kept), ways.take(kept)
            # From the start each relationship is a branch of its own; a self-loop closes a cycle at once.
            mine = ways if hops == 1 else branch.take(near)
            back = np.flatnonzero(far == start)
            if len(back) and (hops == 1 or bool((ways.take(back) != mine.take(back)).any())):
                shortest = min(shortest, hops)
            known = np.flatnonzero((depth.take(far) > 0) & (branch.take(far) != mine))
            if len(known):
                shortest = min(shortest, hops + int(depth.take(far.take(known)).min()))
            fresh = np.flatnonzero(depth.take(far) < 0)
            far, mine = far.take(fresh), mine.take(fresh)
            branch[far] = mine  # of several ways to one node the last is kept
            depth[far] = hops
            other = np.flatnonzero(branch.take(far) != mine)
            if len(other):
                shortest = min(shortest, 2 * hops)
            if len(far):
                one = np.zeros(top, np.bool_)
                one[far] = True
                reached.append(np.flatnonzero(one))
        nodes = np.concatenate(reached) if reached else np.zeros(0, np.int64)
    return shortest <= high
