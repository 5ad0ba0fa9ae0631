"""Grouping and sorting rows by their values: equivalence and orderability over columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from memoradb.core.columns import Column, ConstantColumn, IntArray, Kind, StringColumn, TypedColumn
from memoradb.core.semantics import equivalence_key, order_key
from memoradb.core.temporal_columns import TemporalColumn
from memoradb.core.values import Value


def column_codes(column: Column) -> IntArray:
    """An integer for each row, equal exactly for equivalent values within this column."""
    if isinstance(column, ConstantColumn):
        return np.zeros(len(column), np.int64)
    if isinstance(column, StringColumn):
        return column.codes.astype(np.int64)
    if isinstance(column, TypedColumn) and column.kind != Kind.FLOAT:
        data = column.data.astype(np.int64)
        if column.mask is None:
            return data
        _, dense = np.unique(data, return_inverse=True)
        return np.where(column.mask, -1, dense.reshape(-1))
    if isinstance(column, TemporalColumn):
        return _temporal_ranks(column, np.iinfo(np.int64).min)
    codes: dict[Any, int] = {}
    return np.fromiter(
        (codes.setdefault(equivalence_key(v), len(codes)) for v in column.values()), np.int64, len(column)
    )


def combined_codes(parts: Sequence[IntArray], length: int) -> IntArray:
    """One dense code for each combination, from 0."""
    if not parts:
        return np.zeros(length, np.int64)
    _, codes = np.unique(parts[0], return_inverse=True)
    for part in parts[1:]:
        distinct, more = np.unique(part, return_inverse=True)
        _, codes = np.unique(codes * len(distinct) + more, return_inverse=True)
    return codes.reshape(-1)


def group_rows(columns: Sequence[Column], row: IntArray | None, length: int) -> tuple[IntArray, IntArray]:
    """(code of each row, position of each code's first row); codes are dense, in order of first appearance."""
    parts = [column_codes(c) for c in columns]
    if row is not None:
        parts.insert(0, row)
    codes = combined_codes(parts, length)
    count = int(codes.max()) + 1 if length else 0
    first = np.full(count, length, np.int64)
    np.minimum.at(first, codes, np.arange(length))
    order = np.argsort(first, kind="stable")
    rank = np.empty(count, np.int64)
    rank[order] = np.arange(count)
    return rank.take(codes), first.take(order)


def row_keys(columns: Sequence[Column], positions: IntArray, row: IntArray | None) -> list[tuple[Any, ...]]:
    """Hashable keys of the rows at ``positions``: equal across batches for equivalent rows."""
    lists: list[list[Any]] = [] if row is None else [row.take(positions).tolist()]
    lists.extend([equivalence_key(v) for v in c.take(positions).values()] for c in columns)
    return list(zip(*lists, strict=True)) if lists else [()] * len(positions)


def _temporal_ranks(column: TemporalColumn, null: int) -> IntArray:
    """Integers that are equal, and sort, as the values do."""
    arrays = [array.astype(np.int64) for array in column.order_arrays()]
    found = arrays[0] if len(arrays) == 1 else combined_codes(arrays, len(column))
    return found if column.mask is None else np.where(column.mask, null, found)


def _rank(column: Column) -> IntArray | None:
    """Integers that sort as the column's values do, ascending; None where there is no cheap way."""
    if isinstance(column, ConstantColumn):
        return np.zeros(len(column), np.int64)
    if isinstance(column, TypedColumn):
        if column.kind == Kind.FLOAT:
            # NaN is larger than every number and null larger still.
            _, ranks = np.unique(column.data, return_inverse=True, equal_nan=True)
            ranks = ranks.reshape(-1).astype(np.int64)
        elif column.kind in (Kind.INTEGER, Kind.BOOLEAN, Kind.NODE, Kind.RELATIONSHIP):
            if column.mask is None:
                return column.data.astype(np.int64)
            _, ranks = np.unique(column.data, return_inverse=True)
            ranks = ranks.reshape(-1).astype(np.int64)
        else:
            return None
        return ranks if column.mask is None else np.where(column.mask, np.iinfo(np.int64).max, ranks)
    if isinstance(column, TemporalColumn):
        return _temporal_ranks(column, np.iinfo(np.int64).max)
    if isinstance(column, StringColumn) and 0 < len(column.dictionary) < len(column) * 4:
        ranks = column.dictionary.ranks().take(column.codes, mode="clip")
        return np.where(column.codes < 0, np.iinfo(np.int64).max, ranks)
    return None


def ranks(column: Column) -> IntArray:
    """Integers that sort as the column's values do, ascending."""
    found = _rank(column)
    if found is not None:
        return found
    values = column.values()
    keys: list[Any] = [order_key(v) for v in values]
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
    return np.lexsort(arrays) if len(arrays) > 1 else np.argsort(arrays[0], kind="stable")


def distinct_values(values: Sequence[Value]) -> list[Value]:
    """The first of each class of equivalent values, in order."""
    seen: dict[Any, Value] = {}
    for value in values:
        seen.setdefault(equivalence_key(value), value)
    return list(seen.values())
