"""Drop a test for null that a constraint makes needless.

    Match((p:Person) WHERE p.name IS NOT NULL AND p IS NOT NULL)     =>     Match((p:Person))

Holds for what the pattern itself binds, and where an existence or key constraint says that every node with one of the
variable's labels has the property. Other facts of the kind are left alone: to find out that no value is null takes as
long as the test. Helps because a match without predicates is counted and folded without its rows.
"""

from __future__ import annotations

from dataclasses import replace

from memoradb.storage.view import Element, IndexKind, NeverNull

from ..plan.expr import Expr, IsNull, Property, Variable
from ..plan.nodes import LogicalNode, Match
from .rule import RuleCatalog


def drop_existing_not_null(node: LogicalNode, catalog: RuleCatalog) -> LogicalNode:
    """See the module."""
    match node:
        case Match(_, graph) if graph.predicates:
            labels = {n.variable: n.labels for n in graph.nodes}
            bound = labels.keys() | {r.variable for r in graph.relationships if r.length is None}
            given = {IsNull(Variable(name), True) for name in bound}
            kept = tuple(p for p in graph.predicates if not (_is_needless(p, labels, catalog) or _is_in(p, given)))
            return node if len(kept) == len(graph.predicates) else replace(node, graph=replace(graph, predicates=kept))
        case _:
            return node


def _is_in(predicate: Expr, given: set[IsNull]) -> bool:
    return isinstance(predicate, IsNull) and isinstance(predicate.operand, Variable) and predicate in given


def _is_needless(predicate: Expr, labels: dict[str, tuple[str, ...]], catalog: RuleCatalog) -> bool:
    match predicate:
        case IsNull(Property(Variable(name), key), True):
            return any(
                index.kind in (IndexKind.EXISTENCE, IndexKind.KEY)
                and index.element is Element.NODE
                and key in index.keys
                and index.labels[0] in labels.get(name, ())
                and catalog.fact(NeverNull(index.labels[0], key))
                for index in catalog.indexes()
            )
        case _:
            return False
