"""What a plan asks of an index beyond one key's equality, range or prefix: conditions, as expressions to evaluate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from memoradb.core.arrays import distinct
from memoradb.core.columns import IntArray
from memoradb.core.spatial import Point
from memoradb.core.values import Value
from memoradb.storage.index.condition import Condition, InBox, Keys, Near, TextMatch
from memoradb.storage.view import GraphView, RangeBound

from ..plan.explain import show
from ..plan.expr import Expr


@dataclass(frozen=True, slots=True)
class Lookup:
    """The shape of a question; the values that it is about come in the order of the fields.

    ``keys``: the index's. ``equal``: so many of them equal a value each, or (``many``) the first one of a list.
    ``low``, ``high``: bounds of the next key, and whether they are included; ``prefix``: what it starts with. ``text``:
    how a text index is asked. ``near``: a centre and a distance, included or not; ``box``: two corners.
    """

    index: str
    keys: tuple[str, ...]
    equal: int = 0
    many: bool = False
    low: bool | None = None
    high: bool | None = None
    prefix: bool = False
    text: str = ""
    near: bool | None = None
    box: bool = False

    def conditions(self, values: Sequence[Value]) -> list[Condition]:
        """What is asked with these values: any of the conditions; none where nothing can be right."""
        if self.many:
            from .index_scan import list_items

            return [Keys((item,)) for item in list_items(values[0]) if item is not None]
        if any(value is None for value in values):
            return []
        if self.text:
            return [TextMatch(self.text, values[0])] if type(values[0]) is str else []
        if self.near is not None:
            center, radius = values
            fits = isinstance(center, Point) and type(radius) in (int, float)
            return [Near(center, radius, self.near)] if fits else []
        if self.box:
            low, high = values
            fits = isinstance(low, Point) and isinstance(high, Point) and low.srid == high.srid
            return [InBox(low, high)] if fits else []
        rest = iter(values[self.equal :])
        if self.prefix:
            found = next(rest)
            return [Keys(tuple(values[: self.equal]), prefix=found)] if type(found) is str else []
        low = None if self.low is None else RangeBound(next(rest), self.low)
        high = None if self.high is None else RangeBound(next(rest), self.high)
        return [Keys(tuple(values[: self.equal]), low, high)]

    def slots(self, values: Sequence[Value], view: GraphView) -> IntArray:
        """The elements found, ascending."""
        found = [view.index_search(self.index, condition) for condition in self.conditions(values)]
        if len(found) == 1:
            return found[0]
        return distinct(np.concatenate(found)) if found else np.zeros(0, np.int64)

    def describe(self, values: Sequence[Expr]) -> str:
        """As EXPLAIN shows it."""
        shown = iter([show(value) for value in values])
        if self.many:
            return f"{self.index} {self.keys[0]} IN {next(shown)}"
        if self.text:
            return f"{self.index} {self.keys[0]} {self.text} {next(shown)}"
        if self.near is not None:
            return f"{self.index} {self.keys[0]} within {next(shown)} {'<=' if self.near else '<'} {next(shown)}"
        if self.box:
            return f"{self.index} {self.keys[0]} in box {next(shown)} to {next(shown)}"
        parts = [f"{key} = {next(shown)}" for key in self.keys[: self.equal]]
        if self.low is not None:
            parts.append(f"{self.keys[self.equal]} {'>=' if self.low else '>'} {next(shown)}")
        if self.high is not None:
            parts.append(f"{self.keys[self.equal]} {'<=' if self.high else '<'} {next(shown)}")
        if self.prefix:
            parts.append(f"{self.keys[self.equal]} STARTS WITH {next(shown)}")
        return f"{self.index} {' and '.join(parts)}"
