"""Rows spread over a temporary file by a hash of their keys, so that equivalent keys meet in one part of it.

What an aggregation or DISTINCT cannot hold it deals out here and then takes part by part, each a smaller problem of the
same kind (hash partitioning; Kitsuregawa, Tanaka and Moto-oka 1983; DeWitt et al. 1984). The hash is the same for all
forms of equivalent values, and for every run of a statement.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from typing import Any, Final
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from memoradb.core.batch import Batch
from memoradb.core.columns import Column, IntArray, Kind, TypedColumn
from memoradb.core.semantics import equivalence_key
from memoradb.core.spatial import Point
from memoradb.core.values import INTEGER_MAX, INTEGER_MIN, NodeRef, RelationshipRef
from memoradb.core.vectors import Vector

from .spill import Place, Spill

PARTITIONS: Final = 16
LEVELS_MAX: Final = 4
"""How often a part that is still too large is dealt out again; each level reads further bits of the hash."""

_BITS: Final = 4
_MASK: Final = (1 << 64) - 1
_MIX: Final = 0x9E3779B97F4A7C15
_NULL, _NAN, _NODE, _RELATIONSHIP, _OTHER = (_MIX * n & _MASK for n in (3, 5, 7, 11, 13))
_DOUBLE: Final = struct.Struct("<d")

Hashes = NDArray[np.uint64]


def _value_hash(key: Any) -> int:
    """A number for an equivalence key: the same for equal keys."""
    kind = type(key)
    if key is None:
        return _NULL
    if kind is int:
        return key & _MASK
    if kind is float:
        if key.is_integer() and INTEGER_MIN <= key <= INTEGER_MAX:
            return int(key) & _MASK  # 1.0 is equivalent to 1
        return int.from_bytes(_DOUBLE.pack(key), "little")
    if kind is NodeRef or kind is RelationshipRef:
        return (key.slot ^ (_NODE if kind is NodeRef else _RELATIONSHIP)) & _MASK
    if kind is tuple:
        found = _OTHER
        for part in key:
            found = (found * _MIX + _value_hash(part)) & _MASK
        return found
    if kind is Point:
        return _value_hash((key.srid, *key.coordinates))
    if kind is Vector:
        return _value_hash(tuple(key.elements))
    text = key if kind is str else repr(key)
    return crc32(text.encode("utf-8", "surrogatepass")) * _MIX & _MASK


def _column_hash(column: Column) -> Hashes:
    if isinstance(column, TypedColumn) and column.kind in (Kind.INTEGER, Kind.NODE, Kind.RELATIONSHIP):
        found = column.data.astype(np.int64).view(np.uint64)
        if column.kind != Kind.INTEGER:
            found = found ^ np.uint64(_NODE if column.kind == Kind.NODE else _RELATIONSHIP)
        return found if column.mask is None else np.where(column.mask, np.uint64(_NULL), found)
    known: dict[Any, int] = {}
    out = np.empty(len(column), np.uint64)
    for i, value in enumerate(column.values()):
        key = equivalence_key(value)
        found = known.get(key)
        if found is None:
            found = known[key] = _NAN if key == ("NaN",) else _value_hash(key)
        out[i] = found
    return out


def key_hashes(columns: Sequence[Column], row: IntArray | None, length: int) -> Hashes:
    """64 bits for each row, equal for equivalent keys of one argument row."""
    mix = np.uint64(_MIX)
    found = np.zeros(length, np.uint64) if row is None else row.astype(np.uint64)
    with np.errstate(over="ignore"):
        for column in columns:
            found = (found ^ (found >> np.uint64(29))) * mix + _column_hash(column)
        found = (found ^ (found >> np.uint64(32))) * mix
        return (found ^ (found >> np.uint64(29))) * mix


def partition_numbers(columns: Sequence[Column], row: IntArray | None, length: int, level: int) -> IntArray:
    """The part that each row belongs to at a level, 0 to ``PARTITIONS`` - 1."""
    shift = np.uint64(64 - _BITS * (level + 1))
    return ((key_hashes(columns, row, length) >> shift) & np.uint64(PARTITIONS - 1)).astype(np.int64)


class Partitions:
    """Rows dealt out by their keys, in the order they came within each part."""

    def __init__(self, spill: Spill, level: int) -> None:
        self._spill = spill
        self.level = level
        self._places: list[list[Place]] = [[] for _ in range(PARTITIONS)]

    def add(self, batch: Batch, columns: Sequence[Column], row: IntArray | None) -> None:
        """Write the rows of ``batch``, whose keys are ``columns``."""
        numbers = partition_numbers(columns, row, batch.length, self.level)
        for number in np.flatnonzero(np.bincount(numbers, minlength=PARTITIONS)).tolist():
            mine = batch.take(np.flatnonzero(numbers == number))
            self._places[number].append(self._spill.write(mine))

    def of(self, number: int) -> Iterator[Batch]:
        """The rows of one part."""
        return self._spill.read_all(self._places[number])
