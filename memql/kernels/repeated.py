"""Which parts of an operator's expressions occur more than once: each is then evaluated once for a batch.

What decides is the batch that an expression is evaluated on, so evaluation stays as selective as the law has it: an
operand of AND that sees fewer rows sees another batch, and computes its part anew.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextvars import ContextVar
from typing import Final

from ..plan import expr as e
from ..plan.properties import is_volatile

PARTS_MAX: Final = 400
"""Expressions of more parts than this are left alone: they are lists of constants mostly."""

REPEATED: Final = "repeated"
"""The name of this among the kernels, for tests that leave it out."""

SHARED: Final[ContextVar[dict[str, object] | None]] = ContextVar("SHARED", default=None)
"""While an operator is compiled: its repeated parts by key, with their evaluators once they are made."""


def key_of(expr: e.Expr) -> str | None:
    """What is equal for equal expressions alone (1, 1.0 and true are not); None for what is never shared.

    A subquery is known by its plan: the planner makes one of two that are equal and not volatile.
    """
    match expr:
        case e.Property() | e.Call() | e.ListComprehension() | e.Quantifier() | e.Reduce() | e.Case():
            return None if _holds_subquery(expr) or is_volatile(expr) else repr(expr)
        case e.Subquery(_, plan):
            return f"subquery {id(plan)}"
        case _:
            return None


def _holds_subquery(expr: e.Expr) -> bool:
    return isinstance(expr, e.Subquery) or any(map(_holds_subquery, e.children(expr)))


def repeated(exprs: Sequence[e.Expr]) -> dict[str, object]:
    """The keys of the parts that occur at least twice among ``exprs`` and give the same each time."""
    whole: list[e.Expr] = []
    waiting = list(exprs)
    while waiting:
        if len(whole) > PARTS_MAX:
            return {}
        expr = waiting.pop()
        whole.append(expr)
        waiting += e.children(expr)
    leaves = (e.Variable, e.Literal, e.Parameter)
    kinds: Counter[type] = Counter(type(expr) for expr in whole if not isinstance(expr, leaves))
    if all(count < 2 for count in kinds.values()):
        return {}
    found = Counter(key for expr in whole if kinds[type(expr)] > 1 and (key := key_of(expr)) is not None)
    return {key: None for key, count in found.items() if count > 1}
