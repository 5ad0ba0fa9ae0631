"""Filter rows before they are unwound or sorted.

    Selection(p)               Unwind(list AS x)         Selection(p)         Sort(keys)
      Unwind(list AS x)   =>     Selection(p)              Sort(keys)    =>     Selection(p)
        input                      input                     input                input

Holds for a term of an AND that does not read x, and cannot fail: it is evaluated on rows of empty lists now, and before
the sort in another order. The list and the sort keys must not fail either, as fewer rows are looked at. Helps because a
row is tested once and not for each element, and only what is wanted is sorted.
"""

from __future__ import annotations

from dataclasses import replace

from ..plan.expr import conjunction, conjuncts, free_variables
from ..plan.failure import cannot_fail, is_safe
from ..plan.nodes import LogicalNode, Selection, Sort, Unwind
from ..plan.properties import is_volatile
from .rule import RuleCatalog
from .substitution import parted


def push_filter_below_rows(node: LogicalNode, catalog: RuleCatalog) -> LogicalNode:
    """See the module."""
    match node:
        case Selection(Unwind(input, source, variable) as below, predicate) if _is_fixed(source):
            made = frozenset((variable,))
        case Selection(Sort(input, keys) as below, predicate) if all(_is_fixed(k.expression) for k in keys):
            made = frozenset[str]()
        case _:
            return node
    down, stay = parted(conjuncts(predicate), lambda t: t if not free_variables(t) & made and cannot_fail(t) else None)
    if not down:
        return node
    moved = replace(below, input=Selection(input, conjunction(down)))
    return Selection(moved, conjunction(stay)) if stay else moved


def _is_fixed(expr: object) -> bool:
    return is_safe(expr) and not is_volatile(expr)  # pyright: ignore[reportArgumentType]
