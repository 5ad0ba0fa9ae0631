"""Filter the parts of a UNION.

    Selection(p)              Union ALL
      Union ALL          =>     Selection(p)
        a                         a
        b                       Selection(p)
                                  b

Holds for UNION ALL always: the same rows are tested in the same order. For UNION where p cannot fail and reads columns
as a whole, as of two rows that are equal but not the same (1 and 1.0) only the first is shown. Helps because each part
may use an index for it.
"""

from __future__ import annotations

from dataclasses import replace

from ..plan.expr import Expr, HasLabels, Property, Subquery, children
from ..plan.failure import cannot_fail
from ..plan.nodes import LogicalNode, Selection, Union
from ..plan.properties import is_volatile
from .rule import RuleCatalog


def push_filter_into_union(node: LogicalNode, catalog: RuleCatalog) -> LogicalNode:
    """See the module."""
    match node:
        case Selection(Union(inputs, _, all_rows) as union, predicate):
            if is_volatile(predicate) or not (all_rows or (cannot_fail(predicate) and _reads_whole(predicate))):
                return node
            return replace(union, inputs=tuple(Selection(i, predicate) for i in inputs))
        case _:
            return node


def _reads_whole(expr: Expr) -> bool:
    """Whether no value is looked into."""
    return not isinstance(expr, (Property, HasLabels, Subquery)) and all(map(_reads_whole, children(expr)))
