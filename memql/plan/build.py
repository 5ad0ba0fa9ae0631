"""A statement's syntax tree to its logical plan, clause by clause.

``plan_statement`` is the entry. The builder carries the plan so far and the scope; each clause puts a node on top and
changes the scope. What is wrong before any row is seen is raised on the way (``bind``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from memoradb.core.errors import (
    AmbiguousAggregation,
    ProcedureError,
    SemanticError,
    UndefinedVariable,
    UnsupportedFeature,
)

from ..bind.catalog import Catalog
from ..bind.expressions import Aggregation as Collected
from ..bind.expressions import Bound, ExpressionBinder, contains_aggregate
from ..bind.patterns import PatternBinder, with_arguments
from ..bind.scope import BoundVariable, Names, Scope
from ..bind.types import Type
from ..procedures.registry import Procedure
from ..syntax import ast as a
from ..syntax import ast_expr as e
from ..syntax.ast_expr import SubqueryKind
from ..syntax.suggest import did_you_mean
from . import expr as b
from . import nodes
from .build_schema import build_schema
from .build_write import WriteBuilder
from .logical import LogicalPlan
from .nodes import ApplyKind, LogicalNode
from .properties import argument_variables, effects, output_columns

_UPDATES = (a.Create, a.Merge, a.Set, a.Remove, a.Delete, a.Foreach)


class StatementBuilder:
    """Builds one statement."""

    def __init__(self, text: str, catalog: Catalog, parameter_types: Mapping[str, Type]) -> None:
        self.text = text
        self.catalog = catalog
        self.names = Names()
        self.expressions = ExpressionBinder(catalog, self.names, parameter_types, self._subquery_expression)
        self.patterns = PatternBinder(self.expressions, self.names)
        self.expressions.patterns = self.patterns
        self.writes = WriteBuilder(self)

    # --- queries

    def query(
        self, query: a.Query, scope: Scope, start: LogicalNode
    ) -> tuple[LogicalNode, tuple[tuple[str, str], ...] | None, Scope]:
        """(plan, result columns as (name, variable) or None without RETURN, scope at the end)."""
        if isinstance(query, a.SingleQuery):
            return self.single(query, scope.copy(), start)
        parts: list[a.SingleQuery] = []
        kinds: set[bool] = set()
        at: a.Query = query
        while isinstance(at, a.Union):
            parts.append(at.right)
            kinds.add(at.all)
            at = at.left
        parts.append(at)
        if len(kinds) > 1:
            raise SemanticError(
                "UNION and UNION ALL cannot be mixed.", span=query.span, detail="InvalidClauseComposition"
            )
        inputs: list[LogicalNode] = []
        columns: tuple[str, ...] | None = None
        variables: tuple[str, ...] = ()
        for part in reversed(parts):
            plan, shown, _ = self.single(part, scope.copy(), start)
            names = tuple(n for n, _ in shown or ())
            if columns is None:
                columns = names
                variables = tuple(self.names.fresh("u") for _ in names)
            elif names != columns:
                raise SemanticError(
                    "All parts of a UNION must return the same columns.",
                    span=part.span,
                    hint=f"The first returns {', '.join(columns)}; this one {', '.join(names)}.",
                    detail="DifferentColumnsInUnion",
                )
            items = tuple((u, b.Variable(v)) for u, (_, v) in zip(variables, shown or (), strict=True))
            inputs.append(nodes.Projection(plan, items))
        assert columns is not None
        end = Scope()
        for name, variable in zip(columns, variables, strict=True):
            end.add(name, BoundVariable(variable))
        shown_columns = tuple(zip(columns, variables, strict=True))
        return nodes.Union(tuple(inputs), variables, kinds == {True}), shown_columns, end

    def single(
        self, query: a.SingleQuery, scope: Scope, start: LogicalNode
    ) -> tuple[LogicalNode, tuple[tuple[str, str], ...] | None, Scope]:
        """One query without UNION."""
        self._check_order(query)
        plan, columns = start, None
        clauses = query.clauses
        if len(clauses) == 1 and isinstance(clauses[0], a.Call) and isinstance(start, nodes.Argument):
            return self._standalone_call(clauses[0], scope, plan)
        for clause in clauses:
            match clause:
                case a.Match():
                    plan = self._match(clause, plan, scope)
                case a.Unwind():
                    plan = self._unwind(clause, plan, scope)
                case a.With():
                    plan, scope = self._with(clause, plan, scope)
                case a.Return():
                    plan, scope, columns = self.return_clause(clause, plan, scope)
                case a.Call():
                    plan = self._call(clause, plan, scope)
                case a.CallSubquery():
                    plan = self._call_subquery(clause, plan, scope)
                case a.Create() | a.Merge() | a.Set() | a.Remove() | a.Delete() | a.Foreach():
                    plan = self.writes.clause(clause, plan, scope)
                case _:
                    raise UnsupportedFeature(f"{type(clause).__name__} is not supported yet.", span=clause.span)
        return plan, columns, scope

    def _check_order(self, query: a.SingleQuery) -> None:
        clauses = query.clauses
        for clause in clauses[:-1]:
            if isinstance(clause, a.Return):
                raise SemanticError(
                    "RETURN must be the last clause.", span=clause.span, detail="InvalidClauseComposition"
                )
        last = clauses[-1]
        if not isinstance(last, (a.Return, a.Call, a.CallSubquery, *_UPDATES)):
            raise SemanticError(
                f"A query cannot end with {type(last).__name__.upper()}.",
                span=last.span,
                hint="End it with RETURN, or with a clause that writes.",
                detail="InvalidClauseComposition",
            )

    # --- reading

    def _match(self, clause: a.Match, plan: LogicalNode, scope: Scope) -> LogicalNode:
        if clause.mode is not None:
            raise UnsupportedFeature(f"MATCH {clause.mode.value} is not supported yet.", span=clause.span)
        before = scope.copy()
        builder = self.patterns.bind_all(clause.patterns, scope)
        source: LogicalNode = plan
        if clause.search is not None:
            source = self._search(clause.search, nodes.Argument() if clause.optional else plan, scope, before)
            column = scope.need(clause.search.variable.name, clause.search.span).column
            builder.arguments.add(column)
        where = None if clause.where is None else self.expressions.predicate(clause.where, scope)
        if not clause.optional:
            return self._matched(source, builder, where)
        needed = self._outer_reads(builder, where, before)
        inner_start: LogicalNode = nodes.Argument(needed)
        if clause.search is not None:
            inner_start = self._search(clause.search, inner_start, scope, before)
        inner = self._matched(inner_start, builder, where)
        made = tuple(
            dict.fromkeys(
                [v.column for n, v in scope.items() if before.get(n) != v]
                + [v.column for v in builder.declared.values()]
            )
        )
        for name, variable in builder.declared.items():
            scope.add(name, replace(variable, type=variable.type | Type.NULL))
        missing = frozenset(_reads(inner) - output_columns_of(inner))
        if missing:
            inner = with_arguments(inner, missing & frozenset(v.column for _, v in before.items()))
        return nodes.Apply(plan, inner, ApplyKind.OPTIONAL, made)

    def _outer_reads(self, builder: object, where: b.Expr | None, before: Scope) -> tuple[str, ...]:
        reads: set[str] = set(builder.arguments)  # pyright: ignore[reportAttributeAccessIssue]
        for predicate in builder.predicates:  # pyright: ignore[reportAttributeAccessIssue]
            reads |= b.free_variables(predicate)
        for relationship in builder.relationships:  # pyright: ignore[reportAttributeAccessIssue]
            if relationship.hop_predicate is not None:
                reads |= b.free_variables(relationship.hop_predicate)
        if where is not None:
            reads |= b.free_variables(where)
        outer = {v.column for _, v in before.items()}
        return tuple(sorted(reads & outer))

    def _matched(self, plan: LogicalNode, builder: object, where: b.Expr | None) -> LogicalNode:
        graph = builder.graph()  # pyright: ignore[reportAttributeAccessIssue]
        paths = builder.paths  # pyright: ignore[reportAttributeAccessIssue]
        terms = b.conjuncts(where)
        if paths:
            named = frozenset(name for name, _ in paths)
            inside = tuple(t for t in terms if not b.free_variables(t) & named)
            outside = tuple(t for t in terms if b.free_variables(t) & named)
        else:
            inside, outside = terms, ()
        plan = nodes.Match(plan, replace(graph, predicates=graph.predicates + inside))
        if paths:
            plan = nodes.Projection(plan, tuple(paths), True)
        return nodes.Selection(plan, b.conjunction(outside)) if outside else plan

    def _search(self, search: a.Search, plan: LogicalNode, scope: Scope, before: Scope) -> LogicalNode:
        variable = scope.need(search.variable.name, search.variable.span)
        if before.get(search.variable.name) is not None:
            raise SemanticError(
                f"`{search.variable.name}` is bound before: SEARCH looks for a variable of its own MATCH.",
                span=search.variable.span,
            )
        if search.where is not None:
            raise UnsupportedFeature(
                "WHERE inside SEARCH is not supported yet.", span=search.span, hint="Put it after the MATCH."
            )
        if isinstance(search.index, e.Parameter):
            raise UnsupportedFeature("An index name cannot be a parameter yet.", span=search.span)
        query, _ = self.expressions.bind(search.query, before)
        limit = None if search.limit is None else self.expressions.bind(search.limit, before)[0]
        score = None
        if search.score is not None:
            if scope.get(search.score.name) is not None:
                raise SemanticError(
                    f"`{search.score.name}` is bound already.", span=search.score.span, detail="VariableAlreadyBound"
                )
            score = self.names.user(search.score.name)
            scope.add(search.score.name, BoundVariable(score, Type.FLOAT))
        if search.kind is a.SearchKind.VECTOR:
            if limit is None:
                raise SemanticError("A vector search needs LIMIT.", span=search.span)
            return nodes.VectorSearch(plan, variable.column, search.index, query, limit, score)
        return nodes.TextSearch(plan, variable.column, search.index, query, limit, score)

    def _unwind(self, clause: a.Unwind, plan: LogicalNode, scope: Scope) -> LogicalNode:
        source, _ = self.expressions.bind(clause.source, scope)
        if scope.get(clause.variable.name) is not None:
            raise SemanticError(
                f"`{clause.variable.name}` is bound already.",
                span=clause.variable.span,
                detail="VariableAlreadyBound",
                gqlstatus="42N59",
            )
        column = self.names.user(clause.variable.name)
        kind = Type.ANY
        if isinstance(clause.source, e.Variable):
            known = scope.get(clause.source.name)
            kind = Type.RELATIONSHIP if known is not None and known.of_relationships else Type.ANY
        scope.add(clause.variable.name, BoundVariable(column, kind))
        return nodes.Unwind(plan, source, column)

    # --- projections

    def _with(self, clause: a.With, plan: LogicalNode, scope: Scope) -> tuple[LogicalNode, Scope]:
        plan, after, _ = self.project(clause.projection, plan, scope, clause.where)
        for item in clause.projection.items:
            if item.alias is None and not isinstance(item.expression, e.Variable):
                raise SemanticError(
                    "An expression in WITH needs a name.",
                    span=item.span,
                    hint=f"Write {item.text} AS name.",
                    detail="NoExpressionAlias",
                )
        return plan, after

    def return_clause(
        self, clause: a.Return, plan: LogicalNode, scope: Scope
    ) -> tuple[LogicalNode, Scope, tuple[tuple[str, str], ...]]:
        if clause.projection.star and not list(scope.names()) and not clause.projection.items:
            raise SemanticError(
                "RETURN * needs at least one variable in scope.", span=clause.span, detail="NoVariablesInScope"
            )
        return self.project(clause.projection, plan, scope, None)

    def _items(self, projection: a.Projection, scope: Scope) -> list[tuple[str, e.Expression]]:
        items: list[tuple[str, e.Expression]] = []
        if projection.star:
            items.extend((name, e.Variable(name)) for name in sorted(scope.names()))
        for item in projection.items:
            name = item.alias.name if item.alias is not None else item.text
            if item.alias is None and isinstance(item.expression, e.Variable):
                name = item.expression.name
            items.append((name, item.expression))
        seen: set[str] = set()
        for name, expression in items:
            if name in seen:
                raise SemanticError(
                    f"Two columns are called `{name}`.", span=expression.span, detail="ColumnNameConflict"
                )
            seen.add(name)
        return items

    def project(
        self, projection: a.Projection, plan: LogicalNode, scope: Scope, where: e.Expression | None
    ) -> tuple[LogicalNode, Scope, tuple[tuple[str, str], ...]]:
        items = self._items(projection, scope)
        aggregating = any(contains_aggregate(x) for _, x in items)
        after = Scope()
        if aggregating:
            plan, sort_scope, substitutes, collected = self._aggregate(items, projection, plan, scope, after)
        else:
            plan = self._plain(items, plan, scope, after)
            sort_scope = after if projection.distinct else _Shadow(after, scope)
            substitutes, collected = [], None
        if projection.distinct:
            plan = nodes.Distinct(plan_narrowed(plan, after.columns()), after.columns())
        if projection.distinct or aggregating:
            matched = [
                (x, v) for name, x in items if (v := after.get(name)) is not None and not isinstance(x, e.Literal)
            ]
            substitutes = matched + substitutes
        grouped = aggregating or projection.distinct
        plan = self._sorted(projection, plan, sort_scope, _Shadow(after, scope), substitutes, collected, grouped)
        if where is not None:
            if grouped:
                where, visible = substitute(where, substitutes), _substituted(after, substitutes)
            else:
                visible = _Shadow(after, scope)
            plan = nodes.Selection(plan, self.expressions.predicate(where, visible))
        columns = tuple((name, v.column) for name, _ in items if (v := after.get(name)) is not None)
        kept = tuple(dict.fromkeys(c for _, c in columns))
        return plan_narrowed(plan, kept), after, columns

    def _plain(
        self, items: list[tuple[str, e.Expression]], plan: LogicalNode, scope: Scope, after: Scope
    ) -> LogicalNode:
        made: list[tuple[str, b.Expr]] = []
        for name, expression in items:
            bound, kind = self.expressions.bind(expression, scope)
            if isinstance(expression, e.Variable):
                known = scope.need(expression.name, expression.span)
                after.add(name, known)
                continue
            column = self.names.user(name)
            made.append((column, bound))
            after.add(name, BoundVariable(column, kind))
        return nodes.Projection(plan, tuple(made), True) if made else plan

    def _aggregate(
        self,
        items: list[tuple[str, e.Expression]],
        projection: a.Projection,
        plan: LogicalNode,
        scope: Scope,
        after: Scope,
    ) -> tuple[LogicalNode, Scope, list[tuple[e.Expression, BoundVariable]], Collected]:
        keys: list[tuple[str, b.Expr]] = []
        simple: list[tuple[e.Expression, BoundVariable]] = []
        for name, expression in items:
            if contains_aggregate(expression):
                continue
            bound, kind = self.expressions.bind(expression, scope)
            if isinstance(expression, e.Variable):
                known = scope.need(expression.name, expression.span)
                column, variable = known.column, known
            else:
                column = self.names.user(name)
                variable = BoundVariable(column, kind)
            if column not in [k for k, _ in keys]:
                keys.append((column, bound))
            after.add(name, variable)
            if isinstance(expression, (e.Variable, e.Property)):
                simple.append((expression, variable))
        collected = Collected(simple)
        made: list[tuple[str, b.Expr]] = []
        for name, expression in items:
            if not contains_aggregate(expression):
                continue
            bound, kind = self.expressions.bind(expression, scope, collected)
            if isinstance(bound, b.Variable):
                after.add(name, BoundVariable(bound.name, kind))
                continue
            column = self.names.user(name)
            made.append((column, bound))
            after.add(name, BoundVariable(column, kind))
        self._check_sorting([s.expression for s in projection.order_by], simple, collected, scope, after)
        plan = nodes.Aggregation(plan, tuple(keys), tuple(collected.found))
        if made:
            plan = nodes.Projection(plan, tuple(made), True)
        return plan, after, list(simple), collected

    def _check_sorting(
        self,
        sorting: list[e.Expression],
        simple: list[tuple[e.Expression, BoundVariable]],
        collected: Collected,
        scope: Scope,
        after: Scope,
    ) -> None:
        """ORDER BY may use the projection's own aggregates, and nothing else of what was before it."""
        for expression in sorting:
            if not contains_aggregate(expression):
                continue
            known = len(collected.found)
            visible = Collected([*simple, *((e.Variable(n), v) for n, v in after.items())], list(collected.found))
            try:
                self.expressions.bind(expression, _Shadow(after, scope), visible)
            except AmbiguousAggregation as error:
                if _lone_lookups(expression):
                    raise UndefinedVariable(
                        "ORDER BY names what the projection does not keep.", span=error.span, hint=error.hint
                    ) from None
                raise
            if len(visible.found) > known:
                raise UndefinedVariable(
                    "ORDER BY aggregates what the projection does not.",
                    span=expression.span,
                    hint="Project the aggregate with a name, and sort by that.",
                )

    def _sorted(
        self,
        projection: a.Projection,
        plan: LogicalNode,
        scope: Scope,
        both: Scope,
        substitutes: list[tuple[e.Expression, BoundVariable]],
        collected: Collected | None,
        grouped: bool,
    ) -> LogicalNode:
        if projection.order_by:
            keys = []
            for item in projection.order_by:
                bound = self._sort_key(item.expression, scope, both, substitutes, collected, grouped)
                keys.append(nodes.SortKey(bound, item.descending))
            plan = nodes.Sort(plan, tuple(keys))
        if projection.skip is not None:
            plan = nodes.Skip(plan, self._count(projection.skip, "SKIP"))
        if projection.limit is not None:
            plan = nodes.Limit(plan, self._count(projection.limit, "LIMIT"))
        return plan

    def _sort_key(
        self,
        expression: e.Expression,
        scope: Scope,
        both: Scope,
        substitutes: list[tuple[e.Expression, BoundVariable]],
        collected: Collected | None,
        grouped: bool,
    ) -> b.Expr:
        if contains_aggregate(expression):
            if collected is None:
                raise SemanticError(
                    "ORDER BY cannot aggregate where the projection does not.",
                    span=expression.span,
                    detail="InvalidAggregation",
                )
            for known, variable in substitutes:
                if known == expression:
                    return b.Variable(variable.column)
            names = [(e.Variable(n), v) for n, v in scope.items()]
            visible = Collected([*collected.keys, *names], list(collected.found))
            bound, _ = self.expressions.bind(expression, both, visible)
            return bound
        if grouped:
            replaced = substitute(expression, substitutes)
            return self.expressions.bind(replaced, _substituted(scope, substitutes))[0]
        return self.expressions.bind(expression, scope)[0]

    def _count(self, expression: e.Expression, clause: str) -> b.Expr:
        """SKIP and LIMIT: constant, and where known, not negative."""
        try:
            bound, kind = self.expressions.bind(expression, Scope())
        except SemanticError as error:
            if error.detail == "UndefinedVariable":
                raise SemanticError(
                    f"{clause} cannot depend on a row.", span=expression.span, detail="NonConstantExpression"
                ) from None
            raise
        if isinstance(bound, b.Literal):
            if type(bound.value) is not int:
                raise SemanticError(
                    f"{clause} takes a whole number.", span=expression.span, detail="InvalidArgumentType"
                )
            if bound.value < 0:
                raise SemanticError(
                    f"{clause} takes 0 or more.", span=expression.span, detail="NegativeIntegerArgument"
                )
        elif not kind & Type.INTEGER:
            raise SemanticError(f"{clause} takes a whole number.", span=expression.span, detail="InvalidArgumentType")
        return bound

    # --- subqueries

    def _call_subquery(self, clause: a.CallSubquery, plan: LogicalNode, scope: Scope) -> LogicalNode:
        if clause.in_transactions is not None:
            raise UnsupportedFeature("CALL { } IN TRANSACTIONS is not supported yet.", span=clause.span)
        inner_scope = Scope()
        if clause.imports is not None or clause.import_star:
            wanted = scope.names() if clause.import_star else [v.name for v in clause.imports or ()]
            for name in list(wanted):
                inner_scope.add(name, scope.need(name, clause.span))
            query = clause.query
        else:
            query = self._importing_with(clause.query, scope, inner_scope)
        start = nodes.Argument(inner_scope.columns())
        inner, columns, _ = self.query(query, inner_scope, start)
        if columns is None:
            return nodes.Apply(plan, inner, ApplyKind.UNIT)
        for name, column in columns:
            if scope.get(name) is not None:
                raise SemanticError(
                    f"The subquery returns `{name}`, which is bound outside already.",
                    span=clause.span,
                    detail="VariableAlreadyBound",
                )
            scope.add(name, BoundVariable(column))
        kind = ApplyKind.OPTIONAL if clause.optional else ApplyKind.CROSS
        return nodes.Apply(plan, inner, kind, tuple(dict.fromkeys(c for _, c in columns)))

    def _importing_with(self, query: a.Query, scope: Scope, inner: Scope) -> a.Query:
        """The older form: a first ``WITH a, b`` of plain variables imports them."""
        if isinstance(query, a.Union):
            left = self._importing_with(query.left, scope, inner)
            right = self._importing_with(query.right, scope, inner)
            assert isinstance(right, a.SingleQuery)
            return replace(query, left=left, right=right)
        first = query.clauses[0]
        if not isinstance(first, a.With) or first.where is not None or len(query.clauses) < 2:
            return query
        projection = first.projection
        if projection.star:
            for name in list(scope.names()):
                inner.add(name, scope.need(name, first.span))
            return replace(query, clauses=query.clauses[1:])
        names = [
            i.expression.name for i in projection.items if isinstance(i.expression, e.Variable) and i.alias is None
        ]
        if len(names) != len(projection.items) or not names:
            return query
        for item in projection.items:
            assert isinstance(item.expression, e.Variable)
            inner.add(item.expression.name, scope.need(item.expression.name, item.span))
        return replace(query, clauses=query.clauses[1:])

    def _subquery_expression(self, expr: e.SubqueryExpression, scope: Scope) -> Bound:
        inner_scope = scope.copy()
        result: str | None = None
        if expr.query is None:
            builder = self.patterns.bind_all(expr.patterns, inner_scope)
            test = None if expr.where is None else self.expressions.predicate(expr.where, inner_scope)
            plan = self.patterns.matched(builder, scope, test)
        else:
            self._check_reading(expr)
            outer = nodes.Argument(scope.columns())
            query = expr.query
            plan, columns, _ = self._inner_query(query, inner_scope, outer)
            if expr.kind is SubqueryKind.COLLECT:
                if columns is None or len(columns) != 1:
                    raise SemanticError("COLLECT { } must return one column.", span=expr.span)
                result = columns[0][1]
        if expr.kind is SubqueryKind.COLLECT and result is None:
            raise SemanticError("COLLECT { } must return one column.", span=expr.span)
        kinds = {SubqueryKind.EXISTS: Type.BOOLEAN, SubqueryKind.COUNT: Type.INTEGER, SubqueryKind.COLLECT: Type.LIST}
        return b.Subquery(expr.kind, plan, argument_variables(plan), result), kinds[expr.kind]

    def _inner_query(
        self, query: a.Query, scope: Scope, start: LogicalNode
    ) -> tuple[LogicalNode, tuple[tuple[str, str], ...] | None, Scope]:
        """A query inside EXISTS or COUNT may do without RETURN."""
        last = query
        while isinstance(last, a.Union):
            last = last.right
        if not isinstance(last.clauses[-1], (a.Return, a.Call, a.CallSubquery)) and isinstance(query, a.SingleQuery):
            everything = a.Return(a.Projection((a.ProjectionItem(e.Literal(1), e.Variable("1"), "1"),)))
            query = replace(query, clauses=(*query.clauses, everything))
        return self.query(query, scope, start)

    def _check_reading(self, expr: e.SubqueryExpression) -> None:
        query = expr.query
        parts: list[a.SingleQuery] = []
        while isinstance(query, a.Union):
            parts.append(query.right)
            query = query.left
        if query is not None:
            parts.append(query)
        for part in parts:
            for clause in part.clauses:
                if isinstance(clause, _UPDATES):
                    raise SemanticError(
                        f"{expr.kind.value} {{ }} cannot write.", span=clause.span, detail="InvalidClauseComposition"
                    )

    # --- procedures

    def _procedure(self, clause: a.Call) -> Procedure:
        found = self.catalog.procedure(clause.procedure)
        if found is None:
            hint = did_you_mean(clause.procedure, self.catalog.procedure_names())
            raise ProcedureError(f"There is no procedure `{clause.procedure}`.", span=clause.span, hint=hint)
        return found

    def _arguments(self, clause: a.Call, procedure: Procedure, scope: Scope) -> tuple[b.Expr, ...]:
        assert clause.arguments is not None
        count, most = len(clause.arguments), len(procedure.inputs)
        if not most - procedure.optional <= count <= most:
            raise SemanticError(
                f"`{procedure.name}` takes {most} arguments, not {count}.",
                span=clause.span,
                hint=f"Its signature is {procedure.signature}.",
                detail="InvalidNumberOfArguments",
            )
        bound = []
        for argument, given in zip(procedure.inputs, clause.arguments, strict=False):
            if contains_aggregate(given):
                raise SemanticError(
                    "A procedure's argument cannot aggregate.", span=given.span, detail="InvalidAggregation"
                )
            expression, kind = self.expressions.bind(given, scope)
            allowed = argument.type | Type.NULL
            if argument.type & Type.FLOAT:
                allowed |= Type.INTEGER
            if not kind & (allowed & ~Type.NULL) and kind & ~Type.NULL:
                raise SemanticError(
                    f"`{argument.name}` of `{procedure.name}` takes {argument.type_text}.",
                    span=given.span,
                    detail="InvalidArgumentType",
                )
            bound.append(expression)
        return tuple(bound)

    def _standalone_call(
        self, clause: a.Call, scope: Scope, plan: LogicalNode
    ) -> tuple[LogicalNode, tuple[tuple[str, str], ...] | None, Scope]:
        procedure = self._procedure(clause)
        if clause.arguments is None:
            arguments = []
            for argument in procedure.inputs[: len(procedure.inputs) - procedure.optional]:
                self.expressions.parameters.add(argument.name)
                arguments.append(b.Parameter(argument.name))
            bound = tuple(arguments)
        else:
            bound = self._arguments(clause, procedure, scope)
        if clause.yields and not clause.yield_star:
            yields = self._yields(clause, procedure, scope)
        else:
            yields = []
            for output in procedure.outputs:
                column = self.names.user(output.name)
                scope.add(output.name, BoundVariable(column, output.type))
                yields.append((output.name, output.name, column))
        plan = nodes.ProcedureCall(plan, procedure.name, bound, tuple((f, c) for f, _, c in yields), clause.span)
        if clause.where is not None:
            plan = nodes.Selection(plan, self.expressions.predicate(clause.where, scope))
        columns = tuple((shown, column) for _, shown, column in yields)
        return plan, columns or None, scope

    def _yields(self, clause: a.Call, procedure: Procedure, scope: Scope) -> list[tuple[str, str, str]]:
        """(output field, shown name, column) of each YIELD item; the scope gains them."""
        outputs = {o.name: o for o in procedure.outputs}
        found = []
        for item in clause.yields or ():
            output = outputs.get(item.field)
            if output is None:
                raise SemanticError(
                    f"`{procedure.name}` yields no `{item.field}`.",
                    span=item.span,
                    hint=did_you_mean(item.field, outputs) or f"It yields {', '.join(outputs)}.",
                    detail="UndefinedVariable",
                )
            name = item.field if item.alias is None else item.alias.name
            if scope.get(name) is not None:
                raise SemanticError(f"`{name}` is bound already.", span=item.span, detail="VariableAlreadyBound")
            column = self.names.user(name)
            scope.add(name, BoundVariable(column, output.type))
            found.append((item.field, name, column))
        return found

    def _call(self, clause: a.Call, plan: LogicalNode, scope: Scope) -> LogicalNode:
        procedure = self._procedure(clause)
        if clause.arguments is None:
            raise SemanticError(
                "Inside a query a procedure's arguments must be written.",
                span=clause.span,
                detail="InvalidArgumentPassingMode",
            )
        if clause.yield_star:
            raise SemanticError("YIELD * stands in a standalone CALL only.", span=clause.span)
        bound = self._arguments(clause, procedure, scope)
        if clause.yields is None and procedure.outputs:
            # Without YIELD its rows still multiply; its fields stay unnamed.
            hidden = tuple((o.name, self.names.fresh("field")) for o in procedure.outputs)
            return nodes.ProcedureCall(plan, procedure.name, bound, hidden, clause.span)
        before = scope.copy()
        found = self._yields(clause, procedure, scope)
        yields = tuple((f, c) for f, _, c in found)
        if clause.optional:
            call: LogicalNode = nodes.ProcedureCall(
                nodes.Argument(before.columns()), procedure.name, bound, yields, clause.span
            )
            if clause.where is not None:
                call = nodes.Selection(call, self.expressions.predicate(clause.where, scope))
            return nodes.Apply(plan, call, ApplyKind.OPTIONAL, tuple(c for _, c in yields))
        plan = nodes.ProcedureCall(plan, procedure.name, bound, yields, clause.span)
        if clause.where is not None:
            plan = nodes.Selection(plan, self.expressions.predicate(clause.where, scope))
        return plan


