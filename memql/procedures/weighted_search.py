"""Cheapest paths by weight: Dijkstra's search, A* with places of nodes, and Yen's k cheapest paths without cycles.

Dijkstra 1959; Hart, Nilsson and Raphael 1968; Yen 1971. First a short search goes backwards from the target; what it
found, and what it therefore did not, tells a search forwards the least that may be left from each node. A node is taken
from a heap by the cost of the cheapest way to it plus that least, and a better way found later takes it again: so the
search is right with any estimate that is not too high, also where some nodes have none. Relationships are read for a
block of the nodes that are next in the heap, as reading a node by itself costs more than looking at it.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np

from memoradb.core.columns import IntArray
from memoradb.core.errors import ArgumentError, MemQLError, TypeMismatch
from memoradb.core.semantics import type_name
from memoradb.core.spatial import Point, distance
from memoradb.core.values import Value
from memoradb.storage.view import Direction, Element

if TYPE_CHECKING:
    from ..exec.context import Context, Held

BLOCK_NODES: Final = 64
"""Nodes whose relationships are read at once."""

CHECK_EVERY: Final = 256
"""Nodes taken from the heap between two looks at whether the statement was cancelled: about a millisecond."""

_WAY_BYTES: Final = 200
"""What one relationship takes in the lists of a search, roughly."""

_NODE_BYTES: Final = 400
"""What one node takes: in the heap, with its cost and where it was reached from."""

NODES_BACK_MAX: Final = 2_048
"""Nodes that the search backwards from the target settles at most: some hundredths of a second."""

_ROUNDING: Final = 1e-9
"""By how much sums of the same weights in another order may differ."""

Way: TypeAlias = tuple[int, int, float]
"""(node, relationship, weight)."""

_NO_RELATIONSHIPS: Final[frozenset[int]] = frozenset()


@dataclass(frozen=True, slots=True)
class CheapPath:
    """A path of node and relationship slots, and the sum of its weights."""

    cost: float
    nodes: tuple[int, ...]
    relationships: tuple[int, ...]


class Ways:
    """The weighted relationships of a view, read as a search gets to them."""

    def __init__(
        self,
        context: Context,
        memory: Held,
        weight: str | None,
        default: float | None,
        types: Sequence[str] | None,
        direction: Direction,
    ) -> None:
        """``weight``: the property that holds it, None where each relationship weighs 1.

        ``default``: what one without the property weighs; None: it is not followed.
        """
        self.context = context
        self.memory = memory
        self._weight = weight
        self._default = default
        self._types = types
        self._direction = direction
        self._known: dict[int, list[Way]] = {}
        self._errors: dict[int, MemQLError] = {}

    def of(self, node: int, following: Callable[[], Iterator[int]]) -> list[Way]:
        """The ways from one node; ``following`` are the nodes that will be asked for next.

        Raises:
            ArgumentError: one of its weights is negative or not finite.
            TypeMismatch: one is no number.
        """
        found = self._known.get(node)
        if found is None:
            block = [node]
            for other in following():
                if len(block) == BLOCK_NODES:
                    break
                if other not in self._known and other not in block:
                    block.append(other)
            self._read(np.array(block, np.int64))
            found = self._known[node]
        if node in self._errors:  # not before a search gets there
            raise self._errors[node]
        return found

    def _read(self, block: IntArray) -> None:
        view = self.context.view
        found = view.expand(block, self._types, self._direction)
        weights: Sequence[Value] = ()
        if self._weight is not None:
            weights = view.property(Element.RELATIONSHIP, found.relationship, self._weight).values()
        nodes = block.tolist()
        lists: list[list[Way]] = [[] for _ in nodes]
        ends, relationships = found.node.tolist(), found.relationship.tolist()
        for place, (position, end, relationship) in enumerate(
            zip(found.source_position.tolist(), ends, relationships, strict=True)
        ):
            value: Value = weights[place] if weights else 1.0
            if value is None:
                value = self._default
                if value is None:
                    continue
            if type(value) not in (int, float) or not 0 <= value < float("inf"):
                self._errors.setdefault(nodes[position], self._error(value))
                continue
            lists[position].append((end, relationship, value))
        self._known.update(zip(nodes, lists, strict=True))
        self.memory.add(_WAY_BYTES * len(ends) + _NODE_BYTES * len(nodes))

    def _error(self, value: Value) -> MemQLError:
        if type(value) not in (int, float):
            return TypeMismatch(f"The weight `{self._weight}` of a relationship is a number, not {type_name(value)}.")
        return ArgumentError(
            f"The weight `{self._weight}` of a relationship is {value}: weights are finite and not negative.",
            hint="With negative weights going in circles may pay, so the cheapest path is another problem.",
        )


class Places:
    """The least that it can cost from a node to the target, by how far it is away: what makes Dijkstra's search A*."""

    def __init__(self, context: Context, key: str, target: int, cost_per_unit: float) -> None:
        """``key``: the property that holds a point; a node without one, or in another system, may be near or far."""
        self._context = context
        self._key = key
        self._cost_per_unit = cost_per_unit
        self._known: dict[int, float | None] = {}
        self._target = self._point(target)

    def _point(self, node: int) -> Point | None:
        value = self._context.view.property(Element.NODE, np.array([node], np.int64), self._key).item(0)
        return value if isinstance(value, Point) else None

    def least(self, node: int) -> float | None:
        """The least cost; None where nothing is known."""
        if node not in self._known:
            point = None if self._target is None else self._point(node)
            apart = None if point is None or self._target is None else distance(point, self._target)
            self._known[node] = None if apart is None else apart * self._cost_per_unit
        return self._known[node]

    def check(self, node: int, other: int, weight: float) -> None:
        """ArgumentError where a relationship costs less than the distance that it covers: the estimate is too high."""
        here, there = self.least(node), self.least(other)
        if here is not None and there is not None and weight + there < here - 1e-9 * (1.0 + here):
            raise ArgumentError(
                f"A relationship of weight {weight} covers a distance that costs at least {here - there} by "
                "`costPerUnit`: A* would miss cheapest paths.",
                hint="Give a lower `costPerUnit`: the least that a relationship costs for each unit of distance.",
            )


