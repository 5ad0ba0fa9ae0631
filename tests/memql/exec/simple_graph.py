"""A graph kept in lists: the slow, obvious GraphView that operators are tested over, and that oracles walk."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from pyroaring import BitMap

from memoradb.core.batch import Batch
from memoradb.core.clock import Clock, ManualClock
from memoradb.core.columns import Column, lift
from memoradb.core.rng import SeededRandom
from memoradb.core.semantics import equals
from memoradb.core.values import Value
from memoradb.memql.exec.context import Context
from memoradb.memql.exec.operator import Frame, Operator
from memoradb.memql.functions.registry import FunctionRegistry
from memoradb.memql.procedures.registry import ProcedureRegistry
from memoradb.storage.view import Direction, Element, Neighbours, part_of, sums_of

BOUNDS = (1, 2, 3, 16_384)
"""Batch sizes that no result may depend on."""


class SimpleStatistics:
    """The counts that operators ask for."""

    def __init__(self, graph: SimpleGraph) -> None:
        self._graph = graph

    def nodes(self) -> int:
        return len(self._graph.node_list)

    def relationships(self) -> int:
        return len(self._graph.edges)


class SimpleGraph:
    """Nodes are (labels, properties), relationships (type, start, end, properties); a slot is a list position.

    Ids are slots plus 100, so that a mix-up of the two shows.
    """

    def __init__(
        self,
        nodes: Sequence[tuple[tuple[str, ...], dict[str, Value]]],
        edges: Sequence[tuple[str, int, int]] = (),
    ) -> None:
        self.node_list = list(nodes)
        self.edges = list(edges)

    # --- what oracles read

    def steps(self, slot: int, types: Sequence[str] | None, direction: Direction) -> Iterator[tuple[int, int]]:
        """(relationship, node) pairs from one node, in relationship order."""
        for r, (type, start, end) in enumerate(self.edges):
            if types and type not in types:
                continue
            if start == slot and direction != Direction.IN:
                yield r, end
            elif end == slot and direction != Direction.OUT:
                yield r, start

    # --- GraphView

    @property
    def statistics(self) -> SimpleStatistics:
        return SimpleStatistics(self)

    @property
    def nodes_top(self) -> int:
        return len(self.node_list)

    def nodes(self) -> BitMap:
        return BitMap(range(len(self.node_list)))

    def nodes_with_label(self, label: str) -> BitMap:
        return BitMap(i for i, (labels, _) in enumerate(self.node_list) if label in labels)

    def has_label(self, slots: Any, label: str) -> Any:
        return np.array([label in self.node_list[s][0] for s in slots.tolist()], np.bool_)

    def node_labels(self, slot: int) -> tuple[str, ...]:
        return self.node_list[slot][0]

    def node_is_live(self, slot: int) -> bool:
        return True

    def relationship_is_live(self, slot: int) -> bool:
        return True

    def relationships(self, types: Sequence[str] | None = None) -> Any:
        return np.array([i for i, e in enumerate(self.edges) if not types or e[0] in types], np.int64)

    def relationship_type(self, slots: Any) -> list[str]:
        return [self.edges[s][0] for s in slots.tolist()]

    def endpoints(self, slots: Any) -> tuple[Any, Any]:
        found = [self.edges[s] for s in slots.tolist()]
        return np.array([e[1] for e in found], np.int64), np.array([e[2] for e in found], np.int64)

    def expand(self, sources: Any, types: Sequence[str] | None, direction: Direction) -> Neighbours:
        found = [(i, n, r) for i, s in enumerate(sources.tolist()) for r, n in self.steps(s, types, direction)]
        columns = np.array(found, np.int64).reshape(-1, 3)
        return Neighbours(columns[:, 0].copy(), columns[:, 1].copy(), columns[:, 2].copy())

    def far_ends(self, sources: Any, types: Sequence[str] | None, direction: Direction) -> Any:
        return self.expand(sources, types, direction).node

    def expand_part(self, sources: Any, types: Any, direction: Direction, first: int, stop: int) -> Neighbours:
        return part_of(self.expand(sources, types, direction), first, stop)

    def neighbour_sums(self, sources: Any, values: Any, types: Any, direction: Direction) -> Any:
        return sums_of(self.expand(sources, types, direction), values, len(sources))

    def degrees(self, sources: Any, types: Sequence[str] | None, direction: Direction) -> Any:
        return np.array([sum(1 for _ in self.steps(s, types, direction)) for s in sources.tolist()], np.int64)

    def property(self, element: Element, slots: Any, key: str) -> Column:
        return lift([self.node_list[s][1].get(key) for s in slots.tolist()])

    def properties(self, element: Element, slot: int) -> dict[str, Value]:
        return dict(self.node_list[slot][1]) if element is Element.NODE else {}

    def ids(self, element: Element, slots: Any) -> Any:
        return slots + 100

    def slots_of_ids(self, element: Element, ids: Any) -> Any:
        count = len(self.node_list) if element is Element.NODE else len(self.edges)
        return np.array([i - 100 if 100 <= i < 100 + count else -1 for i in ids.tolist()], np.int64)

    def element_id(self, element: Element, slot: int) -> str:
        return f"{element.value}:{slot + 100}"

    def index_seek(self, name: str, values: Sequence[Value]) -> tuple[Any, Any]:
        """Every key is an index of its own name."""
        pairs = [
            (i, s)
            for i, v in enumerate(values)
            for s, (_, p) in enumerate(self.node_list)
            if equals(p.get(name), v) is True
        ]
        found = np.array(pairs, np.int64).reshape(-1, 2)
        return found[:, 0].copy(), found[:, 1].copy()


def a_context(graph: Any, batch_rows: int | None = None, clock: Clock | None = None, **more: Any) -> Context:
    """A context over ``graph`` with a clock that stands still."""
    clock = clock or ManualClock()
    return Context(
        view=graph,
        parameters=more.pop("parameters", {}),
        clock=clock,
        now_ns=0,
        random=SeededRandom(1),
        functions=FunctionRegistry(),
        procedures=ProcedureRegistry(),
        batch_rows=batch_rows,
        **more,
    )


def a_frame(**columns: list[Value]) -> Frame:
    """A frame whose argument has these columns."""
    lifted = {name: lift(items) for name, items in columns.items()}
    n = len(next(iter(lifted.values()))) if lifted else 1
    return Frame(Batch(lifted, n, None if n == 1 else np.arange(n)), n)


def rows_of(batches: Iterator[Batch], *names: str, bound: int | None = None) -> list[tuple[Value, ...]]:
    """(row, values of ``names``) of every row with weights made into rows; batches must keep the rules."""
    out: list[tuple[Value, ...]] = []
    for batch in batches:
        assert batch.length > 0, "an empty batch"
        assert bound is None or batch.length <= bound, "a batch over its bound"
        assert batch.weight is None or bool((batch.weight > 0).all()), "a weight of zero"
        assert all(len(c) == batch.length for c in batch.columns.values())
        batch = batch.expanded()
        columns = [batch.columns[n].values() for n in names]
        out.extend(zip(batch.rows().tolist(), *columns, strict=True))
    return out


def run(
    operator: Operator, graph: Any, *names: str, frame: Frame | None = None, bound: int | None = None
) -> list[tuple[Value, ...]]:
    """The rows of one run."""
    return rows_of(operator.run(frame or Frame.top(), a_context(graph, bound)), *names, bound=bound)


def same_at_every_bound(
    make: Callable[[], Operator], graph: Any, *names: str, frame: Callable[[], Frame] = Frame.top
) -> list[tuple[Value, ...]]:
    """The rows as a sorted list, once it is shown that they do not depend on the batch size."""
    found = [sorted(run(make(), graph, *names, frame=frame(), bound=b), key=repr) for b in BOUNDS]
    assert all(f == found[0] for f in found)
    return found[0]
