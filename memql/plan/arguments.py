"""What an inner plan asks of the rows around it."""

from __future__ import annotations

from dataclasses import replace

from . import expr as b
from . import nodes
from .nodes import LogicalNode
from .properties import argument_variables, expressions_of
from .transform import children, map_children


def with_arguments_read(plan: LogicalNode) -> LogicalNode:
    """An inner plan whose argument passes only what it reads: what nothing reads is never computed outside."""
    wanted = argument_variables(plan)
    read = _read_in(plan)

    def narrowed(node: LogicalNode) -> LogicalNode:
        match node:
            case nodes.Argument():
                return nodes.Argument(tuple(v for v in wanted if v in read))
            case nodes.Apply():
                # Its inner side has arguments of its own.
                return replace(node, outer=narrowed(node.outer))
            case _:
                return map_children(node, narrowed)

    return narrowed(plan)


def _read_in(plan: LogicalNode, outermost: bool = True) -> frozenset[str]:
    """The columns that any node of a plan reads; of the inner side of an Apply also those of its argument."""
    found = frozenset[str]().union(*map(b.free_variables, expressions_of(plan)))
    match plan:
        case nodes.Match(_, graph):
            found |= graph.arguments
        case nodes.Distinct(_, columns):
            found |= frozenset(columns)
        case nodes.Argument(variables) if not outermost:
            found |= frozenset(variables)
        case nodes.Apply():
            return found | _read_in(plan.outer, outermost) | _read_in(plan.inner, False)
        case _:
            pass
    return found.union(*(_read_in(child, outermost) for child in children(plan)))