class Remaining:
    """The least that it costs from a node to the target, by a search backwards from there that stops early.

    It ends with the source, or after some nodes. What it settled costs exactly that; all else at least as much as the
    last. That is an estimate that is never too high, also of a graph with parts left out: what a search forwards needs
    to leave out most of the graph. (Goldberg and Harrelson 2005 take such distances to a few landmarks.)
    """

    def __init__(self, back: Ways, source: int, target: int, nodes_max: int) -> None:
        """``back``: the ways against the direction of the search."""
        self._known: dict[int, float] = {}
        self._beyond = float("inf")  # where all is settled, the rest does not lead to the target
        costs: dict[int, float] = {target: 0.0}
        heap: list[tuple[float, int]] = [(0.0, target)]

        def following() -> Iterator[int]:
            return (node for _, node in heap[:BLOCK_NODES])

        while heap:
            cost, node = heapq.heappop(heap)
            if node in self._known:
                continue
            self._known[node] = cost
            if node == source or len(self._known) >= nodes_max:
                self._beyond = cost
                return
            if len(self._known) % CHECK_EVERY == 0:
                back.context.check()
                back.memory.add(CHECK_EVERY * _NODE_BYTES)
            for end, _, weight in back.of(node, following):
                reached = cost + weight
                if reached < costs.get(end, float("inf")):
                    costs[end] = reached
                    heapq.heappush(heap, (reached, end))

    def least(self, node: int) -> float:
        """The least cost; infinite where no path leads to the target."""
        return self._known.get(node, self._beyond)


