"""Make a value of a subquery that only counts.

    Apply(n)                              Projection(+ COUNT { q } AS n)
      outer                                 outer
      Aggregation(n = count(*))    =>
        q

Holds for CALL { } whose inner plan is an aggregation without keys with nothing but count(*): it gives one row for each
outer row, and COUNT { } the same number. A value that nothing reads is not computed, where CALL would have run, so the
inner plan must not fail; nor may it write or be volatile. Helps because a value needs no join back, and what follows
may compare it, put it off until after a LIMIT, or share it.
"""

from __future__ import annotations

from ..plan.expr import Subquery
from ..plan.failure import plan_is_safe
from ..plan.nodes import Aggregate, Aggregation, Apply, ApplyKind, LogicalNode, Projection
from ..plan.properties import argument_variables, plan_is_volatile
from ..syntax.ast_expr import SubqueryKind
from .rule import RuleCatalog


def call_to_count(node: LogicalNode, catalog: RuleCatalog) -> LogicalNode:
    """See the module."""
    match node:
        case Apply(outer, Aggregation(input, (), (Aggregate(name, "count", ()),)), ApplyKind.CROSS, (shown,)):
            if name != shown or not plan_is_safe(input) or plan_is_volatile(input):
                return node
            counted = Subquery(SubqueryKind.COUNT, input, argument_variables(input))
            return Projection(outer, ((name, counted),), True)
        case _:
            return node
