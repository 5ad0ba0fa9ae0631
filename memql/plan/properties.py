"""What can be said of a logical node: its output columns, and what it reads and writes of the graph."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..functions.registry import lookup
from . import expr as e
from . import nodes
from .nodes import LogicalNode
from .pattern import PatternGraph, PatternRelationship
from .transform import children

# --- output columns ----------------------------------------------------------


def graph_variables(graph: PatternGraph) -> frozenset[str]:
    """All variables of a pattern graph."""
    return frozenset(n.variable for n in graph.nodes) | frozenset(r.variable for r in graph.relationships)


def output_columns(node: LogicalNode) -> frozenset[str]:
    """The columns of a node's rows."""
    match node:
        case nodes.Argument(variables):
            return frozenset(variables)
        case nodes.Match(input, graph):
            return output_columns(input) | graph_variables(graph)
        case nodes.Projection(input, items, keep):
            made = frozenset(name for name, _ in items)
            return output_columns(input) | made if keep else made
        case nodes.Aggregation(_, keys, aggregates):
            return frozenset(n for n, _ in keys) | frozenset(a.variable for a in aggregates)
        case nodes.Distinct(_, columns):
            return frozenset(columns)
        case nodes.Unwind(input, _, variable):
            return output_columns(input) | {variable}
        case nodes.Apply(outer, _, _, variables):
            return output_columns(outer) | frozenset(variables)
        case nodes.Union(_, columns, _):
            return frozenset(columns)
        case nodes.ProcedureCall(input, _, _, yields):
            return output_columns(input) | frozenset(v for _, v in yields)
        case nodes.VectorSearch() | nodes.TextSearch():
            made = {node.variable} | ({node.score} if node.score else set())
            return output_columns(node.input) | made
        case nodes.Create(input, new_nodes, new_relationships):
            made = {n.variable for n in new_nodes} | {r.variable for r in new_relationships}
            return output_columns(input) | made
        case nodes.Merge():
            return output_columns(node.input) | frozenset(node.variables)
        case nodes.ProduceResults(_, columns):
            return frozenset(v for _, v in columns)
        case nodes.ShowIndexes(columns, _):
            return frozenset(v for _, v in columns)
        case nodes.CreateIndex() | nodes.DropIndex():
            return frozenset()
        case _:
            return output_columns(children(node)[0])


def bound_elements(node: LogicalNode) -> dict[str, tuple[str, ...]]:
    """The columns that hold an element in every row, never null, each with labels that it has for sure."""
    match node:
        case nodes.Match(input, graph):
            found = bound_elements(input)
            for pattern in graph.nodes:
                found[pattern.variable] = tuple(dict.fromkeys(found.get(pattern.variable, ()) + pattern.labels))
            found.update((r.variable, ()) for r in graph.relationships if r.length is None)
            return found
        case nodes.Projection(input, items, keep):
            below = bound_elements(input)
            made = {name: below[x.name] for name, x in items if isinstance(x, e.Variable) and x.name in below}
            shadowed = {name for name, _ in items}
            return ({n: v for n, v in below.items() if n not in shadowed} if keep else {}) | made
        case nodes.Aggregation(input, keys, _):
            below = bound_elements(input)
            return {name: below[x.name] for name, x in keys if isinstance(x, e.Variable) and x.name in below}
        case nodes.Distinct(input, columns):
            return {n: v for n, v in bound_elements(input).items() if n in columns}
        case nodes.Apply(outer, _, _, _):
            return bound_elements(outer)
        case nodes.Unwind(input, _, variable):
            return {n: v for n, v in bound_elements(input).items() if n != variable}
        case nodes.Selection() | nodes.Sort() | nodes.Top() | nodes.Skip() | nodes.Limit() | nodes.Eager():
            return bound_elements(node.input)
        case _:
            return {}


# --- effects -----------------------------------------------------------------

ANY = "*"


@dataclass(frozen=True, slots=True)
class Effects:
    """What is read and written: ``node`` (any node at all), ``label:L``, ``type:T``, ``key:k``, with ``*`` for all.

    Deletion writes ``*``.
    """

    reads: frozenset[str] = frozenset()
    writes: frozenset[str] = frozenset()

    def __or__(self, other: Effects) -> Effects:
        return Effects(self.reads | other.reads, self.writes | other.writes)

    def conflicts_with(self, other: Effects) -> bool:
        """Whether one writes what the other reads or writes."""
        return _meet(self.writes, other.reads | other.writes) or _meet(self.reads, other.writes)


