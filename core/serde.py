"""Values as bytes and back: compact, deterministic, checked.

Equal values give equal bytes on every machine: map keys are sorted, NaN has one form. A tag byte comes first; the
format's version stands in the files that hold values. Decoding believes nothing: every length is checked against what
is there, depth is bounded, and whatever is wrong is a ``CorruptionError``.
"""

# A value narrowed by its type keeps unknown parts (lists of any values): strictness about those has no use here.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

import struct
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from .calendar import DAY_MAX, DAY_MIN, DAY_NS, OFFSET_MAX, SECOND_NS
from .codec import read_varint, unzigzag, write_varint, zigzag
from .columns import Column, ConstantColumn, Kind, ListColumn, TypedColumn, lift
from .errors import ArgumentError, ArithmeticOverflow, CorruptionError, LimitError, TypeMismatch
from .limits import VALUE_DEPTH_MAX
from .spatial import CRS_NAMES, Point
from .temporal import Date, DateTime, Duration, LocalDateTime, LocalTime, Time
from .temporal_columns import DTYPES, KINDS, ZONED, TemporalColumn, TemporalKind
from .values import INTEGER_MAX, INTEGER_MIN, Value
from .vectors import Vector
from .zones import ZoneDictionary

_NULL, _FALSE, _TRUE, _INTEGER, _FLOAT, _STRING, _BYTES, _LIST, _MAP = range(9)
_DATE, _LOCAL_TIME, _TIME, _LOCAL_DATETIME, _DATETIME, _DURATION, _POINT, _VECTOR = range(16, 24)

_DOUBLE: Final = struct.Struct("<d")
_NAN: Final = _DOUBLE.pack(float("nan"))


def _integer(out: bytearray, value: int) -> None:
    if not INTEGER_MIN <= value <= INTEGER_MAX:
        raise ArithmeticOverflow(f"The integer {value} does not fit 64 bits.")
    write_varint(out, zigzag(value))


def encode_into(out: bytearray, value: Value, depth: int = 0) -> None:
    """Append ``value``; TypeMismatch for what is no value, LimitError where it nests too deep."""
    kind = type(value)
    if value is None:
        out.append(_NULL)
    elif kind is bool:
        out.append(_TRUE if value else _FALSE)
    elif kind is int:
        out.append(_INTEGER)
        _integer(out, value)
    elif kind is float:
        out.append(_FLOAT)
        out += _NAN if value != value else _DOUBLE.pack(value)
    elif kind is str:
        out.append(_STRING)
        _text(out, value)
    elif kind is bytes:
        out.append(_BYTES)
        write_varint(out, len(value))
        out += value
    elif kind is list or kind is dict:
        if depth >= VALUE_DEPTH_MAX:
            raise LimitError(
                f"A value nests deeper than {VALUE_DEPTH_MAX} levels.", limit="VALUE_DEPTH_MAX", value=VALUE_DEPTH_MAX
            )
        out.append(_LIST if kind is list else _MAP)
        write_varint(out, len(value))
        if kind is list:
            for item in value:
                encode_into(out, item, depth + 1)
        else:
            for key in sorted(value):
                _text(out, key)
                encode_into(out, value[key], depth + 1)
    else:
        _encode_other(out, value)


def _text(out: bytearray, value: str) -> None:
    raw = value.encode("utf-8", "surrogatepass")
    write_varint(out, len(raw))
    out += raw


def _encode_other(out: bytearray, value: Value) -> None:
    match value:
        case Date(days):
            out.append(_DATE)
            _integer(out, days)
        case LocalTime(ns):
            out.append(_LOCAL_TIME)
            write_varint(out, ns)
        case Time(ns, offset):
            out.append(_TIME)
            write_varint(out, ns)
            _integer(out, offset)
        case LocalDateTime(days, ns):
            out.append(_LOCAL_DATETIME)
            _integer(out, days)
            write_varint(out, ns)
        case DateTime(days, ns, offset, zone):
            out.append(_DATETIME)
            _integer(out, days)
            write_varint(out, ns)
            _integer(out, offset)
            _text(out, zone or "")
        case Duration(months, days, seconds, nanoseconds):
            out.append(_DURATION)
            for part in (months, days, seconds, nanoseconds):
                _integer(out, part)
        case Point(srid, coordinates):
            out.append(_POINT)
            write_varint(out, srid)
            out += struct.pack(f"<{len(coordinates)}d", *coordinates)
        case Vector(elements):
            out.append(_VECTOR)
            write_varint(out, len(elements))
            out += struct.pack(f"<{len(elements)}f", *elements)
        case _:
            raise TypeMismatch(f"A {type(value).__name__} cannot be stored or sent.", detail="InvalidPropertyType")


