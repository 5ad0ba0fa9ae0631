"""CREATE, MERGE, SET, REMOVE, DELETE, FOREACH: row by row, in order."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from memoradb.core.errors import MemQLError, TypeMismatch
from memoradb.core.semantics import type_name
from memoradb.core.values import NodeRef, PathRef, RelationshipRef, Value
from memoradb.memql.syntax import ast as a
from memoradb.memql.syntax import ast_expr as e
from memoradb.memql.syntax import ast_pattern as p

from .elements import properties_of
from .graph import Reference
from .run import Row, Run, read

UPDATES: Final = (a.Create, a.Merge, a.Set, a.Remove, a.Delete, a.Foreach)


def label_names(labels: p.LabelExpression | None) -> tuple[str, ...]:
    """The labels of ``:A:B``; the checks have refused anything else here."""
    match labels:
        case p.LabelName(name):
            return (name,)
        case p.LabelAnd(operands):
            return tuple(n for o in operands for n in label_names(o))
        case _:
            return ()


class Updates:
    """Runs the updating clauses of one run."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def clause(self, clause: a.Clause, rows: list[Row]) -> list[Row]:
        """The table after ``clause``; its effects are in the graph."""
        match clause:
            case a.Create(patterns):
                return [self._create(patterns, row) for row in rows]
            case a.Merge():
                return [made for row in rows for made in self._merge(clause, row)]
            case a.Set(items):
                for row in rows:
                    self._set(items, row)
            case a.Remove(items):
                for row in rows:
                    self._remove(items, row)
            case a.Delete(expressions, detach):
                for row in rows:
                    found = [r for x in expressions for r in self._deleted(self._evaluate(x, row))]
                    self._run.graph.delete(found, detach)
            case a.Foreach():
                for row in rows:
                    self._foreach(clause, row)
            case _:
                raise AssertionError(f"{type(clause).__name__} does not update")
        return rows

    def _evaluate(self, expression: e.Expression, row: Row) -> Value:
        return self._run.expressions.evaluate(expression, row)

    # --- CREATE and MERGE

    def _create(self, patterns: tuple[p.PathPattern, ...], row: Row) -> Row:
        """``row`` with the new elements, made as written: a relationship once the node after it is there."""
        row = dict(row)
        for pattern in patterns:
            first = pattern.elements[0]
            assert isinstance(first, p.NodePattern)
            at = self._new_node(first, row)
            nodes, relationships = [at], []
            for step, target in zip(pattern.elements[1::2], pattern.elements[2::2], strict=True):
                assert isinstance(step, p.RelationshipPattern)
                assert isinstance(target, p.NodePattern)
                after = self._new_node(target, row)
                relationships.append(self._new_relationship(step, at, after, row).slot)
                nodes.append(after)
                at = after
            if pattern.variable is not None:
                row[pattern.variable.name] = PathRef(
                    tuple(n.slot for n in nodes if n is not None), tuple(relationships)
                )
        return row

    def _new_node(self, pattern: p.NodePattern, row: Row) -> NodeRef | None:
        """The node of a pattern: made, or what its variable is bound to."""
        name = None if pattern.variable is None else pattern.variable.name
        if name is not None and name in row:
            held = read(row, name)
            if held is not None and not isinstance(held, NodeRef):
                raise TypeMismatch(f"Expected a node, not {type_name(held)}.")
            return held
        made = self._run.graph.create_node(label_names(pattern.labels), self._properties(pattern.properties, row))
        if name is not None:
            row[name] = made
        return made

    def _new_relationship(
        self, step: p.RelationshipPattern, left: NodeRef | None, right: NodeRef | None, row: Row
    ) -> RelationshipRef:
        if left is None or right is None:
            raise MemQLError(
                "Cannot create a relationship: a node of it is null.",
                kind="SemanticError",
                detail="CreateRelationshipWithNullNode",
            )
        assert isinstance(step.types, p.LabelName)
        start, end = (right, left) if step.arrow is p.Arrow.LEFT else (left, right)
        properties = self._properties(step.properties, row)
        made = self._run.graph.create_relationship(step.types.name, start, end, properties)
        if step.variable is not None:
            row[step.variable.name] = made
        return made

    def _properties(self, written: e.MapLiteral | e.Parameter | None, row: Row) -> dict[str, Value]:
        if written is None:
            return {}
        value = self._evaluate(written, row)
        if value is None:
            return {}
        if not isinstance(value, (dict, NodeRef, RelationshipRef)):
            raise TypeMismatch(f"Properties are given by a map, not {type_name(value)}.")
        return properties_of(self._run.graph, value, "CREATE")

    def _merge(self, clause: a.Merge, row: Row) -> Iterable[Row]:
        """All matches of the pattern, or else the pattern made; sees what earlier rows made."""
        for element in clause.pattern.elements:
            assert not isinstance(element, p.QuantifiedPath)
            if isinstance(element.properties, e.MapLiteral):
                for key, value in element.properties.entries:
                    if self._evaluate(value, row) is None:
                        raise MemQLError(
                            f"Cannot merge: `{key}` is null, which equals nothing.",
                            kind="SemanticError",
                            detail="MergeReadOwnWrites",
                        )
        found = list(self._run.matcher.match((clause.pattern,), row))
        if found:
            for match in found:
                self._set(clause.on_match, match)
            return found
        made = self._create((clause.pattern,), row)
        self._set(clause.on_create, made)
        return [made]

    # --- SET and REMOVE

    def _element(self, value: Value) -> Reference | None:
        if value is None or isinstance(value, (NodeRef, RelationshipRef)):
            return value
        raise TypeMismatch(f"Only nodes and relationships can be changed, not {type_name(value)}.")

    def _set(self, items: tuple[a.SetItem, ...], row: Row) -> None:
        graph = self._run.graph
        for item in items:
            match item:
                case a.SetProperty(target, value):
                    self._set_property(target, self._evaluate(value, row), row)
                case a.SetProperties(variable, value, merge):
                    subject, given = self._element(read(row, variable.name)), self._evaluate(value, row)
                    if subject is None or (given is None and merge):
                        continue
                    properties = {} if given is None else dict(properties_of(graph, given, "SET"))
                    if not merge:
                        graph.replace_properties(subject, properties)
                        continue
                    for key, new in properties.items():
                        graph.set_property(subject, key, new)
                case a.SetLabels(variable, labels):
                    node = self._labelled(read(row, variable.name))
                    if node is not None:
                        graph.node(node).labels.update(dict.fromkeys(label_names(labels)))

    def _labelled(self, value: Value) -> NodeRef | None:
        element = self._element(value)
        if isinstance(element, RelationshipRef):
            raise TypeMismatch("A relationship has a type, not labels that can be set.")
        return element

    def _set_property(self, target: e.Expression, value: Value, row: Row) -> None:
        assert isinstance(target, (e.Property, e.Index))
        subject = self._element(self._evaluate(target.subject, row))
        key = target.key if isinstance(target, e.Property) else self._evaluate(target.index, row)
        if subject is None:
            return
        if type(key) is not str:
            raise TypeMismatch(f"A property is named by a string, not {type_name(key)}.")
        self._run.graph.set_property(subject, key, value)

    def _remove(self, items: tuple[a.RemoveItem, ...], row: Row) -> None:
        for item in items:
            match item:
                case a.RemoveProperty(target):
                    self._set_property(target, None, row)
                case a.RemoveLabels(variable, labels):
                    node = self._labelled(read(row, variable.name))
                    if node is not None:
                        for name in label_names(labels):
                            self._run.graph.node(node).labels.pop(name, None)

    # --- DELETE and FOREACH

    def _deleted(self, value: Value) -> list[Reference]:
        """The elements in what DELETE names: also those of paths, lists and maps."""
        match value:
            case None:
                return []
            case NodeRef() | RelationshipRef():
                return [value]
            case PathRef(nodes, relationships):
                return [*map(RelationshipRef, relationships), *map(NodeRef, nodes)]
            case list():
                return [r for v in value for r in self._deleted(v)]
            case dict():
                return [r for v in value.values() for r in self._deleted(v)]
            case _:
                raise TypeMismatch(f"DELETE takes nodes, relationships and paths, not {type_name(value)}.")

    def _foreach(self, clause: a.Foreach, row: Row) -> None:
        items = self._evaluate(clause.source, row)
        if items is None:
            return
        if not isinstance(items, list):
            raise MemQLError(
                f"FOREACH takes a list, not {type_name(items)}.", kind="TypeError", detail="InvalidArgumentType"
            )
        for item in items:
            rows = [{**row, clause.variable.name: item}]
            for update in clause.updates:
                rows = self.clause(update, rows)
