"""Grouping and sorting the rows of one batch by their values: equivalence and orderability over columns.

Numbers, slots, string codes and dates become integers (``order_codes``) whose order is the values' order. Groups are
then found by scattering into an array with a place for every combination, where that is not much larger than the rows;
elsewhere by sorting. Groups over many batches: see ``group_numbers``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from memoradb.core.columns import Column, ConstantColumn, FloatArray, IntArray, Kind, StringColumn, TypedColumn
from memoradb.core.limits import KERNEL_ROWS_MIN
from memoradb.core.semantics import equivalence_key, order_key
from memoradb.core.temporal_columns import TemporalColumn
from memoradb.core.values import Value

INTEGER_64_MAX: Final = np.iinfo(np.int64).max
_NULL: Final = INTEGER_64_MAX
_NAN: Final = INTEGER_64_MAX - 1
ROOM_MAX: Final = 1 << 62
"""Combined codes stay below: sums of two of them fit 64 bits."""


def dense_room(rows: int) -> int:
    """How many places an array by code may have that serves so many rows."""
    return 8 * rows + 65_536


# --- codes ------------------------------------------------------------------


def float_codes(data: FloatArray) -> IntArray:
    """Integers that are equal for equivalent floats and sort as they do: -0.0 with 0.0, NaN last."""
    bits = (data + 0.0).view(np.int64)  # adding zero makes -0.0 into 0.0
    # The bits of a negative float fall as it rises; all but the sign turned around, they rise with it.
    codes = bits ^ ((bits >> 63) & INTEGER_64_MAX)
    nan = np.isnan(data)
    return np.where(nan, _NAN, codes) if nan.any() else codes


def order_codes(column: Column, rows: int) -> tuple[object, IntArray] | None:
    """(what they are codes of, integers that sort as the values do): comparable between columns of the same what.

    ``rows``: how many rows such codes are wanted for in all; the ranks of a dictionary that is far larger do not pay.
    None where values have no such codes.
    """
    if isinstance(column, TypedColumn):
        if column.kind == Kind.FLOAT:
            codes = float_codes(column.data)
        else:
            codes = column.data.astype(np.int64, copy=False)
        if column.mask is not None:
            if len(codes) and bool(((codes == _NULL) & ~column.mask).any()):
                return None
            codes = np.where(column.mask, _NULL, codes)
        return column.kind, codes
    if isinstance(column, StringColumn):
        if not 0 < len(column.dictionary) < 4 * rows:
            return None
        ranks = column.dictionary.ranks().take(column.codes, mode="clip")
        missing = column.codes < 0
        of = (id(column.dictionary), len(column.dictionary))
        return of, np.where(missing, _NULL, ranks) if missing.any() else ranks
    if isinstance(column, TemporalColumn) and len(column.arrays) == 1:
        codes = column.arrays[0].astype(np.int64, copy=False)
        return column.kind, codes if column.mask is None else np.where(column.mask, _NULL, codes)
    return None


def column_codes(column: Column) -> IntArray:
    """An integer for each row, equal exactly for equivalent values within this column."""
    if isinstance(column, ConstantColumn):
        return np.zeros(len(column), np.int64)
    if isinstance(column, StringColumn):
        return column.codes.astype(np.int64)
    found = order_codes(column, 0)
    if found is not None:
        return found[1]
    if isinstance(column, TypedColumn):
        return _ranked(column.data, column.mask)
    if isinstance(column, TemporalColumn):
        return _temporal_ranks(column)
    codes: dict[Any, int] = {}
    return np.fromiter(
        (codes.setdefault(equivalence_key(v), len(codes)) for v in column.values()), np.int64, len(column)
    )


def dense_ranks(codes: IntArray) -> tuple[IntArray, int]:
    """(the place of each code among the distinct ones, how many there are)."""
    order = np.argsort(codes, kind="stable")
    ordered = codes.take(order)
    steps = np.zeros(len(codes), np.int64)
    np.not_equal(ordered[1:], ordered[:-1], out=steps[1:], casting="unsafe")
    np.cumsum(steps, out=steps)
    ranks = np.empty(len(codes), np.int64)
    ranks[order] = steps
    return ranks, int(steps[-1]) + 1 if len(steps) else 0


def combined_codes(parts: Sequence[IntArray], length: int) -> tuple[IntArray, int]:
    """(one code for each combination, one above the highest), below ``ROOM_MAX``; they sort as the parts do."""
    if not length or not parts:
        return np.zeros(length, np.int64), 1
    combined: IntArray | None = None
    room = 1
    for part in parts:
        low, size = int(part.min()), 0
        size = int(part.max()) - low + 1
        if size >= ROOM_MAX:
            part, size = dense_ranks(part)
            low = 0
        shifted = part - low if low else part
        if combined is None:
            combined, room = shifted, size
            continue
        if room * size >= ROOM_MAX:
            combined, room = dense_ranks(combined)
            if room * size >= ROOM_MAX:
                shifted, size = dense_ranks(shifted)
        combined = combined * size + shifted
        room *= size
    assert combined is not None
    return combined, room


def firsts(codes: IntArray, room: int) -> IntArray:
    """For each row the first one with its code; codes are from 0 to below ``room``."""
    length = len(codes)
    if room <= dense_room(length):
        place = np.empty(room, np.int64)  # only what is written is read
        place[codes[::-1]] = np.arange(length - 1, -1, -1)  # the last to write is the first row
        return place.take(codes)
    order = np.argsort(codes, kind="stable")
    ordered = codes.take(order)
    changes = np.empty(length, np.bool_)
    changes[0] = True
    np.not_equal(ordered[1:], ordered[:-1], out=changes[1:])
    starts = np.flatnonzero(changes)
    first = np.empty(length, np.int64)
    first[order] = np.repeat(order.take(starts), np.diff(starts, append=length))
    return first


def group_rows(columns: Sequence[Column], row: IntArray | None, length: int) -> tuple[IntArray, IntArray]:
    """(code of each row, position of each code's first row); codes are dense, in order of first appearance."""
    if not length:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    parts = [column_codes(c) for c in columns]
    if row is not None:
        parts.insert(0, row)
    return numbered(firsts(*combined_codes(parts, length)))


def numbered(first: IntArray) -> tuple[IntArray, IntArray]:
    """(number of each row's group, each group's first row), from the first row of each row's group."""
    chosen = np.flatnonzero(first == np.arange(len(first)))
    number = np.empty(len(first), np.int64)
    number[chosen] = np.arange(len(chosen))
    return number.take(first), chosen


def row_keys(columns: Sequence[Column], positions: IntArray, row: IntArray | None) -> list[tuple[Any, ...]]:
    """Hashable keys of the rows at ``positions``: equal across batches for equivalent rows."""
    lists: list[list[Any]] = [] if row is None else [row.take(positions).tolist()]
    lists.extend([equivalence_key(v) for v in c.take(positions).values()] for c in columns)
    return list(zip(*lists, strict=True)) if lists else [()] * len(positions)


# --- order ------------------------------------------------------------------


def _ranked(data: Any, mask: Any) -> IntArray:
    ranks, _ = dense_ranks(data.astype(np.int64, copy=False))
    return ranks if mask is None else np.where(mask, _NULL, ranks)


def _temporal_ranks(column: TemporalColumn) -> IntArray:
    """Integers that are equal, and sort, as the values do."""
    arrays = [array.astype(np.int64) for array in column.order_arrays()]
    found = arrays[0] if len(arrays) == 1 else combined_codes(arrays, len(column))[0]
    return found if column.mask is None else np.where(column.mask, _NULL, found)


def ranks(column: Column) -> IntArray:
    """Integers that sort as the column's values do, ascending."""
    if isinstance(column, ConstantColumn):
        return np.zeros(len(column), np.int64)
    found = order_codes(column, len(column))
    if found is not None:
        return found[1]
    if isinstance(column, TypedColumn):
        return _ranked(column.data, column.mask)
    if isinstance(column, TemporalColumn):
        return _temporal_ranks(column)
    values = column.values()
    if all(type(v) is str for v in values):
        keys: list[Any] = values  # strings sort as they are, and much faster than keys made of them
    else:
        keys = [order_key(v) for v in values]
    order = sorted(range(len(keys)), key=keys.__getitem__)
    out = np.empty(len(keys), np.int64)
    rank = 0
    for previous, current in zip([None, *order], order, strict=False):
        if previous is not None and keys[previous] != keys[current]:
            rank += 1
        out[current] = rank
    return out


def sort_positions(keys: Sequence[tuple[Column, bool]], row: IntArray | None) -> IntArray:
    """The positions of all rows in sorted order: by row, then by keys (column, descending); stable."""
    arrays = []
    for column, descending in reversed(keys):
        rank = ranks(column)
        # ~x reverses an order of integers without overflow.
        arrays.append(~rank if descending else rank)
    if row is not None:
        arrays.append(row)
    packed = _packed_with_position(arrays[::-1])
    if packed is not None:
        codes, bits = packed
        codes.sort()  # of plain integers: several times faster than to sort positions by them
        return codes & ((1 << bits) - 1)
    return np.lexsort(arrays) if len(arrays) > 1 else np.argsort(arrays[0], kind="stable")


def _packed_with_position(arrays: Sequence[IntArray]) -> tuple[IntArray, int] | None:
    """(integers that sort as the rows do, first array first, then by position; the bits of the position).

    None where they do not fit, or there are too few rows to be worth it.
    """
    length = len(arrays[0])
    if length < KERNEL_ROWS_MIN:
        return None
    bits = length.bit_length()
    room = 1 << bits
    lows: list[int] = []
    sizes: list[int] = []
    for array in arrays:
        low = int(array.min())
        size = int(array.max()) - low + 1
        lows.append(low)
        sizes.append(size)
        room *= size
        if room >= ROOM_MAX:
            return None
    keys = np.zeros(length, np.int64)
    for array, low, size in zip(arrays, lows, sizes, strict=True):
        keys *= size
        keys += array
        keys -= low
    keys <<= bits
    keys |= np.arange(length)
    return keys, bits


def least_positions(keys: Sequence[tuple[Column, bool]], count: int) -> IntArray:
    """The positions of the first ``count`` rows in sorted order, in that order: ``sort_positions(...)[:count]``.

    A partition by the first key leaves the rows below its count-th value, and those that tie with it, among which the
    next key decides (quickselect, key by key): nothing is sorted but what is chosen.
    """
    if not count:
        return np.zeros(0, np.int64)
    chosen: list[IntArray] = []
    pool: IntArray | None = None  # None: all rows
    for column, descending in keys:
        rank = ranks(column if pool is None else column.take(pool))
        if count >= len(rank):
            break
        rank = ~rank if descending else rank
        bound = np.partition(rank, count - 1)[count - 1]
        below = np.flatnonzero(rank < bound)
        ties = np.flatnonzero(rank == bound)
        if pool is not None:
            below, ties = pool.take(below), pool.take(ties)
        chosen.append(below)
        pool = ties
        count -= len(below)
        if len(ties) == count:
            break
    if pool is None:
        return sort_positions(keys, None)
    kept = np.sort(np.concatenate([*chosen, pool[:count]]))
    return kept.take(sort_positions([(column.take(kept), descending) for column, descending in keys], None))


def distinct_values(values: Sequence[Value]) -> list[Value]:
    """The first of each class of equivalent values, in order."""
    seen: dict[Any, Value] = {}
    for value in values:
        seen.setdefault(equivalence_key(value), value)
    return list(seen.values())
