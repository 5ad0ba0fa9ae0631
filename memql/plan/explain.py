"""Plans, and the expressions and patterns in them, as lines: the logical and the physical one by the same code.

A line knows how deep its operator stands below the root, and what is known of it. ``memql.explain`` makes text and JSON
of lines.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass

from memoradb.core.values import Value
from memoradb.storage.view import Direction

from ..exec.operator import Alternative, Operator
from . import expr as e
from . import nodes
from .pattern import PatternGraph, PatternRelationship
from .properties import expressions_of
from .transform import children


@dataclass(frozen=True, slots=True)
class Measured:
    """What PROFILE saw of one operator: rows and batches out, its own time in nanoseconds, and with its children's.

    ``arguments``: rows that it was run for, as the inner side of an Apply is for each outer row; estimates are for one.
    0: it did not run, as another way to its rows was taken.
    ``drained``: nobody stopped asking before its last row. ``bytes_most``: what it kept in memory at most, beside the
    batch in hand.
    """

    rows: int
    batches: int
    time_ns: int
    arguments: int = 1
    drained: bool = True
    total_ns: int = 0
    bytes_most: int = 0


@dataclass(frozen=True, slots=True)
class PlanLine:
    """One line of a plan tree.

    ``cost_ns``: what all up to here is expected to cost. ``adjacency``: in which form relationships are read.
    ``switches``: the physical alternatives (``rewrite.switches``) that were taken here, over ``alternatives`` among
    others, where there was a choice by cost. ``is_operator``: False for the line that names a subquery.
    """

    depth: int
    name: str
    details: str
    rows_estimated: float | None = None
    measured: Measured | None = None
    cost_ns: float | None = None
    adjacency: str = ""
    switches: tuple[str, ...] = ()
    alternatives: tuple[Alternative, ...] = ()
    is_operator: bool = True

    @property
    def q_error(self) -> float | None:
        """The factor by which the estimate is off, in either direction (Moerkotte et al. 2009).

        None where that cannot be said: the operator did not run, or nobody asked for the rows that are missing.
        """
        measured = self.measured
        if self.rows_estimated is None or measured is None or not measured.arguments:
            return None
        estimated, actual = max(self.rows_estimated, 1.0), max(measured.rows / measured.arguments, 1.0)
        if not measured.drained and actual < estimated:
            return None
        return max(estimated / actual, actual / estimated)


# --- expressions as text -----------------------------------------------------

_INFIX = frozenset(
    (
        "=",
        "<>",
        "<",
        "<=",
        ">",
        ">=",
        "+",
        "-",
        "*",
        "/",
        "%",
        "^",
        "||",
        "IN",
        "=~",
        "XOR",
        "STARTS WITH",
        "ENDS WITH",
        "CONTAINS",
    )
)


def show_variable(name: str) -> str:
    """A plan variable for people: made-up names start with a space, which is shown as an underscore."""
    return f"_{name[1:]}" if name.startswith(" ") else name


def show(expr: e.Expr) -> str:
    """An expression as short, readable text."""
    match expr:
        case e.Literal(value):
            return _literal(value)
        case e.Parameter(name):
            return f"${name.strip()}"
        case e.Variable(name):
            return show_variable(name)
        case e.Property(subject, key):
            return f"{show(subject)}.{key}"
        case e.Call(name, (left, right)) if name in _INFIX:
            return f"{_operand(left)} {name} {_operand(right)}"
        case e.Call("NOT", (operand,)):
            return f"NOT {_operand(operand)}"
        case e.Call("unary -" | "unary +" as name, (operand,)):
            return f"{name[-1]}{_operand(operand)}"
        case e.Call("index", (subject, index)):
            return f"{show(subject)}[{show(index)}]"
        case e.Call(name, arguments):
            return f"{name}({', '.join(map(show, arguments))})"
        case e.And(operands):
            return " AND ".join(map(_operand, operands))
        case e.Or(operands):
            return " OR ".join(map(_operand, operands))
        case e.IsNull(operand, negated):
            return f"{_operand(operand)} IS {'NOT ' if negated else ''}NULL"
        case e.Coalesce(operands):
            return f"coalesce({', '.join(map(show, operands))})"
        case e.Case(branches, otherwise):
            inner = " ".join(f"WHEN {show(c)} THEN {show(v)}" for c, v in branches)
            return f"CASE {inner} ELSE {show(otherwise)} END"
        case e.HasLabels(operand, test):
            return f"{show(operand)}:{_test(test)}"
        case e.ListOf(items):
            return f"[{', '.join(map(show, items))}]"
        case e.MapOf(entries):
            return "{" + ", ".join(f"{k}: {show(v)}" for k, v in entries) + "}"
        case e.AllProperties(subject):
            return f"properties({show(subject)})"
        case e.MergedMap(parts):
            return f"merged({', '.join(map(show, parts))})"
        case e.ListComprehension(variable, source, predicate, projection):
            where = "" if predicate is None else f" WHERE {show(predicate)}"
            result = "" if projection is None else f" | {show(projection)}"
            return f"[{show_variable(variable)} IN {show(source)}{where}{result}]"
        case e.Quantifier(kind, variable, source, predicate):
            return f"{kind.value}({show_variable(variable)} IN {show(source)} WHERE {show(predicate)})"
        case e.Reduce(accumulator, initial, variable, source, step):
            head = f"{show_variable(accumulator)} = {show(initial)}, {show_variable(variable)} IN {show(source)}"
            return f"reduce({head} | {show(step)})"
        case e.PathOf(elements):
            return f"path({', '.join(map(show_variable, elements))})"
        case e.Subquery(kind, _, arguments, _):
            return f"{kind.value} {{...}}({', '.join(map(show_variable, arguments))})"


def _operand(expr: e.Expr) -> str:
    text = show(expr)
    compound = isinstance(expr, (e.And, e.Or)) or (isinstance(expr, e.Call) and expr.function in _INFIX)
    return f"({text})" if compound else text


def _literal(value: Value) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
    return str(value)


def _test(test: e.LabelTest) -> str:
    match test.operator:
        case e.LabelOperator.NAME:
            return test.name
        case e.LabelOperator.ANY:
            return "%"
        case e.LabelOperator.NOT:
            return f"!{_test(test.operands[0])}"
        case _:
            return "(" + test.operator.value.join(map(_test, test.operands)) + ")"


# --- patterns ----------------------------------------------------------------


def show_relationship(relationship: PatternRelationship) -> str:
    """``(a)-[r:T*1..3]->(b)``."""
    left, right = ("-", "-") if relationship.direction is Direction.BOTH else ("-", "->")
    inner = show_variable(relationship.variable)
    if relationship.types:
        inner += ":" + "|".join(relationship.types)
    if relationship.length is not None:
        high = "" if relationship.length.high is None else relationship.length.high
        inner += f"*{relationship.length.low}..{high}"
    source, target = show_variable(relationship.source), show_variable(relationship.target)
    text = f"({source}){left}[{inner}]{right}({target})"
    return f"{relationship.shortest} shortest {text}" if relationship.shortest else text


def show_pattern(graph: PatternGraph) -> str:
    """Nodes with their labels, relationships, predicates."""
    parts = [
        f"({show_variable(n.variable)}{''.join(f':{x}' for x in n.labels)})"
        for n in graph.nodes
        if n.labels or not any(n.variable in (r.source, r.target) for r in graph.relationships)
    ]
    parts.extend(map(show_relationship, graph.relationships))
    text = ", ".join(parts)
    if graph.predicates:
        text += " WHERE " + " AND ".join(map(_operand, graph.predicates))
    return text


# --- trees -------------------------------------------------------------------


def logical_lines(root: nodes.LogicalNode) -> list[PlanLine]:
    """The logical plan, a line a node."""
    lines: list[PlanLine] = []

    def visit(node: nodes.LogicalNode, depth: int) -> None:
        name = node.kind.value if isinstance(node, nodes.Apply) else type(node).__name__
        lines.append(PlanLine(depth, name, _details(node)))
        for child in children(node):
            visit(child, depth + 1)
        for subquery in (s for expr in expressions_of(node) for s in e.subqueries_in(expr)):
            lines.append(_subquery_line(subquery, depth + 1))
            visit(subquery.plan, depth + 2)  # pyright: ignore[reportArgumentType]

    visit(root, 0)
    return lines


def _subquery_line(subquery: e.Subquery, depth: int) -> PlanLine:
    """A subquery of an expression, above its own plan."""
    arguments = ", ".join(map(show_variable, subquery.arguments))
    return PlanLine(depth, subquery.kind.value, f"({arguments})", is_operator=False)


def physical_lines(root: Operator, measured: Callable[[Operator], Measured | None] = lambda _: None) -> list[PlanLine]:
    """The physical plan, a line an operator, with what was measured where it was."""
    lines: list[PlanLine] = []
    waiting: list[tuple[Operator | PlanLine, int]] = [(root, 0)]
    while waiting:  # a pattern of ten thousand elements is a plan as deep
        at, depth = waiting.pop()
        if isinstance(at, PlanLine):
            lines.append(at)
            continue
        lines.append(_line(at, depth, measured(at)))
        below: list[tuple[Operator | PlanLine, int]] = [(child, depth + 1) for child in at.children]
        for subquery in at.subqueries:
            below.append((_subquery_line(subquery, depth + 1), depth + 1))
            if isinstance(subquery.plan, Operator):
                below.append((subquery.plan, depth + 2))
        waiting.extend(reversed(below))
    return lines


def _line(operator: Operator, depth: int, measured: Measured | None) -> PlanLine:
    estimate, switches = operator.estimate, operator.switches
    if estimate is None:
        return PlanLine(depth, operator.name, operator.describe(), None, measured, None, operator.adjacency, switches)
    if "hash_join" not in switches and any(other.joins for other in estimate.alternatives):
        switches += ("expand_halves",)
    return PlanLine(
        depth,
        operator.name,
        operator.describe(),
        estimate.rows,
        measured,
        estimate.cost,
        operator.adjacency,
        switches,
        estimate.alternatives,
    )


def _details(node: nodes.LogicalNode) -> str:
    match node:
        case nodes.Match(_, graph):
            return show_pattern(graph)
        case nodes.Projection(_, items, keep):
            return ("+ " if keep else "") + ", ".join(_item(n, x) for n, x in items)
        case nodes.Aggregation(_, keys, aggregates):
            shown = [_item(n, x) for n, x in keys]
            shown += [f"{_aggregate(a)} AS {show_variable(a.variable)}" for a in aggregates]
            return ", ".join(shown)
        case nodes.ProduceResults(_, columns):
            return ", ".join(shown for shown, _ in columns)
        case _:
            parts = []
            for f in fields(node):
                if f.name in ("span", "kind"):
                    continue
                text = _plain(getattr(node, f.name))
                if text:
                    parts.append(text)
            return ", ".join(parts)


def _item(name: str, expr: e.Expr) -> str:
    text = show(expr)
    shown = show_variable(name)
    return text if text == shown else f"{text} AS {shown}"


def _aggregate(item: nodes.Aggregate) -> str:
    inner = ", ".join(map(show, item.arguments)) if item.arguments else "*"
    return f"{item.function}({'DISTINCT ' if item.distinct else ''}{inner})"


def _plain(value: object) -> str:
    """A field's value in a plan line; inputs are shown as lines of their own."""
    if isinstance(value, e.EXPRESSION_CLASSES):
        return show(value)  # pyright: ignore[reportArgumentType]
    if isinstance(value, nodes.SortKey):
        return show(value.expression) + (" DESC" if value.descending else "")
    if isinstance(value, str):
        return show_variable(value)
    if isinstance(value, tuple):
        return ", ".join(text for v in value if (text := _plain(v)))
    if isinstance(value, (nodes.NewNode, nodes.NewRelationship)):
        return _new(value)
    if isinstance(value, nodes.SetPropertyItem):
        return f"{show(value.target)}.{_key(value.key)} = {show(value.value)}"
    if isinstance(value, nodes.SetPropertiesItem):
        return f"{show(value.target)} {'+=' if value.merge else '='} {show(value.value)}"
    if isinstance(value, nodes.SetLabelsItem):
        return f"{'-' if value.remove else '+'} {show(value.target)}{''.join(f':{x}' for x in value.labels)}"
    if is_dataclass(value) or value is None or isinstance(value, bool):
        return ""
    return str(value)


def _key(key: e.Expr) -> str:
    return str(key.value) if isinstance(key, e.Literal) else f"[{show(key)}]"


def _new(item: nodes.NewNode | nodes.NewRelationship) -> str:
    properties = "" if item.properties is None else f" {show(item.properties)}"
    if isinstance(item, nodes.NewNode):
        return f"({show_variable(item.variable)}{''.join(f':{x}' for x in item.labels)}{properties})"
    source, target = show_variable(item.source), show_variable(item.target)
    return f"({source})-[{show_variable(item.variable)}:{item.type}{properties}]->({target})"
