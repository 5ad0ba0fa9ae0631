"""What the columns of a logical plan are: nodes with labels, relationships of types, or expressions over these.

Estimates of a grouping, a DISTINCT or a filter after WITH ask for it; a pattern that goes on from a column of its input
does too, for the labels that the column has.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from memoradb.storage.view import Follows

from ..plan import nodes
from ..plan.expr import Expr, Variable, map_children
from ..plan.nodes import LogicalNode
from ..plan.transform import children


@dataclass(frozen=True, slots=True)
class Scope:
    """Columns: node variables with their labels, relationship variables with their types, and what else is what."""

    labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    types: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    meanings: Mapping[str, Expr] = field(default_factory=dict)
    met_by: Mapping[str, Follows] = field(default_factory=dict)
    """A relationship that a node variable was met by, as seen from the node."""

    def resolved(self, expr: Expr) -> Expr:
        """``expr`` over node and relationship variables, as far as that is known."""
        if isinstance(expr, Variable):
            return self.meanings.get(expr.name, expr)
        return map_children(expr, self.resolved)

    def with_(self, other: Scope) -> Scope:
        """The columns of both; a node that both have has the labels of both."""
        labels = dict(self.labels)
        for name, more in other.labels.items():
            labels[name] = tuple(dict.fromkeys((*labels.get(name, ()), *more)))
        meanings, met_by = {**self.meanings, **other.meanings}, {**other.met_by, **self.met_by}
        return Scope(labels, {**self.types, **other.types}, meanings, met_by)

    def made(self, items: tuple[tuple[str, Expr], ...], keep: bool) -> Scope:
        """The columns ``items`` over these, which stay where ``keep``."""
        labels, types, meanings = dict(self.labels), dict(self.types), dict(self.meanings)
        if not keep:
            labels, types, meanings = {}, {}, {}
        met_by = dict(self.met_by)
        for name, expr in items:
            source = self.resolved(expr)
            labels.pop(name, None)
            types.pop(name, None)
            meanings.pop(name, None)
            if isinstance(source, Variable) and source.name in self.labels:
                labels[name] = self.labels[source.name]
                if source.name in self.met_by:
                    met_by[name] = self.met_by[source.name]
            elif isinstance(source, Variable) and source.name in self.types:
                types[name] = self.types[source.name]
            else:
                # What a column is made of may be no column any more; its labels still tell what the values are like.
                meanings[name] = source
                labels |= {v: x for v, x in self.labels.items() if v not in labels}
                types |= {v: x for v, x in self.types.items() if v not in types}
        return Scope(labels, types, meanings, met_by)


EMPTY = Scope()


def scope_of(node: LogicalNode, outer: Scope = EMPTY) -> Scope:
    """The columns that ``node`` gives; ``outer`` are those of the argument that it starts from."""
    match node:
        case nodes.Argument():
            return outer
        case nodes.Match(input, graph):
            labels = {n.variable: n.labels for n in graph.nodes}
            types = {r.variable: r.types for r in graph.relationships if r.length is None}
            met_by: dict[str, Follows] = {}
            for r in graph.relationships:
                if r.length is None:
                    met_by.setdefault(r.target, Follows(r.types, r.direction.reversed))
                    met_by.setdefault(r.source, Follows(r.types, r.direction))
            return scope_of(input, outer).with_(Scope(labels, types, {}, met_by))
        case nodes.Projection(input, items, keep):
            return scope_of(input, outer).made(items, keep)
        case nodes.Aggregation(input, keys, _):
            return scope_of(input, outer).made(keys, False)
        case nodes.Apply(before, inner):
            below = scope_of(before, outer)
            return below.with_(scope_of(inner, below))
        case nodes.Union():
            return EMPTY
        case _:
            found = children(node)
            return scope_of(found[0], outer) if found else outer