class _Shadow(Scope):
    """What ORDER BY and WHERE see after a plain projection: new names first, then the old ones."""

    def __init__(self, new: Scope, old: Scope) -> None:
        super().__init__(old)
        for name, variable in new.items():
            self.add(name, variable)


def _substituted(scope: Scope, substitutes: list[tuple[e.Expression, BoundVariable]]) -> Scope:
    """``scope`` with the names that ``substitute`` puts in."""
    holder = Scope(scope)
    for i, (_, variable) in enumerate(substitutes):
        holder.add(f" substitute {i}", variable)
    return holder


def plan_narrowed(plan: LogicalNode, columns: tuple[str, ...]) -> LogicalNode:
    """``plan`` with only these columns; the same where it has no others."""
    if output_columns(plan) == frozenset(columns):
        return plan
    return nodes.Projection(plan, tuple((c, b.Variable(c)) for c in columns))


def _lone_lookups(expression: e.Expression) -> bool:
    """Whether what stands beside the aggregates are single property look-ups, of variables that are gone."""
    if isinstance(expression, e.Binary):
        sides = [expression.left, expression.right]
        return any(isinstance(s, (e.Property, e.Variable)) for s in sides) and not any(
            isinstance(s, e.Binary) for s in sides
        )
    return False


def substitute(expression: e.Expression, known: list[tuple[e.Expression, BoundVariable]]) -> e.Expression:
    """``expression`` with every part that equals a projected item replaced by a name for its column."""
    for i, (part, _) in enumerate(known):
        if part == expression:
            return e.Variable(f" substitute {i}", span=expression.span)
    changes = {}
    for name in expression.__dataclass_fields__:
        value = getattr(expression, name)
        if isinstance(value, e.Syntax) and not isinstance(expression, (e.SubqueryExpression, e.PatternExpression)):
            replaced = substitute(value, known)  # pyright: ignore[reportArgumentType]
            if replaced is not value:
                changes[name] = replaced
        elif isinstance(value, tuple) and value and isinstance(value[0], e.Syntax):
            replaced_all = tuple(substitute(v, known) for v in value)
            if any(x is not y for x, y in zip(value, replaced_all, strict=True)):
                changes[name] = replaced_all
    return replace(expression, **changes) if changes else expression