def cheapest(
    ways: Ways,
    source: int,
    target: int,
    remaining: Remaining,
    places: Places | None = None,
    cost_max: float = float("inf"),
    without_relationships: frozenset[int] = _NO_RELATIONSHIPS,
    without_nodes: frozenset[int] = _NO_RELATIONSHIPS,
) -> CheapPath | None:
    """The cheapest path of at most ``cost_max``, None where there is none. Of equal ones, always the same."""
    bound = cost_max * (1 + _ROUNDING)
    known: dict[int, float] = {source: 0.0}
    before: dict[int, tuple[int, int]] = {}
    # (cost and the least that may follow, node, cost): equal costs go by slot.
    heap: list[tuple[float, int, float]] = [(0.0, source, 0.0)]

    def following() -> Iterator[int]:
        return (node for _, node, _ in heap[:BLOCK_NODES])

    taken = 0
    while heap:
        _, node, cost = heapq.heappop(heap)
        if cost > known[node]:
            continue  # a better way was found since
        if node == target:
            return _walked(source, target, cost, before)
        taken += 1
        if taken % CHECK_EVERY == 0:
            ways.context.check()
            ways.memory.add(CHECK_EVERY * _NODE_BYTES)
        for end, relationship, weight in ways.of(node, following):
            if relationship in without_relationships or end in without_nodes:
                continue
            if places is not None:
                places.check(node, end, weight)
            reached = cost + weight
            if reached > cost_max or reached >= known.get(end, float("inf")):
                continue
            least = remaining.least(end)
            if places is not None:
                least = max(least, places.least(end) or 0.0)
            if reached + least > bound or least == float("inf"):
                continue
            known[end] = reached
            before[end] = (node, relationship)
            heapq.heappush(heap, (reached + least, end, reached))
    return None


def _walked(source: int, target: int, cost: float, before: dict[int, tuple[int, int]]) -> CheapPath:
    nodes, relationships = [target], []
    while nodes[-1] != source:
        node, relationship = before[nodes[-1]]
        nodes.append(node)
        relationships.append(relationship)
    return CheapPath(cost, tuple(reversed(nodes)), tuple(reversed(relationships)))


def k_cheapest(
    ways: Ways,
    source: int,
    target: int,
    count: int,
    remaining: Remaining,
    places: Places | None = None,
    cost_max: float = float("inf"),
) -> Iterator[CheapPath]:
    """The ``count`` cheapest paths that visit no node twice, cheapest first; fewer where there are no more.

    Each next one leaves a path found before at some node: there it may take none of the relationships that paths with
    the same beginning took, nor come back to that beginning. Where as many are waiting as are still wanted, it must be
    as cheap as the last of these.
    """
    first = cheapest(ways, source, target, remaining, places, cost_max)
    found: list[CheapPath] = []
    waiting: list[tuple[float, int, tuple[int, ...], CheapPath]] = []
    if first is not None:
        waiting.append((first.cost, len(first.relationships), first.relationships, first))
    seen = {path.relationships for *_, path in waiting}
    weights: dict[int, float] = {}
    while waiting:
        path = heapq.heappop(waiting)[-1]
        found.append(path)
        yield path
        if len(found) == count:
            return
        for place in range(len(path.relationships)):
            ways.context.check()
            root, spur = path.relationships[:place], path.nodes[place]
            spent = sum(_weight(ways, path, i, weights) for i in range(place))
            used = frozenset(p.relationships[place] for p in found if p.relationships[:place] == root)
            wanted = count - len(found)
            if len(waiting) >= wanted:
                cost_max = min(cost_max, heapq.nsmallest(wanted, waiting)[-1][0])
            left_out = frozenset(path.nodes[:place])
            rest = cheapest(ways, spur, target, remaining, places, cost_max - spent, used, left_out)
            if rest is None:
                continue
            relationships = (*root, *rest.relationships)
            if relationships in seen:
                continue
            seen.add(relationships)
            ways.memory.add(_WAY_BYTES + 64 * len(relationships))
            whole = CheapPath(spent + rest.cost, (*path.nodes[:place], *rest.nodes), relationships)
            heapq.heappush(waiting, (whole.cost, len(relationships), relationships, whole))


def _weight(ways: Ways, path: CheapPath, place: int, known: dict[int, float]) -> float:
    """What one relationship of a path weighs."""
    relationship = path.relationships[place]
    if relationship not in known:
        found = ways.of(path.nodes[place], lambda: iter(()))
        known[relationship] = next(w for end, r, w in found if r == relationship and end == path.nodes[place + 1])
    return known[relationship]
