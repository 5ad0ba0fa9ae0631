"""Runs the rewrite rules over a plan, bottom up, until none fires.

The order is this tuple. Each rule can be turned off by name, which is how tests show that a rule changes no result.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from ..plan.nodes import LogicalNode
from ..plan.transform import rewrite_up
from .count_never_null import count_never_null
from .drop_existing_not_null import drop_existing_not_null
from .fetch_after_top import fetch_after_top
from .fold_constants import fold_constants
from .group_by_element import group_by_element
from .merge_matches import merge_matches
from .merge_projections import merge_projections
from .order_by_distance_to_knn import order_by_distance_to_knn
from .order_by_limit_to_top import order_by_limit_to_top
from .push_filter_down import push_filter_down
from .remove_redundant_distinct import remove_redundant_distinct
from .rule import Rule, RuleCatalog
from .simplify_predicates import simplify_predicates

RULES: Final[tuple[Rule, ...]] = (
    fold_constants,
    simplify_predicates,
    push_filter_down,
    merge_matches,
    drop_existing_not_null,
    remove_redundant_distinct,
    count_never_null,
    group_by_element,
    order_by_limit_to_top,
    order_by_distance_to_knn,
    fetch_after_top,
    merge_projections,
)

PASSES_MAX: Final = 10
"""Rounds over the whole plan; each rule shrinks or sinks something, so three have been enough so far."""


def rewrite(
    root: LogicalNode, catalog: RuleCatalog, disabled: Collection[str] = ()
) -> tuple[LogicalNode, tuple[str, ...]]:
    """The rewritten plan, and the names of the rules that fired, in order."""
    fired: list[str] = []
    for _ in range(PASSES_MAX):
        before = root
        for rule in RULES:
            if rule.__name__ in disabled:
                continue
            after = rewrite_up(root, lambda node, rule=rule: rule(node, catalog))
            if after is not root:
                fired.append(rule.__name__)
                root = after
        if root is before:
            break
    return root, tuple(fired)