def encode(value: Value) -> bytes:
    """``value`` as bytes."""
    out = bytearray()
    encode_into(out, value)
    return bytes(out)


class _Reader:
    """Decodes with every length checked."""

    def __init__(self, data: bytes | memoryview, position: int) -> None:
        self._data = data
        self.position = position

    def varint(self) -> int:
        value, self.position = read_varint(self._data, self.position)
        return value

    def integer(self) -> int:
        value = unzigzag(self.varint())
        if not INTEGER_MIN <= value <= INTEGER_MAX:
            raise CorruptionError("An encoded integer does not fit 64 bits.")
        return value

    def raw(self, length: int) -> bytes:
        end = self.position + length
        if length < 0 or end > len(self._data):
            raise CorruptionError("Encoded data is cut off.")
        found = bytes(self._data[self.position : end])
        self.position = end
        return found

    def text(self) -> str:
        try:
            return self.raw(self.varint()).decode("utf-8", "surrogatepass")
        except UnicodeDecodeError:
            raise CorruptionError("Encoded text is not UTF-8.") from None

    def count(self, least: int) -> int:
        """A number of items that take at least ``least`` bytes each."""
        count = self.varint()
        if count * least > len(self._data) - self.position:
            raise CorruptionError("Encoded data names more items than it holds.")
        return count

    def value(self, depth: int = 0) -> Value:
        tag = self.raw(1)[0]
        if tag == _NULL:
            return None
        if tag in (_FALSE, _TRUE):
            return tag == _TRUE
        if tag == _INTEGER:
            return self.integer()
        if tag == _FLOAT:
            return _DOUBLE.unpack(self.raw(8))[0]
        if tag == _STRING:
            return self.text()
        if tag == _BYTES:
            return self.raw(self.varint())
        if tag in (_LIST, _MAP):
            if depth >= VALUE_DEPTH_MAX:
                raise CorruptionError("Encoded data nests too deep.")
            if tag == _LIST:
                return [self.value(depth + 1) for _ in range(self.count(1))]
            return {self.text(): self.value(depth + 1) for _ in range(self.count(2))}
        return self._other(tag)

    def _ns(self) -> int:
        ns = self.varint()
        if ns >= DAY_NS:
            raise CorruptionError("An encoded time is longer than a day.")
        return ns

    def _days(self) -> int:
        days = self.integer()
        if not DAY_MIN <= days <= DAY_MAX:
            raise CorruptionError("An encoded date is out of range.")
        return days

    def _offset(self) -> int:
        seconds = self.integer()
        if abs(seconds) > OFFSET_MAX:
            raise CorruptionError("An encoded offset is out of range.")
        return seconds

    def _other(self, tag: int) -> Value:
        match tag:
            case 16:
                return Date(self._days())
            case 17:
                return LocalTime(self._ns())
            case 18:
                return Time(self._ns(), self._offset())
            case 19:
                return LocalDateTime(self._days(), self._ns())
            case 20:
                return DateTime(self._days(), self._ns(), self._offset(), self.text() or None)
            case 21:
                months, days, seconds, nanoseconds = (self.integer() for _ in range(4))
                if not 0 <= nanoseconds < SECOND_NS:
                    raise CorruptionError("An encoded duration has more nanoseconds than a second.")
                return Duration(months, days, seconds, nanoseconds)
            case 22:
                srid = self.varint()
                if srid not in CRS_NAMES:
                    raise CorruptionError("An encoded point has an unknown SRID.")
                size = 3 if CRS_NAMES[srid].endswith("3d") else 2
                return Point(srid, struct.unpack(f"<{size}d", self.raw(size * 8)))
            case 23:
                size = self.count(4)
                try:
                    return Vector(struct.unpack(f"<{size}f", self.raw(size * 4)))
                except ArgumentError as error:
                    raise CorruptionError(f"An encoded vector is none: {error.message}") from None
            case _:
                raise CorruptionError(f"Unknown value tag {tag} in encoded data.")


def decode_from(data: bytes | memoryview, position: int) -> tuple[Value, int]:
    """The value at ``position``, and where it ends."""
    reader = _Reader(data, position)
    value = reader.value()
    return value, reader.position


def decode(data: bytes | memoryview) -> Value:
    """The one value that ``data`` is.

    >>> decode(encode({"a": [1, 2.5, None], "b": "x"}))
    {'a': [1, 2.5, None], 'b': 'x'}
    """
    value, end = decode_from(data, 0)
    if end != len(data):
        raise CorruptionError("There is more after an encoded value.")
    return value


