"""What ``execute`` answers: rows that are tuples with names, and the ways to take them all at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from memoradb.core.calendar import DAY_NS
from memoradb.core.errors import MissingExtra
from memoradb.core.garbage import collection_deferred
from memoradb.core.temporal import Date, DateTime, Duration, LocalDateTime, LocalTime, format_offset
from memoradb.core.values import INTEGER_MAX, INTEGER_MIN, Node, Path, Relationship, Value
from memoradb.core.vectors import Vector
from memoradb.memql.result import StatementResult, Summary

if TYPE_CHECKING:
    import pandas
    import pyarrow


class Record(tuple[Value, ...]):
    """One row: a tuple whose fields can also be asked by name.

    Equal to any tuple with the same values. Of two columns with one name, the name means the first.

    >>> r = Record.of(("id", "name"), (1, "Ada"))
    >>> r["name"], r[0], r.keys(), r.data()
    ('Ada', 1, ('id', 'name'), {'id': 1, 'name': 'Ada'})
    """

    __slots__ = ()
    names: tuple[str, ...] = ()
    """Of the class that ``of`` makes for each list of columns: a row itself is no larger than its tuple."""

    @staticmethod
    def of(names: tuple[str, ...], values: Sequence[Value]) -> Record:
        """A row of these values under these names."""
        return _record_class(names)(values)

    def __reduce__(self) -> tuple[Callable[..., Record], tuple[tuple[str, ...], tuple[Value, ...]]]:
        return Record.of, (self.names, tuple(self))

    def keys(self) -> tuple[str, ...]:
        """The column names, in order."""
        return self.names

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, str):
            try:
                key = self.names.index(key)
            except ValueError:
                raise KeyError(key) from None
        return tuple.__getitem__(self, key)

    def get(self, key: str, default: Value = None) -> Value:
        """The field called ``key``, or ``default`` where there is none."""
        return self[key] if key in self.names else default

    def data(self) -> dict[str, Value]:
        """The row as a dictionary."""
        return dict(zip(self.names, self, strict=True))


@lru_cache(maxsize=512)
def _record_class(names: tuple[str, ...]) -> type[Record]:
    return type("Record", (Record,), {"__slots__": (), "__module__": __name__, "names": names})


class Result(Sequence[Record]):
    """All rows of one statement. Iterating yields ``Record``s.

    >>> import memoradb
    >>> result = memoradb.open(None).execute("UNWIND [1, 2, 3] AS n RETURN n, n % 2 = 0 AS even")
    >>> result.columns, len(result), result[1]["even"], result.column("n")
    (('n', 'even'), 3, True, [1, 2, 3])
    >>> result.summary.query_type
    'r'
    """

    __slots__ = ("_rows", "_statement")

    def __init__(self, statement: StatementResult) -> None:
        self._statement = statement
        self._rows: list[Record] | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """Column names, in order."""
        return self._statement.columns

    @property
    def summary(self) -> Summary:
        """Counters, query type, plan, times."""
        return self._statement.summary

    @property
    def rows(self) -> list[Record]:
        """All records."""
        rows = self._rows
        if rows is None:
            with collection_deferred(len(self)):
                rows = self._rows = list(self._records())
        return rows

    def _records(self) -> Iterator[Record]:
        statement = self._statement
        return map(_record_class(statement.columns), statement.rows()) if statement.columns else iter(())

    def __iter__(self) -> Iterator[Record]:
        return self._records() if self._rows is None else iter(self._rows)

    def __len__(self) -> int:
        return self._statement.row_count if self._statement.columns else 0

    def __getitem__(self, index: Any) -> Any:
        return self.rows[index]

    def __repr__(self) -> str:
        return f"<Result {', '.join(self.columns) or '(no columns)'}: {len(self)} rows>"

    def column(self, name: str) -> list[Value]:
        """All values of one column; KeyError where there is none of that name."""
        if name not in self.columns:
            raise KeyError(name)
        return list(self._statement.values[self.columns.index(name)])

    def single(self) -> Record:
        """The only record; ValueError where there are none or several.

        >>> import memoradb
        >>> memoradb.open(None).execute("RETURN 1 AS one").single()["one"]
        1
        """
        if len(self) != 1:
            raise ValueError(f"expected one record, found {len(self)}")
        return self.rows[0]

    def value(self) -> Value:
        """The first field of the only record."""
        return self.single()[0]

    def to_dicts(self) -> list[dict[str, Value]]:
        """All rows as dictionaries."""
        names = self.columns
        return [dict(zip(names, row, strict=True)) for row in self.rows]

    def to_arrow(self) -> pyarrow.Table:
        """All rows as an Arrow table.

        Numbers, booleans, strings and bytes keep their types. Dates, local times, datetimes (with a zone: in the one
        they share, else in UTC) and durations become Arrow's, to the nanosecond, where all values of the column fit;
        elsewhere, and for times with an offset and points, text. Vectors become lists; nodes, relationships and paths
        become maps. A column of mixed types becomes JSON text.

        Raises:
            MissingExtra: pyarrow is not installed.
        """
        try:
            import pyarrow
        except ImportError as error:
            raise MissingExtra(
                "Arrow output needs pyarrow.", hint='Install it with: pip install "memoradb[arrow]"'
            ) from error
        arrays = [_arrow_array(pyarrow, values) for values in self._statement.values]
        return pyarrow.Table.from_arrays(arrays, names=list(self.columns))

    def to_df(self) -> pandas.DataFrame:
        """All rows as a pandas data frame; values stay Python objects where pandas has no type of its own."""
        try:
            import pandas
        except ImportError as error:
            raise MissingExtra(
                "Data frames need pandas.", hint='Install it with: pip install "memoradb[arrow]"'
            ) from error
        columns = dict(enumerate(self._statement.values))
        frame = pandas.DataFrame(columns)
        frame.columns = pandas.Index(list(self.columns))
        return frame


def plain(value: Value, scalar: Callable[[Value], Any] | None = None) -> Any:
    """A value as JSON-like Python: elements as maps, vectors as lists, temporal and other values as their text.

    ``scalar`` turns what has no parts, in place of the default that keeps numbers, strings, truth values and null.
    """
    if isinstance(value, (list, tuple)):
        return [plain(v, scalar) for v in value]
    if isinstance(value, dict):
        return {k: plain(v, scalar) for k, v in value.items()}
    if isinstance(value, Node):
        return {
            "id": value.id,
            "elementId": value.element_id,
            "labels": list(value.labels),
            "properties": plain(value.properties, scalar),
        }
    if isinstance(value, Relationship):
        return {
            "id": value.id,
            "elementId": value.element_id,
            "type": value.type,
            "start": value.start,
            "end": value.end,
            "properties": plain(value.properties, scalar),
        }
    if isinstance(value, Path):
        return {"nodes": plain(value.nodes, scalar), "relationships": plain(value.relationships, scalar)}
    if isinstance(value, Vector):
        return [plain(x, scalar) for x in value]
    return (scalar or plain_scalar)(value)


def plain_scalar(value: Value) -> Any:
    """A value without parts as JSON-like Python."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return value.hex() if isinstance(value, bytes) else str(value)


