"""Arrow tables in memory, and Arrow IPC files and streams; Feather (version 2) is the same as an IPC file."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final

from memoradb.core.errors import ArgumentError

from .tables import TableParts, opening, require_pyarrow

if TYPE_CHECKING:
    import pyarrow

_FILE_MAGIC: Final = b"ARROW1"


class ArrowParts(TableParts):
    """A table, record batch or reader of the caller's, or the IPC file or stream at a path."""

    def __init__(self, origin: Any) -> None:
        arrow = require_pyarrow("Reading Arrow")
        self._reader: Any = None
        self._path: str | None = None
        rows = size = 0
        if isinstance(origin, (str, os.PathLike)):
            self._path = where = os.fspath(origin)
            with opening(where, "Arrow IPC"):
                size = os.path.getsize(where)
                schema = self._open().schema
        elif isinstance(origin, (arrow.Table, arrow.RecordBatch)):
            where, schema, rows, size = "the table", origin.schema, origin.num_rows, origin.nbytes
            table = origin if isinstance(origin, arrow.Table) else arrow.Table.from_batches([origin])
            self._reader = table.to_reader()
        elif hasattr(origin, "__arrow_c_stream__"):  # a reader, or a table of another library
            self._reader = arrow.RecordBatchReader.from_stream(origin)
            where, schema = "the stream", self._reader.schema
        else:
            raise ArgumentError(
                f"Arrow data is a table, a record batch, a reader or a path, not a Python {type(origin).__name__}."
            )
        super().__init__(where, list(schema.names), rows, size)

    def _open(self) -> Any:
        import pyarrow

        assert self._path is not None
        source = pyarrow.memory_map(self._path)
        if source.read(len(_FILE_MAGIC)) == _FILE_MAGIC:
            return pyarrow.ipc.open_file(source)
        source.seek(0)
        return pyarrow.ipc.open_stream(source)

    def _record_batches(self) -> Iterable[pyarrow.RecordBatch]:
        if self._path is None:
            return self._reader
        reader = self._open()
        if hasattr(reader, "num_record_batches"):
            return (reader.get_batch(i) for i in range(reader.num_record_batches))
        return reader

    def _batches(self, rows: int) -> Iterator[pyarrow.RecordBatch]:
        """The file's batches cut and joined to equal parts: where a part ends does not depend on who wrote it."""
        import pyarrow

        waiting: list[Any] = []
        waits = 0
        for batch in self._record_batches():
            start = 0
            while start < batch.num_rows:
                piece = batch.slice(start, rows - waits)
                waiting.append(piece)
                start += piece.num_rows
                waits += piece.num_rows
                if waits == rows:
                    yield pyarrow.concat_batches(waiting)
                    waiting, waits = [], 0
        if waiting:
            yield pyarrow.concat_batches(waiting)