# --- columns -----------------------------------------------------------------

_COLUMN_LIST, _COLUMN_INTEGER, _COLUMN_FLOAT, _COLUMN_BOOLEAN, _COLUMN_STRING, _COLUMN_VECTOR, _COLUMN_TEMPORAL = range(
    7
)
_NUMBERS: Final = frozenset((int, float, bool))
_TYPED: Final = {
    Kind.INTEGER: (_COLUMN_INTEGER, "<i8"),
    Kind.FLOAT: (_COLUMN_FLOAT, "<f8"),
    Kind.BOOLEAN: (_COLUMN_BOOLEAN, "|u1"),
}


_WIDTHS: Final = (1, 2, 4, 8)
_KIND_TAGS: Final = {
    TemporalKind.DATE: _DATE,
    TemporalKind.LOCAL_TIME: _LOCAL_TIME,
    TemporalKind.TIME: _TIME,
    TemporalKind.LOCAL_DATETIME: _LOCAL_DATETIME,
    TemporalKind.DATETIME: _DATETIME,
}


def _encode_temporals(out: bytearray, column: TemporalColumn) -> None:
    """Array by array, each in the narrowest integers that hold what is not null; zones by offset, then by name."""
    out += bytes((_COLUMN_TEMPORAL, _KIND_TAGS[column.kind]))
    write_varint(out, len(column))
    mask = column.mask
    arrays = column.arrays
    if mask is None or not mask.any():
        out.append(0)
    else:
        out.append(1)
        out += np.packbits(mask).tobytes()
        arrays = tuple(array.compress(~mask) for array in arrays)
    if column.zones is not None:
        entries = column.zones.entries()
        ranks = column.zones.ranks()
        used: list[int] = sorted(np.unique(arrays[-1]).tolist(), key=ranks.__getitem__)
        write_varint(out, len(used))
        for code in used:
            offset, name = entries[code]
            _integer(out, offset)
            _text(out, name or "")
        places = np.zeros(len(entries), np.int64)
        places[used] = np.arange(len(used))
        arrays = (*arrays[:-1], places.take(arrays[-1]))
    for data in arrays:
        low, high = int(data.min()), int(data.max())
        width = next(w for w in _WIDTHS if -(1 << 8 * w - 1) <= low and high < 1 << 8 * w - 1)
        out.append(width)
        out += data.astype(f"<i{width}").tobytes()


