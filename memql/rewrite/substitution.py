"""Terms moved below other nodes: which of them may go first, and what they read said in the columns that are there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from ..plan.expr import (
    Expr,
    Literal,
    Parameter,
    PathOf,
    Property,
    Subquery,
    Variable,
    children,
    free_variables,
    rewrite_up,
)
from ..plan.failure import cannot_fail


def parted(terms: Sequence[Expr], lowered: Callable[[Expr], Expr | None]) -> tuple[tuple[Expr, ...], tuple[Expr, ...]]:
    """The terms of an AND that may be evaluated before the others, as ``lowered`` says them there, and the others.

    Later terms are evaluated on the rows that earlier ones keep, and each may fail on what it is evaluated on. So one
    overtakes another only where neither can fail.
    """
    down: list[Expr] = []
    stay: list[Expr] = []
    safe = True
    for term in terms:
        moved = lowered(term) if not stay or (safe and cannot_fail(term)) else None
        if moved is None:
            stay.append(term)
            safe = safe and cannot_fail(term)
        else:
            down.append(moved)
    return tuple(down), tuple(stay)


def is_cheap(expr: Expr) -> bool:
    """Whether an expression may be evaluated twice without regret."""
    match expr:
        case Variable() | Literal() | Parameter() | Property(Variable()):
            return True
        case _:
            return False


def below(expr: Expr, made: Mapping[str, Expr]) -> Expr | None:
    """``expr`` with the columns ``made`` replaced by what they are; None where that would repeat costly work.

    A subquery or a path names its columns, so these must be the same below.
    """
    changed = {name: x for name in free_variables(expr) if (x := made.get(name, Variable(name))) != Variable(name)}
    if not changed:
        return expr
    if not all(map(is_cheap, changed.values())) or _names_any(expr, changed):
        return None
    return rewrite_up(expr, lambda x: changed.get(x.name, x) if isinstance(x, Variable) else x)


def _names_any(expr: Expr, changed: Mapping[str, Expr]) -> bool:
    match expr:
        case PathOf(elements):
            return not changed.keys().isdisjoint(elements)
        case Subquery():
            return not changed.keys().isdisjoint(expr.arguments)
        case _:
            return any(_names_any(child, changed) for child in children(expr))
