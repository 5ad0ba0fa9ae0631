"""Pairs of connected subgraphs, for dynamic programming over a pattern: DPccp (Moerkotte and Neumann 2006).

Vertices are numbered from 0 and sets of them are integers, bit by bit. Each pair of disjoint, connected sets with an
edge between is named once, and both sets have been named whole, as the union of an earlier pair, before they are
halves of a pair. No set is looked at that is not connected, which is what makes this the least work of its kind.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence


def connected_pairs(neighbours: Sequence[int]) -> Iterator[tuple[int, int]]:
    """All pairs of disjoint connected sets that an edge joins; ``neighbours[v]`` are those of vertex v.

    >>> sorted(connected_pairs([0b010, 0b101, 0b010]))
    [(1, 2), (1, 6), (2, 4), (3, 4)]
    """
    for first in reversed(range(len(neighbours))):
        below = (1 << (first + 1)) - 1
        start = 1 << first
        yield from _partners(start, neighbours)
        for grown in _connected(start, below, neighbours):
            yield from _partners(grown, neighbours)


def bits(members: int) -> Iterator[int]:
    """The vertices of a set, ascending."""
    while members:
        low = members & -members
        yield low.bit_length() - 1
        members ^= low


def around(members: int, neighbours: Sequence[int]) -> int:
    """The vertices next to a set."""
    found = 0
    for vertex in bits(members):
        found |= neighbours[vertex]
    return found & ~members


def components(neighbours: Sequence[int]) -> Iterator[int]:
    """The sets of vertices that edges connect, largest parts whole.

    >>> list(components([0b010, 0b001, 0b000]))
    [3, 4]
    """
    seen = 0
    for vertex in range(len(neighbours)):
        if not seen >> vertex & 1:
            members = 1 << vertex
            while reach := around(members, neighbours):
                members |= reach
            seen |= members
            yield members


def _subsets(members: int) -> Iterator[int]:
    """All subsets but the empty one, each after its own subsets."""
    subset = 0
    while True:
        subset = (subset - members) & members
        if not subset:
            return
        yield subset


def _connected(members: int, excluded: int, neighbours: Sequence[int]) -> Iterator[int]:
    """Connected sets that hold ``members`` and more, without ``excluded``."""
    reach = around(members, neighbours) & ~excluded
    for subset in _subsets(reach):
        yield members | subset
    for subset in _subsets(reach):
        yield from _connected(members | subset, excluded | reach, neighbours)


def _partners(members: int, neighbours: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Pairs whose first half is ``members``."""
    lowest = members & -members
    excluded = ((lowest << 1) - 1) | members
    reach = around(members, neighbours) & ~excluded
    for vertex in reversed(list(bits(reach))):
        start = 1 << vertex
        yield members, start
        below = ((start << 1) - 1) & reach
        for grown in _connected(start, excluded | below, neighbours):
            yield members, grown
