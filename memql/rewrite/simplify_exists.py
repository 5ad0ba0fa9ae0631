"""Ask only whether there is a row.

    EXISTS { Projection | Distinct | Sort | Top(k > 0) | Limit(k > 0)  over input }     =>     EXISTS { input }

Holds because each of these has a row where its input has one, and nobody reads what it shows. What is projected is not
computed where nothing reads it; DISTINCT and the sort read their rows, so theirs must not fail. Helps because what is
left is a pattern, which is looked for by its first match or as a set of nodes.
"""

from __future__ import annotations

from dataclasses import replace

from ..plan.expr import Expr, Literal, Subquery, rewrite_up
from ..plan.failure import is_safe, plan_is_safe
from ..plan.nodes import Distinct, Limit, LogicalNode, Projection, Sort, SortKey, Top
from ..plan.properties import plan_is_volatile
from ..plan.transform import is_logical
from ..syntax.ast_expr import SubqueryKind
from .expressions import map_expressions
from .rule import RuleCatalog


def simplify_exists(node: LogicalNode, catalog: RuleCatalog) -> LogicalNode:
    """See the module."""
    return map_expressions(node, lambda expr: rewrite_up(expr, _simplified))


def _simplified(expr: Expr) -> Expr:
    match expr:
        case Subquery(SubqueryKind.EXISTS, plan) if is_logical(plan):
            bare = _bare(plan)  # pyright: ignore[reportArgumentType]
            return expr if bare is plan else replace(expr, plan=bare)
        case _:
            return expr


def _bare(plan: LogicalNode) -> LogicalNode:
    match plan:
        case Projection(input) if not plan_is_volatile(plan):
            return _bare(input)
        case Distinct(input) if plan_is_safe(input):
            return _bare(input)
        case Sort(input, keys) if _is_safe(keys) and plan_is_safe(input):
            return _bare(input)
        case Top(input, keys, Literal(int(count)), None) if count > 0 and _is_safe(keys) and plan_is_safe(input):
            return _bare(input)
        case Limit(input, Literal(int(count))) if count > 0:
            return _bare(input)
        case _:
            return plan


def _is_safe(keys: tuple[SortKey, ...]) -> bool:
    return all(is_safe(key.expression) for key in keys)
