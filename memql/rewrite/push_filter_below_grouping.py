"""Filter rows before they are grouped, where the groups are told apart by what the filter reads.

    Selection(k > 3 AND n > 1)                     Selection(n > 1)
      Aggregation(keys a.k AS k; n = count(*))  =>   Aggregation(keys a.k AS k; n = count(*))
        input                                          Selection(a.k > 3)
                                                         input

    Selection(p)                                   Distinct(columns)
      Distinct(columns)                         =>   Selection(p)

Holds for a term of an AND that reads keys alone, cannot fail, and says the same of all values of one group: values that
are equal but not the same (1 and 1.0) are one group, so a key is read as a whole by comparisons, IN and tests for null,
and only an element's properties and labels are looked at. A group is there exactly where one of its rows is, so the
term is evaluated for the same groups. The aggregates must not fail on the rows that are left out now: count, collect,
min and max of values that cannot fail. Helps because what a filter keeps may come from an index, and the rest is
neither made nor grouped.
"""

from __future__ import annotations

from ..plan.expr import Expr, HasLabels, Property, Subquery, Variable, children, conjunction, conjuncts, free_variables
from ..plan.failure import SAFE_AGGREGATES, cannot_fail, is_safe
from ..plan.nodes import Aggregation, Distinct, LogicalNode, Selection
from ..plan.properties import bound_elements
from .rule import RuleCatalog
from .substitution import below, parted


def push_filter_below_grouping(node: LogicalNode, catalog: RuleCatalog) -> LogicalNode:
    """See the module."""
    match node:
        case Selection(Aggregation(input, keys, aggregates), predicate) if keys:
            safe = all(a.function in SAFE_AGGREGATES and all(map(is_safe, a.arguments)) for a in aggregates)
            if not safe or not all(is_safe(e) for _, e in keys):
                return node
            elements = bound_elements(node.input)
            down, stay = _parted(predicate, dict(keys), frozenset(elements))
            if not down:
                return node
            grouped: LogicalNode = Aggregation(Selection(input, conjunction(down)), keys, aggregates)
        case Selection(Distinct(input, columns), predicate):
            elements = bound_elements(input)
            down, stay = _parted(predicate, {c: Variable(c) for c in columns}, frozenset(elements))
            if not down:
                return node
            grouped = Distinct(Selection(input, conjunction(down)), columns)
        case _:
            return node
    return Selection(grouped, conjunction(stay)) if stay else grouped


def _parted(
    predicate: Expr, keys: dict[str, Expr], elements: frozenset[str]
) -> tuple[tuple[Expr, ...], tuple[Expr, ...]]:
    """The terms that may go below, said in its columns, and the others."""

    def lowered(term: Expr) -> Expr | None:
        if not free_variables(term) <= keys.keys() or not cannot_fail(term) or not _of_groups(term, elements):
            return None
        moved = below(term, keys)
        return None if moved is None or not cannot_fail(moved) else moved

    return parted(conjuncts(predicate), lowered)


def _of_groups(expr: Expr, elements: frozenset[str]) -> bool:
    """Whether ``expr`` looks into no value but elements: what it says of one value it says of every equal one."""
    match expr:
        case Property(Variable(name)) | HasLabels(Variable(name)):
            return name in elements
        case Property() | HasLabels():
            return False
        case Subquery():
            return frozenset(expr.arguments) <= elements
        case _:
            return all(_of_groups(child, elements) for child in children(expr))
