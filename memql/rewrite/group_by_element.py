"""Group by a node instead of by several of its properties.

    Aggregation(keys p.id, p.name; count(*))          Projection(p.id, p.name, n)
      input                                     =>      Aggregation(keys p; n = count(*))
                                                          input

Holds when every key is ``p`` itself or a property of it, and one of the properties identifies a node with the label
that ``p`` has: it is unique there and no such node lacks it (a fact about the graph; nulls would be one group). So
different nodes are different groups, and the properties are the same in all rows of a node. Helps because nodes are
grouped by scattering slots into an array, and the properties are read once a group instead of once a row.
"""

from __future__ import annotations

from ..plan.expr import Expr, Property, Variable
from ..plan.nodes import Aggregation, LogicalNode, Projection
from ..plan.properties import bound_elements
from .identity import identifies
from .rule import RuleCatalog


def group_by_element(node: LogicalNode, catalog: RuleCatalog) -> LogicalNode:
    """See the module."""
    match node:
        case Aggregation(input, keys, aggregates) if keys:
            subjects = {_subject(e) for _, e in keys}
            if len(subjects) != 1 or not any(isinstance(e, Property) for _, e in keys):
                return node
            name = subjects.pop()
            labels = bound_elements(input).get(name or "")
            if name is None or not labels:
                return node
            if not any(identifies(e, labels, catalog) for _, e in keys):
                return node
            grouped = Aggregation(input, ((name, Variable(name)),), aggregates)
            shown = tuple((a.variable, Variable(a.variable)) for a in aggregates)
            return Projection(grouped, (*keys, *shown))
        case _:
            return node


def _subject(expr: Expr) -> str | None:
    match expr:
        case Variable(name) | Property(Variable(name), _):
            return name
        case _:
            return None
