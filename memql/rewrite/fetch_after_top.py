"""Read properties that the order does not depend on for the rows that remain.

    Top(k, by n)                                      Projection(n, p.name AS name)
      Projection(n, p.name AS name)             =>      Top(k, by n)
        input                                             Projection(n, p)
                                                            input

    Projection(id, name)                              Projection(id, p.name AS name)
      Top(k, by id)                             =>      Top(k, by id)
        Projection(+ p.id AS id, p.name AS name)          Projection(+ p.id AS id)
          input                                             input

Holds for properties of variables, and for subqueries that cannot fail, where the input does not write: a later change
would show. Helps because k properties are read, and k subqueries run, instead of one a row.
"""

from __future__ import annotations

from dataclasses import replace

from ..plan.expr import Expr, Property, Subquery, Variable, free_variables
from ..plan.failure import is_safe
from ..plan.nodes import LogicalNode, Projection, SortKey, Top
from ..plan.properties import is_volatile, writes
from .rule import RuleCatalog


def fetch_after_top(node: LogicalNode, catalog: RuleCatalog) -> LogicalNode:
    """See the module."""
    match node:
        case Top(Projection(input, items, False), keys) if not writes(input):
            return _split(node, input, items, keys)
        case Projection(Top(Projection(input, below, True), keys) as top, items, False) if not writes(input):
            later = _deferrable(below, keys)
            read_within = frozenset[str]().union(*(free_variables(e) for _, e in items if not isinstance(e, Variable)))
            later = {name: expr for name, expr in later.items() if name not in read_within}
            if not later:
                return node
            kept = tuple((name, expr) for name, expr in below if name not in later)
            top = replace(top, input=Projection(input, kept, True) if kept else input)
            shown = ((n, later.get(e.name, e) if isinstance(e, Variable) else e) for n, e in items)
            return Projection(top, tuple(shown))
        case _:
            return node


def _deferrable(items: tuple[tuple[str, Expr], ...], keys: tuple[SortKey, ...]) -> dict[str, Expr]:
    """The items that may be computed later, and that no sort key reads."""
    read = frozenset[str]().union(*(free_variables(k.expression) for k in keys))
    return {name: expr for name, expr in items if name not in read and _may_wait(expr)}


def _may_wait(expr: Expr) -> bool:
    match expr:
        case Property(Variable()):
            return True
        case Subquery():
            return is_safe(expr) and not is_volatile(expr)
        case _:
            return False


def _split(top: Top, input: LogicalNode, items: tuple[tuple[str, Expr], ...], keys: tuple[SortKey, ...]) -> LogicalNode:
    later = _deferrable(items, keys)
    if not later:
        return top
    kept = {name: expr for name, expr in items if name not in later}
    subjects = frozenset[str]().union(*map(free_variables, later.values()))
    # A column of that name must be the variable itself.
    if any(kept.get(s, Variable(s)) != Variable(s) or s in later for s in subjects):
        return top
    kept |= {subject: Variable(subject) for subject in sorted(subjects)}
    below = replace(top, input=Projection(input, tuple(kept.items())))
    return Projection(below, tuple((n, e if n in later else Variable(n)) for n, e in items))
