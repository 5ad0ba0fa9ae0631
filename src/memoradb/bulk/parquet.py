"""Parquet files."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

from .tables import TableParts, opening, require_pyarrow

if TYPE_CHECKING:
    import pyarrow


class ParquetParts(TableParts):
    """A Parquet file, read row group by row group."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        require_pyarrow("Reading Parquet")
        import pyarrow.parquet as parquet

        where = os.fspath(path)
        with opening(where, "Parquet"):
            self._file = parquet.ParquetFile(where)
            size = os.path.getsize(where)
        super().__init__(where, self._file.schema_arrow.names, self._file.metadata.num_rows, size)

    def _batches(self, rows: int) -> Iterator[pyarrow.RecordBatch]:
        return self._file.iter_batches(batch_size=rows)
