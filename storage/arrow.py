"""Arrow arrays as columns: what each Arrow type becomes.

==============================  =========================================================================
Arrow                           MemQL
==============================  =========================================================================
integers                        INTEGER (an unsigned one beyond 63 bits is an error)
floats, decimals                FLOAT (a decimal without places after the point: INTEGER)
booleans, strings, binaries     BOOLEAN, STRING, BYTES
dates                           DATE
times                           LOCAL TIME
timestamps                      LOCAL DATETIME; with a zone ZONED DATETIME in that zone
durations, intervals            DURATION
lists of the above              LIST
dictionaries, extensions        what they encode
structs, maps, unions           none: no property can hold them
==============================  =========================================================================

Numbers, dates and masks are taken from Arrow's buffers; pyarrow's own conversion to numpy would import pandas. This is
the one module of the storage that knows pyarrow, and it imports it when called.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from memoradb.core.calendar import DAY_NS, SECOND_NS
from memoradb.core.columns import BoolArray, Column, IntArray, Kind, ListColumn, TypedColumn
from memoradb.core.errors import ArgumentError, ArithmeticOverflow, TypeMismatch
from memoradb.core.temporal import Duration
from memoradb.core.temporal_columns import TemporalColumn, TemporalKind, datetimes_at
from memoradb.core.temporal_parse import parse_zone
from memoradb.core.values import INTEGER_MAX, Value

if TYPE_CHECKING:
    import pyarrow

_UNIT_NS: Final = {"s": 1_000_000_000, "ms": 1_000_000, "us": 1_000, "ns": 1}


def column_of(array: pyarrow.Array[Any], name: str) -> Column:
    """The array's values; ``name`` is for errors.

    Raises:
        TypeMismatch: an Arrow type that MemQL has no property type for.
        ArithmeticOverflow: an integer beyond 64 bits.
        ArgumentError: an unknown time zone, or a date or time that MemQL has not.
    """
    import pyarrow

    types = pyarrow.types
    kind: Any = array.type
    if isinstance(kind, pyarrow.BaseExtensionType):
        return column_of(getattr(array, "storage"), name)  # noqa: B009 - only extension arrays have it
    if types.is_dictionary(kind):
        return column_of(getattr(array, "dictionary_decode")(), name)  # noqa: B009
    if types.is_integer(kind):
        return _integers(array, kind, name)
    if types.is_floating(kind):
        return TypedColumn(Kind.FLOAT, _data(array, f"f{kind.bit_width // 8}").astype(np.float64), _nulls(array))
    if types.is_boolean(kind):
        return TypedColumn(Kind.BOOLEAN, _bits(array, 1), _nulls(array))
    if types.is_decimal(kind):
        return _decimals(array, kind, name)
    if types.is_null(kind) or _is_text(types, kind) or _is_binary(types, kind):
        return ListColumn(array.to_pylist())
    if types.is_date(kind) or types.is_time(kind) or types.is_timestamp(kind):
        return _temporals(array, kind, name)
    if types.is_duration(kind):
        return ListColumn(_durations(_data(array, "i8"), _UNIT_NS[kind.unit], _nulls(array)))
    if types.is_interval(kind):
        intervals = array.to_pylist()
        return ListColumn([None if i is None else Duration.of(i.months, i.days, i.nanoseconds) for i in intervals])
    if types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
        return _lists(array, kind, name)
    raise TypeMismatch(f"Column `{name}` is of Arrow type {kind}, which no property can hold.")


def _is_text(types: Any, kind: Any) -> bool:
    return types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind)


def _is_binary(types: Any, kind: Any) -> bool:
    return (
        types.is_binary(kind)
        or types.is_large_binary(kind)
        or types.is_fixed_size_binary(kind)
        or types.is_binary_view(kind)
    )


def _bits(array: Any, buffer: int) -> BoolArray:
    raw = np.frombuffer(array.buffers()[buffer], np.uint8)
    bits = np.unpackbits(raw, bitorder="little", count=array.offset + len(array))
    return bits[array.offset :].astype(np.bool_)


def _nulls(array: Any) -> BoolArray | None:
    """True where null; None where nothing is."""
    return ~_bits(array, 0) if array.null_count and array.buffers()[0] is not None else None


def _data(array: Any, dtype: str) -> Any:
    buffer = array.buffers()[1]
    if buffer is None:  # all null, or empty
        return np.zeros(len(array), dtype)
    return np.frombuffer(buffer, dtype, len(array), array.offset * np.dtype(dtype).itemsize)


def _integers(array: Any, kind: Any, name: str) -> Column:
    sign = "i" if str(kind).startswith("int") else "u"
    data = _data(array, f"{sign}{kind.bit_width // 8}")
    mask = _nulls(array)
    if sign == "u" and kind.bit_width == 64:
        large = data > INTEGER_MAX
        if mask is not None:
            large = large & ~mask
        if large.any():
            row = int(np.argmax(large))
            raise ArithmeticOverflow(f"Column `{name}`, row {row}: {data[row]} does not fit 64 bits with a sign.")
    return TypedColumn(Kind.INTEGER, data.astype(np.int64), mask)


def _decimals(array: Any, kind: Any, name: str) -> Column:
    values = array.to_pylist()
    if kind.scale > 0:
        return ListColumn([None if v is None else float(v) for v in values])
    numbers = [None if v is None else int(v) for v in values]
    for row, number in enumerate(numbers):
        if number is not None and abs(number) > INTEGER_MAX:
            raise ArithmeticOverflow(f"Column `{name}`, row {row}: {number} does not fit 64 bits.")
    return ListColumn(numbers)


def _temporals(array: Any, kind: Any, name: str) -> Column:
    """Dates, times and timestamps: arithmetic on the stored integers, no object for a row."""
    data = _data(array, f"i{kind.bit_width // 8}").astype(np.int64)
    mask = _nulls(array)
    if mask is not None:
        data = np.where(mask, 0, data)  # Arrow leaves anything under a null
    text = str(kind)
    if text.startswith("date"):
        days = data if kind.bit_width == 32 else data // 86_400_000
        column = TemporalColumn(TemporalKind.DATE, (days,), None, mask)
    elif text.startswith("time") and not text.startswith("timestamp"):
        unit = _UNIT_NS[kind.unit]
        ns = np.clip(data, -1, DAY_NS // unit) * unit  # what is out of bounds stays so, without leaving 64 bits
        column = TemporalColumn(TemporalKind.LOCAL_TIME, (ns,), None, mask)
    else:
        per_second = SECOND_NS // _UNIT_NS[kind.unit]
        seconds = data // per_second
        nanoseconds = (data % per_second * _UNIT_NS[kind.unit]).astype(np.int32)
        if kind.tz is None:
            column = TemporalColumn(TemporalKind.LOCAL_DATETIME, (seconds, nanoseconds), None, mask)
        else:
            zone = 0 if kind.tz.upper() == "UTC" else parse_zone(kind.tz) or 0
            column = datetimes_at(seconds, nanoseconds, zone, mask)
    if not column.in_range():
        raise ArgumentError(f"Column `{name}` of Arrow type {kind} holds a value beyond what its type can be in MemQL.")
    return column


def _durations(data: IntArray, unit: int, mask: BoolArray | None) -> list[Value]:
    numbers = data.tolist()
    nulls = [False] * len(numbers) if mask is None else mask.tolist()
    return [None if null else Duration.of(0, 0, n * unit) for n, null in zip(numbers, nulls, strict=True)]


def _lists(array: Any, kind: Any, name: str) -> Column:
    """Lists: the values under them once, cut by their lengths."""
    values = column_of(array.flatten(), name).values()  # `flatten` leaves out what null lists hide
    mask = _nulls(array)
    count = len(array)
    size = getattr(kind, "list_size", None)
    if size is not None:
        lengths = np.full(count, size)
    else:
        width = "i8" if str(kind).startswith("large") else "i4"
        offsets = np.frombuffer(array.buffers()[1], width, count + 1, array.offset * np.dtype(width).itemsize)
        lengths = np.diff(offsets)
    if mask is not None:
        lengths = np.where(mask, 0, lengths)
    bounds = np.concatenate([[0], np.cumsum(lengths)]).tolist()
    nulls = [False] * count if mask is None else mask.tolist()
    return ListColumn([None if nulls[i] else values[bounds[i] : bounds[i + 1]] for i in range(count)])
