"""Make a MATCH of an OPTIONAL MATCH whose misses are filtered away.

    Selection(q.age > 5)                Selection(q.age > 5)
      OptionalApply(q)          =>        Apply(q)
        outer                               outer
        inner                               inner

Holds where a term of an AND that cannot fail is null or false when the variables that the inner side brings are null: a
comparison of a property of one, a test of its labels, IS NOT NULL. A row without a match has nulls there, so the filter
drops it (Galindo-Legaria and Rosenthal 1997 call such a predicate strong). Helps because an inner join may be run in
any order, and takes the filter into its pattern.
"""

from __future__ import annotations

from dataclasses import replace

from ..plan.expr import And, Call, Expr, HasLabels, IsNull, Or, Property, Variable, conjuncts
from ..plan.failure import cannot_fail
from ..plan.nodes import Apply, ApplyKind, LogicalNode, Selection
from .rule import RuleCatalog

_STRICT = frozenset(("=", "<>", "<", "<=", ">", ">=", "STARTS WITH", "ENDS WITH", "CONTAINS"))
"""Operators that are null where an operand is."""


def optional_to_match(node: LogicalNode, catalog: RuleCatalog) -> LogicalNode:
    """See the module."""
    match node:
        case Selection(Apply(_, _, ApplyKind.OPTIONAL, made) as apply, predicate):
            missing = frozenset(made)
            terms = conjuncts(predicate)
            # A term is reached on the rows that those before it keep: none of these may fail on a miss.
            safe = [t for i, t in enumerate(terms) if all(map(cannot_fail, terms[: i + 1]))]
            if not any(_never_true(t, missing) for t in safe):
                return node
            return replace(node, input=replace(apply, kind=ApplyKind.CROSS))
        case _:
            return node


def _never_true(expr: Expr, missing: frozenset[str]) -> bool:
    """Whether ``expr`` is false or null where the columns ``missing`` are null."""
    match expr:
        case IsNull(operand, True):
            return _is_null(operand, missing)
        case And(operands):
            return any(_never_true(x, missing) for x in operands)
        case Or(operands):
            return all(_never_true(x, missing) for x in operands)
        case _:
            return _is_null(expr, missing)


def _is_null(expr: Expr, missing: frozenset[str]) -> bool:
    """Whether ``expr`` is null where the columns ``missing`` are."""
    match expr:
        case Variable(name):
            return name in missing
        case Property(subject) | HasLabels(subject):
            return _is_null(subject, missing)
        case Call(operator, operands) if operator in _STRICT or operator in ("NOT", "id", "elementid", "type"):
            return any(_is_null(x, missing) for x in operands)
        case _:
            return False
