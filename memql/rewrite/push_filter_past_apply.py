"""Filter the outer rows of a subquery before it is run for them, and its inner rows inside it.

    Selection(p and q)                       OptionalApply
      OptionalApply                   =>       Selection(p)         where p reads the outer side alone,
        outer                                    outer
        inner                                  inner                and q stays

    Selection(p and q)                       Apply
      Apply                           =>       Selection(p)
        outer                                    outer
        inner                                  Selection(q)         where q reads the inner side alone
                                                 inner

Holds for outer terms where the inner plan cannot fail, as it runs for fewer rows. An OPTIONAL MATCH gives each outer
row at least once, so its terms are evaluated on the same rows; CALL drops rows without inner ones, so there they must
not fail. Inner terms see the same rows in the same order, but nothing of an OPTIONAL MATCH may be dropped there: its
rows would become nulls. Helps because a subquery is run for the rows that are wanted, and finds its own by an index.
"""

from __future__ import annotations

from dataclasses import replace

from ..plan.expr import Expr, conjunction, conjuncts, free_variables
from ..plan.failure import cannot_fail, plan_is_safe
from ..plan.nodes import Apply, ApplyKind, LogicalNode, Selection
from ..plan.properties import is_volatile, output_columns, writes
from .rule import RuleCatalog
from .substitution import parted


def push_filter_past_apply(node: LogicalNode, catalog: RuleCatalog) -> LogicalNode:
    """See the module."""
    match node:
        case Selection(Apply(outer, inner, ApplyKind.CROSS | ApplyKind.OPTIONAL as kind, made) as apply, predicate):
            if writes(inner):
                return node
            optional, brought = kind is ApplyKind.OPTIONAL, frozenset(made)

            def outwards(term: Expr) -> Expr | None:
                """Terms of the outer side."""
                reads_outer = not free_variables(term) & brought and not is_volatile(term)
                return term if reads_outer and (optional or cannot_fail(term)) and plan_is_safe(inner) else None

            def inwards(term: Expr) -> Expr | None:
                """Terms of the inner side."""
                return term if free_variables(term) <= output_columns(inner) and not is_volatile(term) else None

            outer_terms, terms = parted(conjuncts(predicate), outwards)
            inner_terms, stay = ((), terms) if optional else parted(terms, inwards)
            if not outer_terms and not inner_terms:
                return node
            moved = replace(
                apply,
                outer=Selection(outer, conjunction(outer_terms)) if outer_terms else outer,
                inner=Selection(inner, conjunction(inner_terms)) if inner_terms else inner,
            )
            return Selection(moved, conjunction(stay)) if stay else moved
        case _:
            return node