def _meet(a: frozenset[str], b: frozenset[str]) -> bool:
    if not a or not b:
        return False
    if ANY in a or ANY in b or a & b:
        return True
    for x, y in ((a, b), (b, a)):
        for kind in ("label:", "type:", "key:"):
            if kind + ANY in x and any(name.startswith(kind) for name in y):
                return True
    return False


def expression_effects(expr: e.Expr) -> Effects:
    """What evaluating an expression reads (and, in a subquery, writes)."""
    match expr:
        case e.Property(_, key):
            own = Effects(frozenset((f"key:{key}",)))
        case e.AllProperties() | e.Call("properties" | "keys" | "index" | "property"):
            own = Effects(frozenset(("key:*",)))
        case e.HasLabels():
            own = Effects(frozenset(("label:*",)))
        case e.Call("labels"):
            own = Effects(frozenset(("label:*",)))
        case e.Subquery(_, plan, _, _):
            own = effects(plan)  # pyright: ignore[reportArgumentType]
        case _:
            own = Effects()
    for child in e.children(expr):
        own = own | expression_effects(child)
    return own


def _pattern_reads(graph: PatternGraph) -> Effects:
    reads: set[str] = set()
    for node in graph.nodes:
        reads.update(f"label:{x}" for x in node.labels)
        if not node.labels and node.variable not in graph.arguments:
            reads.add("node")
    for relationship in graph.relationships:
        reads.update((f"type:{t}" for t in relationship.types) if relationship.types else ("type:*",))
    return Effects(frozenset(reads))


def own_effects(node: LogicalNode) -> Effects:
    """What the node itself reads and writes: its expressions' reads, not its input's."""
    own = Effects()
    match node:
        case nodes.Match(_, graph):
            own = _pattern_reads(graph)
        case nodes.Create(_, new_nodes, new_relationships):
            own = _created(new_nodes, new_relationships)
        case nodes.Merge(_, match, new_nodes, new_relationships, on_create, on_match):
            own = _created(new_nodes, new_relationships) | effects(match)
            own = own | Effects(_whole_reads(on_create + on_match), update_writes(on_create + on_match))
        case nodes.Update(_, items):
            own = Effects(_whole_reads(items), update_writes(items))
        case nodes.Delete():
            own = Effects(frozenset(), frozenset((ANY,)))
        case nodes.Foreach(_, _, _, inner):
            own = effects(inner)
        case nodes.Apply(_, inner, _, _):
            own = effects(inner)
        case nodes.VectorSearch() | nodes.TextSearch():
            own = Effects(frozenset(("node", "label:*", "key:*")))
        case nodes.ProcedureCall():
            own = Effects(
                frozenset(("node", "label:*", "key:*", "type:*")), frozenset((ANY,)) if node.writes else frozenset()
            )
        case nodes.CreateIndex() | nodes.DropIndex():
            own = Effects(frozenset(), frozenset(("schema",)))
        case _:
            pass
    for expr in expressions_of(node):
        own = own | expression_effects(expr)
    return own


def update_writes(items: Sequence[nodes.UpdateItem]) -> frozenset[str]:
    """What the items of a SET or REMOVE write."""
    writes: set[str] = set()
    for item in items:
        match item:
            case nodes.SetPropertyItem(_, key, _):
                writes.add(f"key:{key.value}" if isinstance(key, e.Literal) else "key:*")
            case nodes.SetPropertiesItem():
                writes.add("key:*")
            case nodes.SetLabelsItem(_, labels, _):
                writes.update(f"label:{x}" for x in labels)
    return frozenset(writes)


def update_expressions(items: Sequence[nodes.UpdateItem]) -> list[e.Expr]:
    """The expressions that a SET evaluates, one that copies all properties of an element as such."""
    found: list[e.Expr] = []
    for item in items:
        match item:
            case nodes.SetPropertyItem(target, key, value):
                found += [target, key, value]
            case nodes.SetPropertiesItem(target, value, _):
                found += [target, e.AllProperties(value) if _may_be_element(value) else value]
            case nodes.SetLabelsItem(target, _, _):
                found.append(target)
    return found


