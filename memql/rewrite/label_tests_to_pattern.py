"""Make a label that is tested a label of the pattern.

    Match((p) WHERE p:Person)     =>     Match((p:Person))

Holds for a test of one label, or of several that must all hold, of a node that the pattern matches: the two say the
same. Helps because a label has a bitmap to begin with, and indexes.
"""

from __future__ import annotations

from dataclasses import replace

from ..plan.expr import Expr, HasLabels, LabelOperator, LabelTest, Variable
from ..plan.nodes import LogicalNode, Match
from .rule import RuleCatalog


def label_tests_to_pattern(node: LogicalNode, catalog: RuleCatalog) -> LogicalNode:
    """See the module."""
    match node:
        case Match(_, graph) if any(isinstance(p, HasLabels) for p in graph.predicates):
            matched = {n.variable for n in graph.nodes}
            found: dict[str, list[str]] = {}
            kept: list[Expr] = []
            for predicate in graph.predicates:
                match predicate:
                    case HasLabels(Variable(name), test) if name in matched and (labels := _all_of(test)) is not None:
                        found.setdefault(name, []).extend(labels)
                    case _:
                        kept.append(predicate)
            if not found:
                return node
            labelled = tuple(
                replace(n, labels=tuple(dict.fromkeys((*n.labels, *found.get(n.variable, ()))))) for n in graph.nodes
            )
            return replace(node, graph=replace(graph, nodes=labelled, predicates=tuple(kept)))
        case _:
            return node


def _all_of(test: LabelTest) -> list[str] | None:
    """The labels that must all hold for ``test`` to be true; None where it asks something else."""
    match test.operator:
        case LabelOperator.NAME:
            return [test.name]
        case LabelOperator.AND:
            parts = [_all_of(operand) for operand in test.operands]
            return None if any(p is None for p in parts) else [name for p in parts if p for name in p]
        case _:
            return None
