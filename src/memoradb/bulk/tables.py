"""Arrow tables of any origin, read part by part: Parquet files, Arrow IPC files and streams, tables in memory."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from memoradb.core.columns import Column
from memoradb.core.errors import ArgumentError, MissingExtra

from .columns import named

if TYPE_CHECKING:
    import pyarrow

PART_ROWS: Final = 250_000
"""Nodes a transaction: large enough that the log's and the indexes' cost per commit vanishes."""

RELATIONSHIP_PART_ROWS: Final = 1_000_000
"""Relationships a transaction: adjacency is sorted anew with each, so that larger parts make fewer sorts."""


def require_pyarrow(what: str) -> Any:
    """The module; MissingExtra with the command that installs it where it is not there."""
    try:
        import pyarrow
    except ImportError as error:
        raise MissingExtra(f"{what} needs pyarrow.", hint='Install it with: pip install "memoradb[arrow]"') from error
    return pyarrow


class TableParts(ABC):
    """A table read in parts of so many rows at most."""

    def __init__(self, where: str, names: list[str], rows: int, bytes: int) -> None:
        self.where = where
        """What errors call it: the path of a file."""
        self.names = names
        self.rows = rows
        self.bytes = bytes
        """Its size, for the share of a whole import that it is."""
        doubled = sorted({n for n in names if names.count(n) > 1})
        if doubled:
            raise ArgumentError(f"{where} has several columns `{doubled[0]}`.")

    def require(self, name: str) -> None:
        """ArgumentError unless there is a column of that name."""
        if name not in self.names:
            raise ArgumentError(f"{self.where} has no column `{name}`; it has {named(self.names)}.")

    @abstractmethod
    def _batches(self, rows: int) -> Iterator[pyarrow.RecordBatch]:
        """The rows in order, ``rows`` at a time except for the last."""

    def batches(self, rows: int) -> Iterator[pyarrow.RecordBatch]:
        """The rows in order, as Arrow has them; ArgumentError where the file is damaged."""
        import pyarrow

        batches = self._batches(rows)
        while True:
            try:
                batch = next(batches, None)
            except (pyarrow.ArrowException, OSError) as error:
                raise ArgumentError(f"{self.where} is damaged: {error}") from error
            if batch is None:
                return
            yield batch

    def parts(self, rows: int) -> Iterator[tuple[dict[str, Column], int]]:
        """Columns by name and their length, ``rows`` at most."""
        from memoradb.storage.arrow import column_of

        for batch in self.batches(rows):
            yield {name: column_of(batch.column(i), name) for i, name in enumerate(self.names)}, batch.num_rows


@contextmanager
def opening(path: str, form: str) -> Iterator[None]:
    """What goes wrong when a file is opened, as ArgumentError."""
    import pyarrow

    try:
        yield
    except FileNotFoundError as error:
        raise ArgumentError(f"There is no file {path}.") from error
    except (pyarrow.ArrowException, OSError) as error:
        raise ArgumentError(f"{path} cannot be read as {form}: {error}") from error