def _may_be_element(value: e.Expr) -> bool:
    """Whether a map is taken from an element's properties, as in ``SET n = m``."""
    return not isinstance(value, (e.MapOf, e.Literal, e.Parameter))


def _whole_reads(items: Sequence[nodes.UpdateItem]) -> frozenset[str]:
    copied = any(isinstance(i, nodes.SetPropertiesItem) and _may_be_element(i.value) for i in items)
    return frozenset(("key:*",)) if copied else frozenset()


def _created(new_nodes: tuple[nodes.NewNode, ...], new_relationships: tuple[nodes.NewRelationship, ...]) -> Effects:
    writes: set[str] = set()
    for node in new_nodes:
        writes.add("node")
        writes.update(f"label:{x}" for x in node.labels)
    writes.update(f"type:{r.type}" for r in new_relationships)
    maps = [x.properties for x in (*new_nodes, *new_relationships) if x.properties is not None]
    return Effects(frozenset(("key:*",)) if any(map(_may_be_element, maps)) else frozenset(), frozenset(writes))


_CARRIERS = frozenset(
    (
        PatternGraph,
        PatternRelationship,
        nodes.Aggregate,
        nodes.SortKey,
        nodes.NewNode,
        nodes.NewRelationship,
        nodes.SetPropertyItem,
        nodes.SetPropertiesItem,
        nodes.SetLabelsItem,
    )
)
"""What stands between a node and its expressions."""


def expressions_of(holder: object) -> list[e.Expr]:
    """The expressions that a node holds itself."""
    found: list[e.Expr] = []

    def visit(value: object) -> None:
        kind = type(value)
        if kind is tuple:
            for item in value:  # pyright: ignore[reportGeneralTypeIssues, reportUnknownVariableType]
                if type(item) is not str:
                    visit(item)
        elif kind in _CARRIERS:
            for name in e.field_names(kind):
                visit(getattr(value, name))
        elif e.is_expression(value):
            found.append(value)  # pyright: ignore[reportArgumentType]

    for name in e.field_names(type(holder)):
        visit(getattr(holder, name))
    return found


def is_volatile(expr: e.Expr) -> bool:
    """Whether evaluating ``expr`` twice on one row may give two values: ``rand()``, or a function not built in.

    Such an expression must be evaluated once for each row, so its input may not stand for several by a weight.
    """
    match expr:
        case e.Call(name, _):
            definition = lookup(name)
            if definition is None or definition.volatile:
                return True
        case e.Subquery(_, plan, _, _):
            return plan_is_volatile(plan)  # pyright: ignore[reportArgumentType]
        case _:
            pass
    return any(map(is_volatile, e.children(expr)))


def plan_is_volatile(node: LogicalNode) -> bool:
    """Whether any expression of a plan is, or it calls a procedure."""
    if isinstance(node, nodes.ProcedureCall) or any(map(is_volatile, expressions_of(node))):
        return True
    return any(map(plan_is_volatile, children(node)))


def effects(node: LogicalNode) -> Effects:
    """What a whole plan reads and writes."""
    total = own_effects(node)
    for child in children(node):
        total = total | effects(child)
    return total


def writes(node: LogicalNode) -> bool:
    """Whether a whole plan writes, without saying what. Subqueries in expressions never do."""
    match node:
        case nodes.Create() | nodes.Merge() | nodes.Update() | nodes.Delete() | nodes.CreateIndex() | nodes.DropIndex():
            return True
        case nodes.ProcedureCall() if node.writes:
            return True
        case _:
            return any(map(writes, children(node)))


def argument_variables(inner: LogicalNode) -> tuple[str, ...]:
    """The outer columns that an inner plan starts from: those of its Argument leaves."""
    found: dict[str, None] = {}

    def visit(node: LogicalNode) -> None:
        if isinstance(node, nodes.Argument):
            found.update(dict.fromkeys(node.variables))
            return
        below = children(node)
        # Apply's inner side has arguments of its own, which its outer side gives; the outer side leads to ours.
        inner_sides = 1 if isinstance(node, (nodes.Apply, nodes.Foreach, nodes.Merge)) else 0
        for child in below[: len(below) - inner_sides]:
            visit(child)

    visit(inner)
    return tuple(found)
