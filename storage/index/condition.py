"""What an index on several keys, a text index or a point index is asked for.

A condition says whether an element's values meet it; an index gives candidates, and whoever asks it tests them. The
same object stands for the predicate in a plan, and for what a transaction has read of an index.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from memoradb.core.semantics import compare, contains, ends_with, equals, starts_with
from memoradb.core.spatial import Point, distance, within_box
from memoradb.core.values import Value

from ..view import RangeBound


def between(value: Value, low: RangeBound | None, high: RangeBound | None) -> bool:
    """Whether ``value`` is comparable with both bounds and lies between them."""
    for bound, sign in ((low, 1), (high, -1)):
        if bound is not None:
            order = compare(value, bound.value)
            if order is None or order * sign < 0 or (order == 0 and not bound.inclusive):
                return False
    return True


@dataclass(frozen=True)
class Keys:
    """Of a range index: its first keys equal ``equal``; the next one lies in a range, or starts with ``prefix``."""

    equal: tuple[Value, ...]
    low: RangeBound | None = None
    high: RangeBound | None = None
    prefix: str | None = None

    @property
    def has_next(self) -> bool:
        """Whether anything is asked of the key after the equal ones."""
        return self.low is not None or self.high is not None or self.prefix is not None

    def holds(self, values: Sequence[Value]) -> bool:
        """Whether an element with these values, by key, is one."""
        if not all(equals(value, wanted) is True for value, wanted in zip(values, self.equal, strict=False)):
            return False
        return not self.has_next or self.next_holds(values[len(self.equal)])

    def next_holds(self, value: Value) -> bool:
        """Whether the key after the equal ones is right."""
        if self.prefix is not None:
            return starts_with(value, self.prefix) is True
        return value is not None and between(value, self.low, self.high)


@dataclass(frozen=True)
class TextMatch:
    """Of a text index: ``operator`` is ``STARTS WITH``, ``ENDS WITH`` or ``CONTAINS``."""

    operator: str
    text: str

    def holds(self, values: Sequence[Value]) -> bool:
        """Whether the string is one."""
        return _TESTS[self.operator](values[0], self.text) is True


_TESTS = {"STARTS WITH": starts_with, "ENDS WITH": ends_with, "CONTAINS": contains}


@dataclass(frozen=True)
class Near:
    """Of a point index: nearer to ``center`` than ``radius`` (metres on Earth, units elsewhere), or just as near."""

    center: Point
    radius: float
    inclusive: bool

    def holds(self, values: Sequence[Value]) -> bool:
        """Whether the point is one."""
        if not isinstance(values[0], Point):
            return False
        far = distance(values[0], self.center)
        return far is not None and (far <= self.radius if self.inclusive else far < self.radius)


@dataclass(frozen=True)
class InBox:
    """Of a point index: in the box between two corners."""

    low: Point
    high: Point

    def holds(self, values: Sequence[Value]) -> bool:
        """Whether the point is one."""
        return isinstance(values[0], Point) and within_box(values[0], self.low, self.high) is True


Condition: TypeAlias = Keys | TextMatch | Near | InBox
