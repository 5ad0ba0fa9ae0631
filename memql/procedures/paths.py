"""``db.path.cheapest`` and ``db.path.kCheapest``: paths between two nodes by the sum of their weights."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

from memoradb.core import limits
from memoradb.core.errors import ArgumentError, LimitError, TypeMismatch
from memoradb.core.semantics import type_name
from memoradb.core.values import NodeRef, PathRef, Value
from memoradb.storage.view import Direction

from .weighted_search import NODES_BACK_MAX, CheapPath, Places, Remaining, Ways, cheapest, k_cheapest

if TYPE_CHECKING:
    from ..exec.context import Context, Held

Rows = Iterator[dict[str, Value]]

_OPTIONS_TEXT: Final = (
    "`options`: `types`, a list of relationship types to follow (all); `direction`, 'OUT', 'IN' or 'BOTH' ('OUT'); "
    "`defaultWeight`, what a relationship without the weight costs (without it, it is not followed); `maxWeight`, the "
    "most that a path may cost; `place`, a property with points of nodes, and `costPerUnit`, the least that a "
    "relationship costs for each unit of distance (1): then the search is A*, which looks towards the target first."
)
CHEAPEST_TEXT: Final = (
    "The path from one node to another whose relationships weigh least in sum, by Dijkstra's search; no row where "
    "there is none. `weight` is the property that holds the weight, a finite number that is not negative; anything "
    "else on the way is an error. " + _OPTIONS_TEXT
)
K_CHEAPEST_TEXT: Final = (
    "The `count` cheapest paths that visit no node twice, cheapest first, by Yen's algorithm; `index` counts from 1. "
    f"At most {limits.CHEAPEST_PATHS_MAX:,}. With `weight` null each relationship weighs 1. " + _OPTIONS_TEXT
)
_ENDS: Final = [("source", "NODE"), ("target", "NODE")]
CHEAPEST_INPUTS: Final = [*_ENDS, ("weight", "STRING"), ("options", "MAP?")]
CHEAPEST_OUTPUTS: Final = [("path", "PATH"), ("weight", "FLOAT")]
K_CHEAPEST_INPUTS: Final = [*_ENDS, ("count", "INTEGER"), ("weight", "STRING?"), ("options", "MAP?")]
K_CHEAPEST_OUTPUTS: Final = [("index", "INTEGER"), ("path", "PATH"), ("weight", "FLOAT")]

_OPTIONS: Final = ("types", "direction", "defaultWeight", "maxWeight", "place", "costPerUnit")


def cheapest_path(context: Context, source: NodeRef, target: NodeRef, weight: str, options: Value = None) -> Rows:
    """``db.path.cheapest(source, target, weight[, options])``."""
    with context.held() as memory:
        asked = _Asked(context, memory, source, target, weight, options)
        found = cheapest(asked.ways, source.slot, target.slot, asked.remaining, asked.places, asked.cost_max)
        if found is not None:
            yield _row(found)


def k_cheapest_paths(
    context: Context, source: NodeRef, target: NodeRef, count: int, weight: str | None = None, options: Value = None
) -> Rows:
    """``db.path.kCheapest(source, target, count[, weight[, options]])``."""
    if count < 1:
        raise ArgumentError(f"The number of paths is 1 or more, not {count}.")
    if count > limits.CHEAPEST_PATHS_MAX:
        raise LimitError(
            f"At most {limits.CHEAPEST_PATHS_MAX:,} paths can be asked for, not {count:,}.",
            limit="CHEAPEST_PATHS_MAX",
            value=limits.CHEAPEST_PATHS_MAX,
        )
    with context.held() as memory:
        asked = _Asked(context, memory, source, target, weight, options)
        ends = source.slot, target.slot
        paths = k_cheapest(asked.ways, *ends, count, asked.remaining, asked.places, asked.cost_max)
        for index, found in enumerate(paths, 1):
            yield {"index": index, **_row(found)}


def _row(found: CheapPath) -> dict[str, Value]:
    return {"path": PathRef(found.nodes, found.relationships), "weight": float(found.cost)}


class _Asked:
    """The options of a call, checked."""

    def __init__(
        self,
        context: Context,
        memory: Held,
        source: NodeRef,
        target: NodeRef,
        weight: str | None,
        options: Value,
    ) -> None:
        self._given: Mapping[str, Value] = {} if options is None else options
        unknown = next((name for name in self._given if name not in _OPTIONS), None)
        if unknown is not None:
            raise ArgumentError(f"There is no option `{unknown}`.", hint=f"Options are {', '.join(_OPTIONS)}.")
        types = self._types()
        default = self._number("defaultWeight")
        cost_max = self._number("maxWeight")
        self.cost_max = math.inf if cost_max is None else cost_max
        direction = self._direction()
        self.ways = Ways(context, memory, weight, default, types, direction)
        place, per_unit = self._given.get("place"), self._number("costPerUnit")
        self.places: Places | None = None
        if place is not None:
            if not isinstance(place, str):
                raise TypeMismatch(f"`place` is the name of a property, not {type_name(place)}.")
            self.places = Places(context, place, target.slot, 1.0 if per_unit is None else per_unit)
        elif per_unit is not None:
            raise ArgumentError("`costPerUnit` is about distances: give `place` too.")
        back = Ways(context, memory, weight, default, types, direction.reversed)
        self.remaining = Remaining(back, source.slot, target.slot, NODES_BACK_MAX)

    def _types(self) -> list[str] | None:
        types = self._given.get("types")
        if types is None:
            return None
        if not isinstance(types, list) or not all(isinstance(t, str) for t in types):
            raise TypeMismatch("`types` is a list of relationship types.")
        return list(dict.fromkeys(types))

    def _direction(self) -> Direction:
        name = self._given.get("direction")
        if name is None:
            return Direction.OUT
        if not isinstance(name, str) or name.upper() not in Direction.__members__:
            raise ArgumentError(f"`direction` is 'OUT', 'IN' or 'BOTH', not {name!r}.")
        return Direction[name.upper()]

    def _number(self, name: str) -> float | None:
        value = self._given.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise TypeMismatch(f"`{name}` is a number, not {type_name(value)}.")
        if not 0 <= value < math.inf:
            raise ArgumentError(f"`{name}` is finite and not negative, not {value}.")
        return float(value)
