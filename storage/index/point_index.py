"""The point index: which points may be near another, or in a box, by sort-tile packing (Leutenegger et al. 1997).

For each coordinate reference system the points are cut into strips of equal number by x, each strip sorted by y; a box
is found by looking up its strips, and its part of each. Points that came since are looked through one by one until they
are worth packing again, which the writer does. Heights are not packed: they only leave fewer of the candidates. On
Earth, longitudes beyond 180 degrees are packed as what they mean, and a distance becomes one box, or two at the seam.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from pyroaring import BitMap

from memoradb.core.arrays import distinct
from memoradb.core.columns import Column, ConstantColumn, FloatArray, IntArray
from memoradb.core.spatial import EARTH_RADIUS_M, WGS_84, WGS_84_3D, Point
from memoradb.core.values import Value

from ..view import IndexDefinition
from .condition import Condition, InBox, Near
from .rebuilt import RebuiltIndex

STRIP_SIDE = 64
"""Points of a strip that a square query of that many points looks at: strips are about the square root in number."""

FRESH_POINTS_MIN = 256
"""Points that are looked through one by one, at least."""

_EARTH = (WGS_84, WGS_84_3D)
_EVERYWHERE = (-math.inf, math.inf)

Box = tuple[float, float, float, float]
"""(x from, x to, y from, y to), all included."""


@dataclass(frozen=True, slots=True)
class _Tiles:
    """Points of one system, by strip and then by y."""

    x: FloatArray
    y: FloatArray
    slots: IntArray
    starts: list[int]
    """Where each strip begins, and where the last one ends."""
    lows: FloatArray
    """The least x of each strip."""

    @staticmethod
    def pack(x: FloatArray, y: FloatArray, slots: IntArray) -> _Tiles:
        """Sorted by x into strips, by y inside."""
        count = len(slots)
        strips = max(1, math.isqrt(count // STRIP_SIDE))
        by_x = np.argsort(x, kind="stable")
        starts = [count * i // strips for i in range(strips + 1)]
        strip = np.repeat(np.arange(strips), np.diff(starts))
        order = by_x.take(np.lexsort((y.take(by_x), strip)))
        return _Tiles(x.take(order), y.take(order), slots.take(order), starts, x.take(by_x.take(starts[:-1])))

    def find(self, box: Box) -> list[IntArray]:
        """Slots in a box."""
        left, right, bottom, top = box
        first = max(int(np.searchsorted(self.lows, left, "left")) - 1, 0)
        last = int(np.searchsorted(self.lows, right, "right"))
        found: list[IntArray] = []
        for strip in range(first, last):
            start, stop = self.starts[strip : strip + 2]
            ys = self.y[start:stop]
            low = start + int(np.searchsorted(ys, bottom, "left"))
            high = start + int(np.searchsorted(ys, top, "right"))
            if low < high:
                x = self.x[low:high]
                found.append(self.slots[low:high].compress((x >= left) & (x <= right)))
        return found


class PointIndex(RebuiltIndex):
    """One label, one key. One writer; any number of readers."""

    def __init__(self, definition: IndexDefinition) -> None:
        super().__init__(definition)
        self._tiles: dict[int, _Tiles] = {}
        self._stale = BitMap()
        """Slots whose packed point is no longer theirs."""
        self._fresh: dict[int, Point] = {}
        self._packed = 0

    def __len__(self) -> int:
        self.settle()
        return self._packed - len(self._stale) + len(self._fresh)

    # --- changes

    def add(self, slots: IntArray, values: Sequence[Column], position: int) -> None:
        if isinstance(values[0], ConstantColumn) and values[0].value is None:
            return
        rows = zip(slots.tolist(), values[0].values(), strict=True)
        self._fresh |= {slot: value for slot, value in rows if isinstance(value, Point)}
        self._pack_if_due()

    def replace(self, slot: int, old: Sequence[Value] | None, new: Sequence[Value] | None, position: int) -> None:
        self.removals.last_change = position
        if old is not None and isinstance(old[0], Point):
            self.removals.note(slot, position)
            if self._fresh.pop(slot, None) is None:
                self._stale.add(slot)
        if new is not None and isinstance(new[0], Point):
            self._fresh[slot] = new[0]
            self._pack_if_due()

    def _pack_if_due(self) -> None:
        if len(self._fresh) <= max(FRESH_POINTS_MIN, self._packed // 8):
            return
        systems: dict[int, list[tuple[int, float, float]]] = {}
        for slot, point in self._fresh.items():
            x, y = _place(point)
            systems.setdefault(point.srid, []).append((slot, x, y))
        tiles = {}
        for srid in sorted({*systems, *self._tiles}):
            rows = np.array(systems.get(srid, ()), np.float64).reshape(-1, 3)
            slots, x, y = rows[:, 0].astype(np.int64), rows[:, 1], rows[:, 2]
            known = self._tiles.get(srid)
            if known is not None:
                kept = np.fromiter((s not in self._stale for s in known.slots.tolist()), np.bool_, len(known.slots))
                slots = np.concatenate([known.slots.compress(kept), slots])
                x, y = np.concatenate([known.x.compress(kept), x]), np.concatenate([known.y.compress(kept), y])
            if len(slots):
                tiles[srid] = _Tiles.pack(x, y, slots)
        # In this order: a reader takes the fresh points first, so that it misses none.
        self._tiles = tiles
        self._fresh = {}
        self._stale = BitMap()
        self._packed = sum(len(t.slots) for t in tiles.values())

    def contents(self) -> dict[Any, Any]:
        found = {
            slot: (srid, x, y)
            for srid, tiles in self._tiles.items()
            for slot, x, y in zip(tiles.slots.tolist(), tiles.x.tolist(), tiles.y.tolist(), strict=True)
            if slot not in self._stale
        }
        return found | {slot: (point.srid, *_place(point)) for slot, point in self._fresh.items()}

    # --- answers

    def candidates(self, condition: Condition, position: int) -> IntArray:
        """Slots among which are all whose points meet the condition, ascending."""
        self.settle()
        assert isinstance(condition, (Near, InBox))
        boxes = _boxes(condition)
        srid = condition.center.srid if isinstance(condition, Near) else condition.low.srid
        fresh = list(self._fresh.items())
        found = [np.array([slot for slot, point in fresh if condition.holds((point,))], np.int64)]
        tiles = self._tiles.get(srid)
        if tiles is not None:
            for box in boxes:
                found += tiles.find(box)
        found.append(np.array(self.removals.since(position), np.int64))
        return distinct(np.concatenate(found))


def _place(point: Point) -> tuple[float, float]:
    """Where a point is packed."""
    x, y = point.coordinates[:2]
    return (_turned(x) if point.srid in _EARTH else x), y


def _turned(longitude: float) -> float:
    return longitude if -180.0 <= longitude <= 180.0 else (longitude + 180.0) % 360.0 - 180.0


def _boxes(condition: Near | InBox) -> list[Box]:
    """Boxes that hold all that a condition may mean."""
    if isinstance(condition, InBox):
        (left, bottom), (right, top) = condition.low.coordinates[:2], condition.high.coordinates[:2]
        if condition.low.srid in _EARTH and not (left >= -180.0 and right <= 180.0):
            left, right = _EVERYWHERE
        return [(left, right, bottom, top)]
    radius, center = condition.radius, condition.center
    if not radius >= 0.0:  # NaN is no radius either
        return []
    x, y = center.coordinates[:2]
    if center.srid not in _EARTH:
        reach = radius * (1.0 + 1e-9) + 1e-9 * max(abs(x), abs(y))
        return [(x - reach, x + reach, y - reach, y + reach)]
    return _on_earth(_turned(x), y, radius, center.coordinates[2] if center.srid == WGS_84_3D else None)


def _on_earth(longitude: float, latitude: float, radius: float, height: float | None) -> list[Box]:
    """Boxes around all within ``radius`` metres; at a ``height`` a step is longer than on the ground, or shorter."""
    sphere = EARTH_RADIUS_M if height is None else EARTH_RADIUS_M + height - radius / 2
    angle = radius / sphere * (1.0 + 1e-9) if sphere > 0 else math.inf
    rise = math.degrees(angle) + 1e-9
    bottom, top = latitude - rise, latitude + rise
    if bottom <= -90.0 or top >= 90.0:
        return [(*_EVERYWHERE, bottom, top)]  # a pole is inside: every longitude is
    width = math.degrees(math.asin(min(1.0, math.sin(angle) / math.cos(math.radians(latitude))))) * (1.0 + 1e-9) + 1e-9
    left, right = longitude - width, longitude + width
    boxes = [(left, right, bottom, top)]
    if left <= -180.0:
        boxes.append((left + 360.0, 180.0, bottom, top))
    if right >= 180.0:
        boxes.append((-180.0, right - 360.0, bottom, top))
    return boxes
