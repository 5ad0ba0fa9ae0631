"""Patterns against the graph, by trying everything.

A MATCH binds one pattern after the other, element by element; no relationship is used twice within it. What an element
asks beyond labels and types (its property map, its WHERE) is tested once the whole pattern is bound, since it may name
any of its variables.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from memoradb.core.errors import TypeMismatch
from memoradb.core.semantics import equals, type_name
from memoradb.core.values import NodeRef, PathRef, RelationshipRef, Value
from memoradb.memql.syntax import ast_expr as e
from memoradb.memql.syntax import ast_pattern as p

from .expressions import labels_hold
from .run import Row, Run, read


@dataclass(frozen=True, slots=True)
class _State:
    """A partial match: the row so far, relationships in use, and elements whose tests wait for the end."""

    row: Row
    used: frozenset[int] = frozenset()
    waiting: tuple[tuple[p.NodePattern | p.RelationshipPattern, Value], ...] = ()

    def bound(self, name: str, value: Value) -> _State:
        return _State({**self.row, name: value}, self.used, self.waiting)


@dataclass(frozen=True, slots=True)
class _Trail:
    """A walk along a path pattern: nodes and relationships passed, by id."""

    nodes: tuple[int, ...]
    relationships: tuple[int, ...] = ()

    def longer(self, relationship: int, node: int) -> _Trail:
        return _Trail((*self.nodes, node), (*self.relationships, relationship))


def variables_of(patterns: tuple[p.PathPattern, ...]) -> list[str]:
    """All names that stand in patterns: of paths, nodes and relationships."""
    found: dict[str, None] = {}
    for pattern in patterns:
        for element in pattern.elements:
            assert not isinstance(element, p.QuantifiedPath)
            if element.variable is not None:
                found[element.variable.name] = None
        if pattern.variable is not None:
            found[pattern.variable.name] = None
    return list(found)


class Matcher:
    """Matches patterns of one run."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def match(self, patterns: tuple[p.PathPattern, ...], row: Row) -> Iterator[Row]:
        """``row`` with the patterns' variables, once for each way they match."""
        states = iter((_State(row),))
        for pattern in patterns:
            states = self._all(states, pattern)
        for state in states:
            if all(self._satisfies(element, value, state.row) for element, value in state.waiting):
                yield state.row

    def _all(self, states: Iterator[_State], pattern: p.PathPattern) -> Iterator[_State]:
        for state in states:
            yield from self._path(pattern, state)

    def _satisfies(self, element: p.NodePattern | p.RelationshipPattern, value: Value, row: Row) -> bool:
        """An element's property map and WHERE, on the whole match; of a variable-length step, for one of its hops."""
        if isinstance(element, p.RelationshipPattern) and element.length is not None and element.variable is not None:
            row = {**row, element.variable.name: value}
        return self._has_properties(element, value, row) and self._run.expressions.holds(element.where, row)

    def _has_properties(self, element: p.NodePattern | p.RelationshipPattern, value: Value, row: Row) -> bool:
        if element.properties is None:
            return True
        assert isinstance(element.properties, e.MapLiteral), "the checks refuse parameters here"
        expressions = self._run.expressions
        return all(
            equals(expressions.property(value, key), expressions.evaluate(wanted, row)) is True
            for key, wanted in element.properties.entries
        )

    # --- nodes

    def _path(self, pattern: p.PathPattern, state: _State) -> Iterator[_State]:
        first = pattern.elements[0]
        assert isinstance(first, p.NodePattern)
        for node, begun in self._nodes(first, None, state):
            if pattern.selector is not None:
                found = self._shortest(pattern, _Trail((node,)), begun)
            else:
                found = self._steps(pattern, 1, _Trail((node,)), begun)
            for trail, ended in found:
                if pattern.variable is None:
                    yield ended
                else:
                    yield ended.bound(pattern.variable.name, PathRef(trail.nodes, trail.relationships))

    def _nodes(self, pattern: p.NodePattern, at: int | None, state: _State) -> Iterator[tuple[int, _State]]:
        """Nodes that fit a node pattern: ``at`` alone, the one its variable is bound to, or any."""
        graph = self._run.graph
        name = None if pattern.variable is None else pattern.variable.name
        if name is not None and name in state.row:
            held = read(state.row, name)
            if held is None:
                return
            if not isinstance(held, NodeRef):
                raise TypeMismatch(f"Expected a node, not {type_name(held)}.")
            candidates = [held.slot] if at is None or at == held.slot else []
        elif at is not None:
            candidates = [at]
        else:
            candidates = self._run.in_some_order(list(graph.nodes))
        for node in candidates:
            self._run.step()
            ref = NodeRef(node)
            if pattern.labels is not None and not labels_hold(pattern.labels, graph.node(ref).labels):
                continue
            found = state if name is None else state.bound(name, ref)
            if pattern.properties is not None or pattern.where is not None:
                found = _State(found.row, found.used, (*found.waiting, (pattern, ref)))
            yield node, found

    # --- relationships

    def _steps(self, pattern: p.PathPattern, i: int, trail: _Trail, state: _State) -> Iterator[tuple[_Trail, _State]]:
        """The rest of a path pattern from element ``i`` on."""
        if i == len(pattern.elements):
            yield trail, state
            return
        step, target = pattern.elements[i], pattern.elements[i + 1]
        assert isinstance(step, p.RelationshipPattern)
        assert isinstance(target, p.NodePattern)
        for longer, after in self._step(step, trail, state):
            for _, ended in self._nodes(target, longer.nodes[-1], after):
                yield from self._steps(pattern, i + 2, longer, ended)

    def _step(self, step: p.RelationshipPattern, trail: _Trail, state: _State) -> Iterator[tuple[_Trail, _State]]:
        if step.length is not None:
            yield from self._variable_step(step, trail, state)
            return
        name = None if step.variable is None else step.variable.name
        for relationship, node in self._hops(step, trail.nodes[-1], state):
            ref = RelationshipRef(relationship)
            row = state.row
            if name is not None:
                if name in row:
                    held = read(row, name)
                    if held is not None and not isinstance(held, RelationshipRef):
                        raise TypeMismatch(f"Expected a relationship, not {type_name(held)}.")
                    if held != ref:
                        continue
                else:
                    row = {**row, name: ref}
            waiting = state.waiting
            if step.properties is not None or step.where is not None:
                waiting = (*waiting, (step, ref))
            yield trail.longer(relationship, node), _State(row, state.used | {relationship}, waiting)

    def _hops(self, step: p.RelationshipPattern, node: int, state: _State) -> Iterator[tuple[int, int]]:
        """(relationship, node at its other end) for each unused relationship that a step may take from ``node``."""
        graph = self._run.graph
        for relationship in self._run.in_some_order(graph.incident(node)):
            self._run.step()
            record = graph.relationships[relationship]
            if relationship in state.used or (step.types is not None and not labels_hold(step.types, {record.type})):
                continue
            if record.start == node and step.arrow is not p.Arrow.LEFT:
                yield relationship, record.end
            elif record.end == node and step.arrow is not p.Arrow.RIGHT:
                yield relationship, record.start

    def _variable_step(
        self, step: p.RelationshipPattern, trail: _Trail, state: _State
    ) -> Iterator[tuple[_Trail, _State]]:
        assert step.length is not None
        name = None if step.variable is None else step.variable.name
        low = 1 if step.length.low is None else step.length.low
        if name is not None and name in state.row and read(state.row, name) is None:
            return
        for added, longer in self._trails(step, trail, state, step.length.high):
            if len(added) < low:
                continue
            refs = [RelationshipRef(r) for r in added]
            used = _State(state.row, state.used | set(added), (*state.waiting, *((step, ref) for ref in refs)))
            if name is None:
                yield longer, used
            elif name not in state.row:
                yield longer, used.bound(name, refs)
            elif read(state.row, name) == refs:
                yield longer, used

    def _trails(
        self, step: p.RelationshipPattern, trail: _Trail, state: _State, high: int | None
    ) -> Iterator[tuple[tuple[int, ...], _Trail]]:
        """(relationships added, trail) for each trail of up to ``high`` hops, the empty one first."""
        stack: list[tuple[tuple[int, ...], _Trail, _State]] = [((), trail, state)]
        while stack:
            added, at, within = stack.pop()
            yield added, at
            if high is not None and len(added) >= high:
                continue
            for relationship, node in self._hops(step, at.nodes[-1], within):
                used = _State(within.row, within.used | {relationship})
                stack.append(((*added, relationship), at.longer(relationship, node), used))

    # --- shortest paths

    def _shortest(self, pattern: p.PathPattern, trail: _Trail, state: _State) -> Iterator[tuple[_Trail, _State]]:
        """One shortest trail, or all, to each node that fits the other end."""
        _, step, target = pattern.elements
        assert isinstance(step, p.RelationshipPattern)
        assert isinstance(target, p.NodePattern)
        assert pattern.selector is not None
        every = pattern.selector.kind is p.SelectorKind.ALL_SHORTEST_PATHS
        length = step.length or p.Range(1, 1)
        low = 1 if length.low is None else length.low
        found: dict[int, list[tuple[tuple[int, ...], _Trail]]] = {}
        # A shortest path is found by itself: it may use relationships that the rest of the MATCH uses.
        alone = _State(state.row)
        for added, longer in self._trails(step, trail, alone, length.high):
            end = longer.nodes[-1]
            if not all(self._satisfies(step, RelationshipRef(r), state.row) for r in added):
                continue
            # From a node to itself the shortest path is the empty one, or there is none.
            if end == trail.nodes[0] and added:
                continue
            held = found.setdefault(end, [])
            if held and len(added) < len(held[0][0]):
                held.clear()
            if not held or len(added) == len(held[0][0]):
                held.append((added, longer))
        for node, ended in self._nodes(target, None, state):
            ways = [way for way in found.get(node, []) if len(way[0]) >= low]
            for added, longer in ways if every else self._run.in_some_order(ways)[:1]:
                refs = [RelationshipRef(r) for r in added]
                yield longer, ended if step.variable is None else ended.bound(step.variable.name, refs)