def _decode_temporals(reader: _Reader) -> Column:
    tag = reader.raw(1)[0]
    kind = next((k for k, t in _KIND_TAGS.items() if t == tag), None)
    if kind is None:
        raise CorruptionError(f"Unknown temporal tag {tag} in an encoded column.")
    count = reader.varint()
    mask = None
    if reader.raw(1)[0]:
        mask = np.unpackbits(np.frombuffer(reader.raw((count + 7) // 8), np.uint8), count=count).astype(np.bool_)
    present = count if mask is None else count - int(mask.sum())
    zones = None
    if kind in ZONED:
        entries = [(reader.integer(), reader.text() or None) for _ in range(reader.count(2))]
        if len(set(entries)) < len(entries):
            raise CorruptionError("An encoded column names a zone twice.")
        zones = ZoneDictionary(entries)
    arrays: list[NDArray[Any]] = []
    for dtype in DTYPES[kind]:
        width = reader.raw(1)[0]
        if width not in _WIDTHS or width > np.dtype(dtype).itemsize:
            raise CorruptionError("An encoded column has integers of an unknown width.")
        data = np.frombuffer(reader.raw(present * width), f"<i{width}")
        array = np.zeros(count, dtype)
        array[slice(None) if mask is None else ~mask] = data
        arrays.append(array)
    column = TemporalColumn(kind, tuple(arrays), zones, mask)
    if not column.in_range():
        raise CorruptionError(f"An encoded column of {kind.name} values is out of range.")
    return column if present else ListColumn([None] * count)


def _as_temporal(column: Column) -> TemporalColumn | None:
    """``column`` in the typed form of dates and times, where it has one and any value."""
    if isinstance(column, ListColumn):
        first = next((v for v in column.items if v is not None), None)
        column = lift(column.items) if type(first) in KINDS else column
    if not isinstance(column, TemporalColumn) or (column.mask is not None and column.mask.all()):
        return None
    return column if len(column) else None


_STRINGS: Final = frozenset((str, type(None)))


def encode_column(column: Column) -> bytes:
    """A column of plain values: numbers and temporal values as raw little-endian arrays, strings as lengths and UTF-8.

    What is of one type takes its compact form; anything else is written value by value.
    """
    out = bytearray()
    count = len(column)
    if isinstance(column, (ListColumn, ConstantColumn)):
        items = column.values()
        if type(next((value for value in items if value is not None), None)) in _NUMBERS:
            column = lift(items)
    if isinstance(column, TypedColumn) and column.kind in _TYPED:
        form, dtype = _TYPED[column.kind]
        out.append(form)
        write_varint(out, count)
        mask = column.mask
        out.append(0 if mask is None else 1)
        if mask is not None:
            out += np.packbits(mask).tobytes()
        data = column.data
        if mask is not None:
            data = np.where(mask, 0, data)
        out += np.ascontiguousarray(data, dtype=dtype).tobytes()
        return bytes(out)
    temporal = _as_temporal(column)
    if temporal is not None:
        _encode_temporals(out, temporal)
        return bytes(out)
    values = column.values()
    if values and set(map(type, values)) <= _STRINGS:
        out.append(_COLUMN_STRING)
        write_varint(out, count)
        raw = [b"" if v is None else v.encode("utf-8", "surrogatepass") for v in values]
        lengths = np.fromiter(map(len, raw), "<i4", count)
        if None in values:
            lengths[[v is None for v in values]] = -1
        out += lengths.tobytes()
        out += b"".join(raw)
        return bytes(out)
    if values and all(type(v) is list and v and type(v[0]) is float for v in values):
        size = len(values[0])
        if size >= 8 and all(len(v) == size and all(type(x) is float for x in v) for v in values):
            matrix = np.array(values, "<f8")
            out.append(_COLUMN_VECTOR)
            write_varint(out, count)
            write_varint(out, size)
            with np.errstate(over="ignore"):  # what 32 bits cannot hold becomes infinite, so is not exact
                single = matrix.astype("<f4")
            exact = bool((single.astype("<f8") == matrix).all())
            out.append(1 if exact else 0)
            out += single.tobytes() if exact else matrix.tobytes()
            return bytes(out)
    out.append(_COLUMN_LIST)
    write_varint(out, count)
    for value in values:
        encode_into(out, value)
    return bytes(out)


def decode_column(data: bytes | memoryview) -> Column:
    """The inverse of ``encode_column``; CorruptionError for anything else."""
    reader = _Reader(data, 0)
    column = _column(reader)
    if reader.position != len(data):
        raise CorruptionError("There is more after an encoded column.")
    return column


def _column(reader: _Reader) -> Column:
    form = reader.raw(1)[0]
    if form in (_COLUMN_INTEGER, _COLUMN_FLOAT, _COLUMN_BOOLEAN):
        count = reader.varint()
        kind, dtype = next((k, d) for k, (f, d) in _TYPED.items() if f == form)
        mask = None
        if reader.raw(1)[0]:
            bits = np.frombuffer(reader.raw((count + 7) // 8), np.uint8)
            mask = np.unpackbits(bits, count=count).astype(np.bool_)
        array = np.frombuffer(reader.raw(count * np.dtype(dtype).itemsize), dtype)
        native = {Kind.INTEGER: np.int64, Kind.FLOAT: np.float64, Kind.BOOLEAN: np.bool_}[kind]
        return TypedColumn(kind, array.astype(native), mask)
    if form == _COLUMN_STRING:
        count = reader.varint()
        lengths = np.frombuffer(reader.raw(count * 4), "<i4").tolist()
        items: list[Value] = []
        for length in lengths:
            if length < 0:
                items.append(None)
            else:
                try:
                    items.append(reader.raw(length).decode("utf-8", "surrogatepass"))
                except UnicodeDecodeError:
                    raise CorruptionError("Encoded text is not UTF-8.") from None
        return ListColumn(items)
    if form == _COLUMN_VECTOR:
        count, size = reader.varint(), reader.varint()
        if size < 1:
            raise CorruptionError("An encoded column of vectors has no dimension.")
        dtype = "<f4" if reader.raw(1)[0] else "<f8"
        width = np.dtype(dtype).itemsize
        matrix = np.frombuffer(reader.raw(count * size * width), dtype).reshape(count, size)
        return ListColumn(matrix.astype(np.float64).tolist())
    if form == _COLUMN_TEMPORAL:
        return _decode_temporals(reader)
    if form == _COLUMN_LIST:
        return ListColumn([reader.value() for _ in range(reader.count(1))])
    raise CorruptionError(f"Unknown column form {form} in encoded data.")
