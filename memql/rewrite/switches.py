"""Everything the planner and the kernels may be told to leave out, by name: one registry, which tests enumerate.

Three kinds of choice make a statement fast and may change no answer: a *rule* rewrites the logical plan (``driver``); a
*physical alternative* is another way to run a part of it, of which the planner takes the cheapest; a *kernel* runs an
expression on a whole column. ``Options.disabled_rules`` takes names of all three. Each is run alone off and alone on
against the reference interpreter (``tests/memql/rewrite/test_each_rule.py``), so whoever adds one adds its line here.

A planner part asks ``catalog.enabled("hash_join")`` before it considers one (``optimize.planning.PlanningCatalog``);
without all of them a plan is the plainest there is, and must give the same rows.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import cache
from typing import Final

ALTERNATIVES: Final[dict[str, str]] = {
    "fold_patterns": "Parts of a pattern that nothing reads are counted, not made (optimize.folding).",
    "hash_join": "Two halves of a pattern are made apart and joined by hash (exec.hash_join).",
    "multiway_intersection": "A node with several bound neighbours is in all of their lists (exec.intersect).",
    "expand_into": "A cycle is closed by ExpandInto, also where an intersection could (off: only elsewhere).",
    "expand_halves": "A part of a pattern is reached by following, also where a hash join could (off: only elsewhere).",
    "factorised_aggregation": "Aggregates over a tree are added up by message passing (exec.factorised).",
    "first_nodes": "Of nodes that a Top orders by what is added up for them only the first are passed on to it.",
    "run_once": "An inner plan that reads nothing of the row is run for one row (exec.once).",
    "semijoin_exists": "EXISTS of a tree that hangs from one node is a set of nodes (exec.semijoin).",
    "reachability": "Of a variable length whose ends alone are read each end is found once (exec.reach).",
    "straight_line": "A look-up of one value that returns a few properties runs without batches (exec.straight_line).",
}
"""Physical alternatives: name, and what is chosen where it is on."""

KERNEL: Final = "kernel "
"""What the name of a kernel begins with: ``kernel CONTAINS`` is the one of that operator or function."""


@cache
def kernels() -> tuple[str, ...]:
    """The kernels of expressions, by name."""
    from ..kernels.compile import kernel_names

    return tuple(KERNEL + name for name in kernel_names())


@cache
def switches() -> tuple[str, ...]:
    """All names that may be disabled: rules, alternatives, kernels."""
    from .driver import RULES

    return (*(rule.__name__ for rule in RULES), *ALTERNATIVES, *kernels())


def all_but(names: Collection[str]) -> tuple[str, ...]:
    """What to disable for ``names`` to be alone on."""
    return tuple(name for name in switches() if name not in names)