def output_columns_of(plan: LogicalNode) -> frozenset[str]:
    """Every column that any node of an inner plan has."""
    from .transform import children

    found = output_columns(plan)
    for child in children(plan):
        found |= output_columns_of(child)
    return found


def _reads(plan: LogicalNode) -> set[str]:
    from .properties import expressions_of
    from .transform import children

    found: set[str] = set()
    for expr in expressions_of(plan):
        found |= b.free_variables(expr)
    for child in children(plan):
        found |= _reads(child)
    return found


def plan_statement(
    statement: a.Statement, text: str, catalog: Catalog, parameter_types: Mapping[str, Type] | None = None
) -> LogicalPlan:
    """The logical plan of a statement.

    Raises:
        MemQLError: anything that is wrong before a row is seen, with its span.
    """
    builder = StatementBuilder(text, catalog, parameter_types or {})
    body = statement.body
    if not isinstance(body, (a.SingleQuery, a.Union)):
        root, columns, read_only = build_schema(body, builder)
        kind = "r" if read_only else "s"
        parameters = frozenset(builder.expressions.parameters)
        return LogicalPlan(root, columns, statement.mode, read_only, parameters, kind)
    plan, shown, _ = builder.query(body, Scope(), nodes.Argument())
    columns = shown or ()
    root = nodes.ProduceResults(plan, columns)
    writes = bool(effects(root).writes) or _calls_writer(root, catalog)
    kind = ("rw" if columns else "w") if writes else "r"
    return LogicalPlan(
        root,
        tuple(name for name, _ in columns),
        statement.mode,
        not writes,
        frozenset(builder.expressions.parameters),
        kind,
    )


def _calls_writer(plan: LogicalNode, catalog: Catalog) -> bool:
    from .transform import children

    if isinstance(plan, nodes.ProcedureCall):
        procedure = catalog.procedure(plan.procedure)
        if procedure is not None and procedure.mode != "READ":
            return True
    return any(_calls_writer(child, catalog) for child in children(plan))
