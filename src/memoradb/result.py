"""What ``execute`` answers: rows that are tuples with names, and the ways to take them all at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from memoradb.core.errors import MissingExtra
from memoradb.core.values import Node, Path, Relationship, Value
from memoradb.memql.result import StatementResult, Summary

if TYPE_CHECKING:
    import pandas
    import pyarrow


class Record(tuple[Value, ...]):
    """One row: a tuple whose fields can also be asked by name.

    >>> r = Record((1, "Ada"))
    >>> r.names = ("id", "name")
    >>> r["name"], r[0], r.keys(), r.data()
    ('Ada', 1, ('id', 'name'), {'id': 1, 'name': 'Ada'})
    """

    names: tuple[str, ...]

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


class Result(Sequence[Record]):
    """All rows of one statement. Iterating yields ``Record``s."""

    def __init__(self, statement: StatementResult) -> None:
        self._statement = statement

    @property
    def columns(self) -> tuple[str, ...]:
        """Column names, in order."""
        return self._statement.columns

    @property
    def summary(self) -> Summary:
        """Counters, query type, plan, times."""
        return self._statement.summary

    @cached_property
    def rows(self) -> list[Record]:
        """All records."""
        statement = self._statement
        names = statement.columns
        if not names:
            return []
        rows = [Record(row) for row in zip(*statement.values, strict=True)]
        for row in rows:
            row.names = names
        return rows

    def __iter__(self) -> Iterator[Record]:
        return iter(self.rows)

    def __len__(self) -> int:
        return self._statement.row_count if self._statement.columns else 0

    def __getitem__(self, index: Any) -> Any:
        return self.rows[index]

    def __repr__(self) -> str:
        return f"<Result {', '.join(self.columns) or '(no columns)'}: {len(self)} rows>"

    def column(self, name: str) -> list[Value]:
        """All values of one column."""
        return list(self._statement.values[self.columns.index(name)])

    def single(self) -> Record:
        """The only record; ValueError where there are none or several."""
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

        Numbers, booleans and strings keep their types; temporal values become Arrow's where Arrow can hold them and
        text elsewhere; nodes, relationships and paths become maps. A column of mixed types becomes text.

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


def plain(value: Value) -> Value:
    """A value as JSON-like Python: elements as maps, temporal and other values as their text."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, Node):
        return {
            "id": value.id,
            "elementId": value.element_id,
            "labels": list(value.labels),
            "properties": plain(value.properties),
        }
    if isinstance(value, Relationship):
        return {
            "id": value.id,
            "elementId": value.element_id,
            "type": value.type,
            "start": value.start,
            "end": value.end,
            "properties": plain(value.properties),
        }
    if isinstance(value, Path):
        return {"nodes": plain(value.nodes), "relationships": plain(value.relationships)}
    if isinstance(value, bytes):
        return value.hex()
    return str(value)


def _arrow_array(pyarrow: Any, values: list[Value]) -> Any:
    kinds = {type(v) for v in values} - {type(None)}
    if kinds <= {int} or kinds <= {float} or kinds <= {str} or kinds <= {bool} or kinds <= {bytes}:
        return pyarrow.array(values)
    if all(hasattr(kind, "to_python") for kind in kinds):
        try:
            return pyarrow.array([None if v is None else v.to_python() for v in values])
        except (ValueError, OverflowError, TypeError, pyarrow.ArrowInvalid):
            return pyarrow.array([None if v is None else str(v) for v in values])
    try:
        return pyarrow.array([plain(v) for v in values])
    except (pyarrow.ArrowInvalid, pyarrow.ArrowTypeError, OverflowError):
        import json

        return pyarrow.array([None if v is None else json.dumps(plain(v)) for v in values])
