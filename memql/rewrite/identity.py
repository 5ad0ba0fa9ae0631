"""Which properties tell the nodes of a label apart."""

from __future__ import annotations

from memoradb.storage.view import Element, NeverNull

from ..plan.expr import Expr, Property
from .rule import RuleCatalog


def identifies(expr: Expr, labels: tuple[str, ...], catalog: RuleCatalog) -> bool:
    """Whether ``expr`` is a property that is unique among the nodes of one of ``labels``, and none lacks it."""
    if not isinstance(expr, Property):
        return False
    for index in catalog.indexes():
        if index.kind.is_unique and index.element is Element.NODE and index.keys == (expr.key,):
            if index.labels[0] in labels and catalog.fact(NeverNull(index.labels[0], expr.key)):
                return True
    return False
