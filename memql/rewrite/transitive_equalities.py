"""Compare both with the constant instead of one with the other.

    Match(WHERE a.id = b.id AND b.id = $x)     =>     Match(WHERE a.id = $x AND b.id = $x)

Holds because equality, where it is true, is transitive: numbers are compared exactly, null and NaN equal nothing. Both
terms are true on the same rows, and no operand can fail. Helps because each side may be looked up by an index, and a
predicate on one node folds where one on two does not.
"""

from __future__ import annotations

from dataclasses import replace

from ..plan.expr import Call, Expr, Literal, Parameter, Property, Variable
from ..plan.nodes import LogicalNode, Match
from .rule import RuleCatalog


def transitive_equalities(node: LogicalNode, catalog: RuleCatalog) -> LogicalNode:
    """See the module."""
    match node:
        case Match(_, graph):
            known = {p: c for term in graph.predicates for p, c in _constants(term)}
            if not known:
                return node
            terms = tuple(_replaced(term, known) for term in graph.predicates)
            if all(a is b for a, b in zip(terms, graph.predicates, strict=True)):
                return node
            return replace(node, graph=replace(graph, predicates=terms))
        case _:
            return node


def _is_property(expr: Expr) -> bool:
    return isinstance(expr, Property) and isinstance(expr.subject, Variable)


def _constants(term: Expr) -> list[tuple[Expr, Expr]]:
    """The property that a term compares with a constant, and the constant."""
    match term:
        case Call("=", (left, right)):
            for a, b in ((left, right), (right, left)):
                if _is_property(a) and isinstance(b, (Literal, Parameter)):
                    return [(a, b)]
    return []


def _replaced(term: Expr, known: dict[Expr, Expr]) -> Expr:
    match term:
        case Call("=", (left, right)) if _is_property(left) and _is_property(right) and left != right:
            if right in known:
                return replace(term, arguments=(left, known[right]))
            if left in known:
                return replace(term, arguments=(right, known[left]))
    return term
