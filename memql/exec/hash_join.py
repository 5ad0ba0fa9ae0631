"""Hash join of two parts of a pattern on the nodes that they share.

Two halves that meet in the middle, or come together around a cycle, are each found by themselves: the right one is held
in a table by its shared nodes, and each batch of the left one looks its own up. Slots are small dense numbers, so the
table is an array of places by slot where that is not much larger than the rows (the perfect hash; DESIGN 4.3), and by a
hash of the combined slots elsewhere (Knuth 1973, 6.4), whose collisions are compared. The table is filled run by run by
counting (a radix partition on one digit), so that nothing handles more than one bounded run at a time.

Where the right side outgrows its share of memory, both are dealt out to a temporary file by a hash of their keys and
joined part by part (Kitsuregawa, Tanaka and Moto-oka 1983: the grace hash join).

Weights multiply. Where nothing but the number of right rows is read they are added up, and make no rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final

import numpy as np

from memoradb.core.batch import Batch, concat_batches
from memoradb.core.columns import BoolArray, Column, IntArray, Kind, RaggedColumn, TypedColumn
from memoradb.core.footprint import batch_bytes
from memoradb.core.values import RelationshipRef

from ..kernels.compile import Evaluator, compile_expression
from ..plan.explain import show, show_variable
from ..plan.expr import Expr
from .adjacent import degree_slices, element_slots, multiplied
from .context import Context
from .fold import summed
from .operator import Frame, Operator
from .partitions import LEVELS_MAX, PARTITIONS, Partitions, key_hashes
from .spill import Spill

DENSE_FACTOR: Final = 32
"""Places of an array by slot for each row that it holds, up to which it serves as the table."""

DENSE_PLACES: Final = 1 << 16
"""Places that are never too many."""

RUN_ROWS: Final = 1 << 17
"""Rows that one step of filling a table sorts: a few milliseconds."""

_HASH: Final = " hash "
"""What the columns with hashes of values are called, and a number."""

_MIX: Final = np.uint64(0x9E3779B97F4A7C15)
"""2^64 over the golden ratio: multiplicative hashing."""


class Codes:
    """Combinations of a few columns of slots as one number each: equal exactly for equal combinations."""

    def __init__(self, parts: Sequence[IntArray]) -> None:
        self._sizes = [int(part.max()) + 1 if len(part) else 1 for part in parts]
        room = 1
        for size in self._sizes:
            room *= size
        self.room = room
        """One above the highest code, where that fits into 62 bits: what does not is mixed, and not exact."""
        self.exact = room < 1 << 62
        self.built, _ = self._combined(parts)

    def of(self, parts: Sequence[IntArray]) -> tuple[IntArray, BoolArray | None]:
        """(codes, which rows can have equals among the columns that this was made of; None for all)."""
        return self._combined(parts)

    def _combined(self, parts: Sequence[IntArray]) -> tuple[IntArray, BoolArray | None]:
        inside: BoolArray | None = None
        codes: IntArray | None = None
        for part, size in zip(parts, self._sizes, strict=True):
            if len(part) and int(part.max()) >= size:
                fits = part < size
                inside = fits if inside is None else inside & fits
            if codes is None:
                codes = part
            elif self.exact:
                codes = codes * size + part
            else:
                mixed = codes.astype(np.uint64) * _MIX
                codes = ((mixed ^ (mixed >> np.uint64(29))) + part.astype(np.uint64)).astype(np.int64)
        assert codes is not None
        return codes, inside


class Table:
    """Rows by the codes of their keys: for each code the places of its rows in ``order``."""

    def __init__(self, parts: Sequence[IntArray], context: Context) -> None:
        self._parts = parts
        self._codes = Codes(parts)
        rows = len(parts[0])
        dense = max(DENSE_FACTOR * rows, DENSE_PLACES)
        self.perfect = self._codes.exact and self._codes.room <= dense
        """Whether rows in one place all have the same key."""
        self._bits = 0 if self.perfect else max(4, (2 * rows).bit_length())
        places = self._codes.room if self.perfect else 1 << self._bits
        buckets = self._buckets(self._codes.built)
        self.counts = np.bincount(buckets, minlength=places)
        ends = np.cumsum(self.counts)
        self._starts = ends - self.counts
        self.order = _counted_sort(buckets, self._starts.copy(), context)

    @property
    def bytes(self) -> int:
        """What the table keeps, beside the rows themselves."""
        return self.order.nbytes + self.counts.nbytes + self._starts.nbytes + sum(p.nbytes for p in self._parts)

    def _buckets(self, codes: IntArray) -> IntArray:
        if self.perfect:
            return codes
        return ((codes.astype(np.uint64) * _MIX) >> np.uint64(64 - self._bits)).astype(np.int64)

    def find(self, parts: Sequence[IntArray]) -> tuple[IntArray, IntArray]:
        """For each row of ``parts`` (where its candidates begin in ``order``, how many there are)."""
        codes, inside = self._codes.of(parts)
        if inside is not None:
            codes = np.where(inside, codes, 0)
        buckets = self._buckets(codes)
        counts = self.counts.take(buckets)
        if inside is not None:
            counts = np.where(inside, counts, 0)
        return self._starts.take(buckets), counts

    def of_place(self, parts: Sequence[IntArray], numbers: IntArray) -> IntArray:
        """For each row of ``parts`` the number of its place, 0 where it has none; of a ``perfect`` table."""
        codes, inside = self._codes.of(parts)
        if inside is None:
            return numbers.take(codes)
        return np.where(inside, numbers.take(np.where(inside, codes, 0)), 0)

    def equal(self, parts: Sequence[IntArray], positions: IntArray, rows: IntArray) -> BoolArray | None:
        """Whether candidate ``rows[i]`` has the key of row ``positions[i]``; None where all have."""
        if self.perfect:
            return None
        same: BoolArray | None = None
        for probe, built in zip(parts, self._parts, strict=True):
            equal = probe.take(positions) == built.take(rows)
            same = equal if same is None else same & equal
        return same


def _counted_sort(buckets: IntArray, free: IntArray, context: Context) -> IntArray:
    """The rows by bucket, in order within each; ``free`` is where each bucket begins, and is used up."""
    order = np.empty(len(buckets), np.int64)
    for start in range(0, len(buckets), RUN_ROWS):
        context.check()
        run = buckets[start : start + RUN_ROWS]
        by_bucket = np.argsort(run, kind="stable")
        ordered = run.take(by_bucket)
        first = np.flatnonzero(np.diff(ordered, prepend=-1))
        lengths = np.diff(first, append=len(ordered))
        within = np.arange(len(ordered)) - np.repeat(first, lengths)
        order[free.take(ordered) + within] = by_bucket + start
        free[ordered.take(first)] += lengths
    return order


@dataclass(eq=False, slots=True)
class HashJoin(Operator):
    """Each pair of a left and a right row with the same ``keys``, which are nodes that both have.

    ``shown``: the columns of the right side that something reads. ``apart``: pairs of a left and a right relationship
    (or list of them) that must not be, or share, the same one. ``correlated``: the right side, too, begins with the
    frame's argument, so rows belong together only where their argument row is the same; otherwise it reads nothing
    of the frame and runs once, for all argument rows. ``values``: pairs of a left and a right value, too, that must be
    equal: by their hashes, which are the same for equal values and, by chance, for others, so that whoever needs to
    know tests again. A null equals nothing.
    """

    left: Operator
    right: Operator
    keys: tuple[str, ...]
    shown: tuple[str, ...] = ()
    apart: tuple[tuple[str, str], ...] = ()
    correlated: bool = False
    values: tuple[tuple[Expr, Expr], ...] = ()
    _values: tuple[list[Evaluator], list[Evaluator]] = ([], [])

    def __post_init__(self) -> None:
        self._values = (
            [compile_expression(mine) for mine, _ in self.values],
            [compile_expression(its) for _, its in self.values],
        )

    def run(self, frame: Frame, context: Context) -> Iterator[Batch]:
        left = context.batches(self.left, frame)
        first = next(left, None)
        if first is None:
            return
        right = context.batches(self.right, frame.whole() if self.correlated else Frame.top())
        with context.spill() as spill:
            by_row = self.correlated and frame.n > 1
            left = self._hashed(chain([first], left), 0, context)
            yield from self._matched(left, self._hashed(right, 1, context), by_row, context, spill, 0)

    def _hashed(self, batches: Iterator[Batch], side: int, context: Context) -> Iterator[Batch]:
        """The rows that can have partners, with the hashes of their values as columns."""
        evaluators = self._values[side]
        for batch in batches:
            live = _live(batch, self.keys)
            if len(live) != batch.length:
                batch = batch.take(live)
            for number, evaluate in enumerate(evaluators):
                column = evaluate(batch, context)
                hashes = (key_hashes([column], None, batch.length) >> np.uint64(1)).astype(np.int64)
                batch = batch.with_columns({f"{_HASH}{number}": TypedColumn(Kind.INTEGER, hashes, column.nulls())})
            if evaluators:
                batch = batch.take(_live(batch, self._hash_names))
            if batch.length:
                yield batch

    @property
    def _hash_names(self) -> tuple[str, ...]:
        return tuple(f"{_HASH}{number}" for number in range(len(self.values)))

    def _matched(
        self, left: Iterator[Batch], right: Iterator[Batch], by_row: bool, context: Context, spill: Spill, level: int
    ) -> Iterator[Batch]:
        """The join of two sides, in memory; where the right one outgrows its share, part by part (grace hash join)."""
        held: list[Batch] = []
        with context.held() as memory:
            for batch in right:
                held.append(batch)
                memory.add(batch_bytes(batch))
                if memory.crowded and level < LEVELS_MAX and (self.keys or self.values or by_row):
                    parts = Partitions(spill, level), Partitions(spill, level)
                    while held:
                        self._deal(parts[0], held.pop(), by_row)
                    memory.keep_only(0)
                    for more in right:
                        self._deal(parts[0], more, by_row)
                    for more in left:
                        self._deal(parts[1], more, by_row)
                    for number in range(PARTITIONS):
                        mine, its = parts[1].of(number), parts[0].of(number)
                        yield from self._matched(mine, its, by_row, context, spill, level + 1)
                    return
            built = concat_batches(held) if held else None
            del held
            if built is None or not built.length:
                return
            table = Table(self._parts(built, by_row), context)
            memory.add(table.bytes)
            ways = self._ways(built, table)
            for batch in left:
                if ways is not None:
                    yield from self._counted(batch, by_row, table, ways)
                else:
                    yield from self._joined(batch, by_row, built, table, context)

    def _deal(self, parts: Partitions, batch: Batch, by_row: bool) -> None:
        names = (*self.keys, *self._hash_names)
        parts.add(batch, [batch.columns[name] for name in names], batch.rows() if by_row else None)

    def _parts(self, batch: Batch, by_row: bool) -> list[IntArray]:
        parts = [element_slots(batch.columns[name], Kind.NODE)[0] for name in self.keys]
        parts.extend(_integers(batch.columns[name]) for name in self._hash_names)
        if by_row or not parts:
            parts.insert(0, batch.rows() if by_row else np.zeros(batch.length, np.int64))
        return parts

    def _ways(self, built: Batch, table: Table) -> IntArray | None:
        """By place of the table how many right rows it holds, where nothing else of them is asked for."""
        if self.shown or self.apart or self.values or not table.perfect:
            return None
        if built.weight is None:
            return table.counts
        ordered = np.repeat(np.arange(len(table.counts)), table.counts)
        return summed(built.weight.take(table.order), ordered, len(table.counts))

    def _counted(self, batch: Batch, by_row: bool, table: Table, ways: IntArray) -> Iterator[Batch]:
        factor = table.of_place(self._parts(batch, by_row), ways)
        kept = np.flatnonzero(factor)
        if len(kept):
            out = batch if len(kept) == batch.length else batch.take(kept)
            yield Batch(out.columns, out.length, out.row, multiplied(out.weight, factor.take(kept)))

    def _joined(self, batch: Batch, by_row: bool, built: Batch, table: Table, context: Context) -> Iterator[Batch]:
        parts = self._parts(batch, by_row)
        starts, counts = table.find(parts)
        live = np.flatnonzero(counts)
        size = context.expand_rows_max
        for start, stop in degree_slices(counts.take(live), size):
            some = live[start:stop]
            here, begins = counts.take(some), starts.take(some)
            total = int(here.sum())
            # A single row may have more partners than one batch holds.
            for low in range(0, total, size):
                context.check()
                if total <= size:
                    positions = np.repeat(some, here)
                    inner = np.repeat(begins - (np.cumsum(here) - here), here) + np.arange(total)
                else:
                    inner = begins[0] + np.arange(low, min(low + size, total))
                    positions = np.full(len(inner), some[0], np.int64)
                rows = table.order.take(inner)
                keep = table.equal(parts, positions, rows)
                for name, other in self.apart:
                    differ = relationships_apart(batch.columns[name], built.columns[other], positions, rows)
                    keep = differ if keep is None else keep & differ
                if keep is not None and not keep.all():
                    kept = np.flatnonzero(keep)
                    positions, rows = positions.take(kept), rows.take(kept)
                if len(positions):
                    yield self._pairs(batch, built, positions, rows)

    def _pairs(self, batch: Batch, built: Batch, positions: IntArray, rows: IntArray) -> Batch:
        if self.values:
            batch = batch.only([name for name in batch.columns if not name.startswith(_HASH)])
        if not self.shown:
            # Nothing of the right rows is read: as many as there are, as weights.
            weights = np.ones(len(rows), np.int64) if built.weight is None else built.weight.take(rows)
            factor = summed(weights, positions, batch.length)
            kept = np.flatnonzero(factor)
            out = batch.take(kept)
            return Batch(out.columns, out.length, out.row, multiplied(out.weight, factor.take(kept)))
        out = batch.take(positions)
        columns = {**out.columns, **{name: built.columns[name].take(rows) for name in self.shown}}
        weight = out.weight
        if built.weight is not None:
            weight = multiplied(weight, built.weight.take(rows))
        return Batch(columns, out.length, out.row, weight)

    @property
    def switches(self) -> tuple[str, ...]:
        return ("hash_join",)

    def describe(self) -> str:
        on = [*map(show_variable, self.keys), *(f"{show(mine)} = {show(its)}" for mine, its in self.values)]
        text = f"on {', '.join(on)}" if on else "each with each"
        if self.shown:
            text += f" with {', '.join(map(show_variable, self.shown))}"
        return text


def _integers(column: Column) -> IntArray:
    assert isinstance(column, TypedColumn)
    return column.data


def _live(batch: Batch, keys: Sequence[str]) -> IntArray:
    """The rows whose keys are all there."""
    keep: BoolArray | None = None
    for name in keys:
        nulls = batch.columns[name].nulls()
        if nulls is not None:
            keep = ~nulls if keep is None else keep & ~nulls
    return np.arange(batch.length) if keep is None else np.flatnonzero(keep)


def relationships_apart(left: Column, right: Column, positions: IntArray, rows: IntArray) -> BoolArray:
    """True where ``left`` at ``positions[i]`` and ``right`` at ``rows[i]`` have no relationship in common.

    Each is a column of relationships or of lists of them.
    """
    if isinstance(left, TypedColumn) and isinstance(right, TypedColumn):
        return left.data.take(positions) != right.data.take(rows)
    first_owner, first = _members(left, positions)
    second_owner, second = _members(right, rows)
    apart = np.ones(len(positions), np.bool_)
    common = np.intersect1d(first_owner << 32 | first, second_owner << 32 | second)
    apart[common >> 32] = False
    return apart


def _members(column: Column, positions: IntArray) -> tuple[IntArray, IntArray]:
    """(which of ``positions``, relationship) for each relationship that the column has there."""
    taken = column.take(positions)
    if isinstance(taken, TypedColumn):
        return np.arange(len(positions)), taken.data
    if isinstance(taken, RaggedColumn) and isinstance(taken.child, TypedColumn):
        lengths = np.diff(taken.offsets)
        return np.repeat(np.arange(len(positions)), lengths), taken.child.data[taken.offsets[0] : taken.offsets[-1]]
    owners: list[int] = []
    slots: list[int] = []
    for i, value in enumerate(taken.values()):
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, RelationshipRef):
                owners.append(i)
                slots.append(item.slot)
    return np.array(owners, np.int64), np.array(slots, np.int64)