def _arrow_array(pyarrow: Any, values: list[Value]) -> Any:
    kinds = {type(v) for v in values} - {type(None)}
    if len(kinds) == 1:
        (kind,) = kinds
        if kind in (int, float, str, bool, bytes):
            return pyarrow.array(values)
        array = _arrow_temporal(pyarrow, kind, values)
        if array is not None:
            return array
    try:
        return pyarrow.array([plain(v) for v in values])
    except (pyarrow.ArrowInvalid, pyarrow.ArrowTypeError, OverflowError):
        import json

        return pyarrow.array([None if v is None else json.dumps(plain(v)) for v in values])


def _arrow_temporal(pyarrow: Any, kind: type, values: list[Value]) -> Any:
    """A column of one temporal type as Arrow's, None where Arrow has none or a value does not fit."""
    try:
        if kind is Date:
            return pyarrow.array([None if v is None else v.days for v in values], pyarrow.int32()).cast(
                pyarrow.date32()
            )
        if kind is LocalTime:
            return pyarrow.array([None if v is None else v.ns for v in values], pyarrow.time64("ns"))
        if kind is LocalDateTime:
            moments = [None if v is None else v.days * DAY_NS + v.ns for v in values]
            return _arrow_timestamps(pyarrow, moments, None)
        if kind is DateTime:
            zones = {v.zone or v.offset for v in values if v is not None}
            zone = zones.pop() if len(zones) == 1 else 0
            moments = [None if v is None else v.utc_ns() for v in values]
            return _arrow_timestamps(pyarrow, moments, zone if isinstance(zone, str) else _offset_name(zone))
        if kind is Duration:
            parts = [None if v is None else (v.months, v.days, v.time_ns) for v in values]
            return pyarrow.array(parts, pyarrow.month_day_nano_interval())
    except (pyarrow.ArrowInvalid, OverflowError):
        return pyarrow.array([None if v is None else str(v) for v in values])
    return None


def _arrow_timestamps(pyarrow: Any, moments: list[int | None], zone: str | None) -> Any:
    """In nanoseconds, which reach from 1677 to 2262; else in microseconds where that is exact."""
    unit, by = "ns", 1
    if any(m is not None and not INTEGER_MIN <= m <= INTEGER_MAX for m in moments):
        if any(m is not None and m % 1000 for m in moments):
            raise OverflowError
        unit, by = "us", 1000
    return pyarrow.array([None if m is None else m // by for m in moments], pyarrow.timestamp(unit, zone))


def _offset_name(seconds: int) -> str:
    """An offset as Arrow writes one: UTC, or hours and minutes; other seconds are shown in UTC."""
    if seconds == 0 or seconds % 60:
        return "UTC"
    return format_offset(seconds)
