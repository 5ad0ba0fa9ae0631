"""How much memory values take: what accounting goes by.

Arrays are counted to the byte. Python objects are counted as the interpreter does, each once where one list holds it
many times; of long lists a sample is measured, spread evenly, so that to count costs less than to have made them.
"""

# A value narrowed by its type keeps unknown parts (lists of any values): strictness about those has no use here.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Sequence
from sys import getsizeof
from typing import Final

from .batch import Batch
from .columns import Column, ConstantColumn, ListColumn, PathColumn, RaggedColumn, StringColumn, TypedColumn
from .temporal_columns import TemporalColumn
from .values import NodeRef, RelationshipRef, Value

_SAMPLE: Final = 256
"""Objects of a list that are measured, at most."""

_COLUMN_BYTES: Final = 200
"""A column's own objects: its arrays' headers and itself."""

_FLAT: Final = frozenset((type(None), bool, int, float, str, bytes))
_REFERENCE_BYTES: Final = 80
"""A reference: the object and its number."""

_FIELD_BYTES: Final = 32
"""One number inside a date, point or vector."""


def value_bytes(value: Value) -> int:
    """The memory of one value, with all that is inside."""
    kind = type(value)
    if kind in _FLAT:
        return getsizeof(value)
    if kind is list:
        return getsizeof(value) + items_bytes(value)
    if kind is dict:
        return getsizeof(value) + items_bytes(list(value)) + items_bytes(list(value.values()))
    if kind is NodeRef or kind is RelationshipRef:
        return _REFERENCE_BYTES
    parts = 0
    for name in ("elements", "coordinates", "nodes", "relationships"):
        parts += len(getattr(value, name, ()))
    return getsizeof(value) + _FIELD_BYTES * (parts or 4)


def items_bytes(items: Sequence[Value]) -> int:
    """The memory of what a list holds, beside the list."""
    count = len(items)
    if not count:
        return 0
    sample = items if count <= _SAMPLE else items[:: -(-count // _SAMPLE)]
    single = {id(v): v for v in sample}
    total = sum(map(value_bytes, single.values()))
    # An object that the sample has more than once stands for one; others for as many as were left out.
    return total if len(single) < len(sample) // 2 else total * count // len(sample)


def column_bytes(column: Column) -> int:
    """The memory of a column's rows; not of a dictionary that it shares."""
    if isinstance(column, TypedColumn):
        return _COLUMN_BYTES + column.data.nbytes + (0 if column.mask is None else column.mask.nbytes)
    if isinstance(column, StringColumn):
        return _COLUMN_BYTES + column.codes.nbytes
    if isinstance(column, ConstantColumn):
        return _COLUMN_BYTES + value_bytes(column.value)
    if isinstance(column, TemporalColumn):
        mask = 0 if column.mask is None else column.mask.nbytes
        return _COLUMN_BYTES + sum(a.nbytes for a in column.arrays) + mask
    if isinstance(column, RaggedColumn):
        mask = 0 if column.mask is None else column.mask.nbytes
        return _COLUMN_BYTES + column.offsets.nbytes + column_bytes(column.child) + mask
    if isinstance(column, PathColumn):
        mask = 0 if column.mask is None else column.mask.nbytes
        arrays = column.offsets.nbytes + column.nodes.nbytes + column.relationships.nbytes
        return _COLUMN_BYTES + arrays + mask
    items = column.items if isinstance(column, ListColumn) else column.values()
    return _COLUMN_BYTES + 8 * len(items) + items_bytes(items)


def batch_bytes(batch: Batch) -> int:
    """The memory of a batch: its columns, rows and weights."""
    total = sum(map(column_bytes, batch.columns.values()))
    for array in (batch.row, batch.weight):
        total += 0 if array is None else array.nbytes
    return total
