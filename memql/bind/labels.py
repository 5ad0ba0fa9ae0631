"""Label expressions, bound: what a pattern graph takes as plain names, and the test for the rest."""

from __future__ import annotations

from memoradb.core.errors import UnsupportedFeature

from ..plan import expr as b
from ..syntax import ast_pattern as p


def label_test(labels: p.LabelExpression) -> b.LabelTest:
    """A label expression, bound."""
    match labels:
        case p.LabelName(name):
            return b.LabelTest(b.LabelOperator.NAME, name)
        case p.LabelWildcard():
            return b.LabelTest(b.LabelOperator.ANY)
        case p.LabelNot(operand):
            return b.LabelTest(b.LabelOperator.NOT, operands=(label_test(operand),))
        case p.LabelAnd(operands):
            return b.LabelTest(b.LabelOperator.AND, operands=tuple(map(label_test, operands)))
        case p.LabelOr(operands):
            return b.LabelTest(b.LabelOperator.OR, operands=tuple(map(label_test, operands)))
        case p.DynamicLabel():
            raise UnsupportedFeature("Dynamic labels are not supported yet.", span=labels.span)


def plain_labels(labels: p.LabelExpression | None) -> tuple[tuple[str, ...], b.LabelTest | None]:
    """Labels that must all hold, and what else a label expression asks."""
    if labels is None:
        return (), None
    operands = labels.operands if isinstance(labels, p.LabelAnd) else (labels,)
    names = tuple(o.name for o in operands if isinstance(o, p.LabelName))
    rest = tuple(o for o in operands if not isinstance(o, p.LabelName))
    if not rest:
        return names, None
    return names, label_test(rest[0] if len(rest) == 1 else p.LabelAnd(rest))


def plain_types(types: p.LabelExpression | None) -> tuple[tuple[str, ...], b.LabelTest | None]:
    """Alternative types, or a test where the expression is anything else."""
    if types is None:
        return (), None
    operands = types.operands if isinstance(types, p.LabelOr) else (types,)
    if all(isinstance(o, p.LabelName) for o in operands):
        return tuple(dict.fromkeys(o.name for o in operands if isinstance(o, p.LabelName))), None
    return (), label_test(types)
