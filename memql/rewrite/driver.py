"""Runs the rewrite rules over a plan, bottom up, until none fires; over the plans of subqueries in expressions too.

At each node the order is this tuple. Each rule can be turned off by name, which is how tests show that a rule changes
no result.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Final, NamedTuple

from ..plan import expr as e
from ..plan import nodes
from ..plan.nodes import LogicalNode
from ..plan.properties import expressions_of
from ..plan.transform import children, is_logical, map_children
from .call_to_count import call_to_count
from .count_distinct_element import count_distinct_element
from .count_never_null import count_never_null
from .count_optional_hits import count_optional_hits
from .count_to_exists import count_to_exists
from .drop_existing_not_null import drop_existing_not_null
from .expressions import map_expressions
from .fetch_after_top import fetch_after_top
from .fold_constants import fold_constants
from .group_by_element import group_by_element
from .label_tests_to_pattern import label_tests_to_pattern
from .merge_matches import merge_matches
from .merge_projections import merge_projections
from .optional_to_match import optional_to_match
from .order_by_distance_to_knn import order_by_distance_to_knn
from .order_by_limit_to_top import order_by_limit_to_top
from .order_terms import order_terms
from .push_filter_below_grouping import push_filter_below_grouping
from .push_filter_below_rows import push_filter_below_rows
from .push_filter_down import push_filter_down
from .push_filter_into_union import push_filter_into_union
from .push_filter_past_apply import push_filter_past_apply
from .push_limit_down import push_limit_down
from .push_top_down import push_top_down
from .remove_redundant_distinct import remove_redundant_distinct
from .rule import Rule, RuleCatalog
from .simplify_exists import simplify_exists
from .simplify_predicates import simplify_predicates
from .size_to_count import size_to_count
from .transitive_equalities import transitive_equalities
from .unnest_apply import unnest_apply

RULES: Final[tuple[Rule, ...]] = (
    fold_constants,
    simplify_predicates,
    size_to_count,
    call_to_count,
    count_to_exists,
    simplify_exists,
    push_filter_below_grouping,
    push_filter_below_rows,
    push_filter_into_union,
    optional_to_match,
    push_filter_past_apply,
    unnest_apply,
    push_filter_down,
    label_tests_to_pattern,
    merge_matches,
    transitive_equalities,
    drop_existing_not_null,
    remove_redundant_distinct,
    count_never_null,
    count_distinct_element,
    count_optional_hits,
    group_by_element,
    order_by_limit_to_top,
    order_by_distance_to_knn,
    fetch_after_top,
    push_top_down,
    push_limit_down,
    merge_projections,
    order_terms,
)

_ON: Final[dict[Rule, tuple[type, ...]]] = {
    call_to_count: (nodes.Apply,),
    push_filter_below_grouping: (nodes.Selection,),
    push_filter_below_rows: (nodes.Selection,),
    push_filter_into_union: (nodes.Selection,),
    optional_to_match: (nodes.Selection,),
    push_filter_past_apply: (nodes.Selection,),
    unnest_apply: (nodes.Apply,),
    push_filter_down: (nodes.Selection,),
    label_tests_to_pattern: (nodes.Match,),
    merge_matches: (nodes.Match,),
    transitive_equalities: (nodes.Match,),
    drop_existing_not_null: (nodes.Match,),
    remove_redundant_distinct: (nodes.Distinct, nodes.Aggregation),
    count_never_null: (nodes.Aggregation,),
    count_distinct_element: (nodes.Aggregation,),
    count_optional_hits: (nodes.Aggregation,),
    group_by_element: (nodes.Aggregation,),
    order_by_limit_to_top: (nodes.Limit,),
    order_by_distance_to_knn: (nodes.Top,),
    fetch_after_top: (nodes.Top, nodes.Projection),
    push_top_down: (nodes.Top,),
    push_limit_down: (nodes.Limit,),
    merge_projections: (nodes.Projection,),
}
"""The nodes that a rule looks at, where it does not look at all: planning is timed, and few nodes concern a rule."""

_OF_SUBQUERIES: Final = frozenset((size_to_count, count_to_exists, simplify_exists))
"""Rules that look at subqueries alone."""

_OF_EXPRESSIONS: Final[dict[Rule, frozenset[type]]] = {
    fold_constants: frozenset((e.Call,)),
    simplify_predicates: frozenset((e.And, e.Or, e.Call)),
    order_terms: frozenset((e.And,)),
}
"""The expressions that a rule looks at, where it looks at nothing else of a node (a Selection aside)."""

PASSES_MAX: Final = 10
"""Rounds over the whole plan; each rule shrinks or sinks something, so three have been enough so far."""


class Firing(NamedTuple):
    """A rule that fired: what stood there, and what it made of it."""

    rule: Rule
    before: LogicalNode
    after: LogicalNode


def rewrite(
    root: LogicalNode, catalog: RuleCatalog, disabled: Collection[str] = (), firings: list[Firing] | None = None
) -> tuple[LogicalNode, tuple[str, ...]]:
    """The rewritten plan, and the names of the rules that fired, in order; each is added to ``firings``, if given."""
    rewriting = _Rewriting(catalog, disabled, firings)
    for _ in range(PASSES_MAX):
        before = root
        root = rewriting.everywhere(root)
        if root is before:
            break
    return root, tuple(rewriting.fired)


class _Rewriting:
    def __init__(self, catalog: RuleCatalog, disabled: Collection[str], firings: list[Firing] | None) -> None:
        self.fired: list[str] = []
        self._firings = firings
        self._catalog = catalog
        self._rules = [rule for rule in RULES if rule.__name__ not in disabled]
        self._of: dict[tuple[type, bool], list[Rule]] = {}
        """The rules that look at a class of nodes, by whether its expressions hold subqueries."""
        self._settled: dict[int, LogicalNode] = {}
        """Plans without subqueries that no rule changes any more, by identity: a rule looks at nothing above a node."""

    def everywhere(self, node: LogicalNode) -> LogicalNode:
        """Each rule applied to every node, leaves first, those of subqueries in a node's expressions before it."""
        if id(node) in self._settled:
            return node
        node = map_children(node, self.everywhere)
        found: set[type] = set()
        for expr in expressions_of(node):
            _note_kinds(expr, found)
        asks = e.Subquery in found
        if asks:
            node = map_expressions(node, lambda expr: e.rewrite_up(expr, self._inside))
        scanned = node
        while True:
            kind, before = type(node), node
            for rule in self._rules_of(kind, asks):
                looks = _OF_EXPRESSIONS.get(rule)
                if looks is not None and node is scanned and kind is not nodes.Selection and looks.isdisjoint(found):
                    continue
                after = rule(node, self._catalog)
                if after is not node:
                    self.fired.append(rule.__name__)
                    if self._firings is not None:
                        self._firings.append(Firing(rule, node, after))
                    node = after
                    if type(node) is not kind:
                        break
            else:
                if node is before and not asks and all(id(child) in self._settled for child in children(node)):
                    self._settled[id(node)] = node
                return node

    def _rules_of(self, kind: type, asks: bool) -> list[Rule]:
        found = self._of.get((kind, asks))
        if found is None:
            found = [r for r in self._rules if kind in _ON.get(r, (kind,)) and (asks or r not in _OF_SUBQUERIES)]
            self._of[kind, asks] = found
        return found

    def _inside(self, expr: e.Expr) -> e.Expr:
        if not isinstance(expr, e.Subquery) or not is_logical(expr.plan):
            return expr
        plan = self.everywhere(expr.plan)  # pyright: ignore[reportArgumentType]
        return expr if plan is expr.plan else replace(expr, plan=plan)


def _note_kinds(expr: e.Expr, found: set[type]) -> None:
    """Add the classes of an expression and all within."""
    found.add(type(expr))
    for child in e.children(expr):
        _note_kinds(child, found)
