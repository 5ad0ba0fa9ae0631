"""Rows that an import leaves out: counted, written to a file, and in the end too many."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import IO, Final

from memoradb.core.errors import ConfigurationError, TooManyBadRows

_HEADER: Final = "file,line,reason,row\n"
_REASON_MAX: Final = 500
"""Characters of a reason."""
_ROW_MAX: Final = 10_000
"""Characters of a row that the file of bad rows keeps."""


@dataclass(frozen=True, slots=True)
class BadRow:
    """One row that cannot be loaded. ``line`` counts from 1; a table's rows count from 1, too."""

    file: str
    line: int
    reason: str
    row: str = ""

    @property
    def short_reason(self) -> str:
        """The reason, of which a value may be a part that is as long as the record."""
        return self.reason if len(self.reason) <= _REASON_MAX else f"{self.reason[:_REASON_MAX]} ..."

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.short_reason}"


class BadRows:
    """Takes what an import leaves out.

    The file is CSV. It is on disk before the part of which the rows were is committed, so that nothing is left out
    unseen; what an interrupted import wrote beyond its last commit is cut off when it goes on.
    """

    def __init__(self, path: str | os.PathLike[str] | None, tolerance: int) -> None:
        if tolerance < 0:
            raise ConfigurationError(f"The number of bad rows to tolerate is not negative, as {tolerance} is.")
        self._path = None if path is None else os.fspath(path)
        self._tolerance = tolerance
        self._file: IO[bytes] | None = None
        self.count = 0
        self.size = 0
        """Bytes of the file so far."""

    def begin(self, count: int = 0, size: int = 0) -> None:
        """Start a file, or go on after so many rows and bytes of one.

        Raises:
            ConfigurationError: the file cannot be written.
        """
        self.count = count
        if self._path is None:
            return
        try:
            known = os.path.exists(self._path) and size > 0
            self._file = open(self._path, "r+b" if known else "wb")  # noqa: SIM115 - closed by `close`
            if known:
                self._file.truncate(size)
                self.size = self._file.seek(0, os.SEEK_END)
            else:
                self.size = self._file.write(_HEADER.encode())
        except OSError as error:
            raise ConfigurationError(f"The file for bad rows, {self._path}, cannot be written: {error}.") from error

    def take(self, rows: Sequence[BadRow]) -> None:
        """Leave rows out.

        Raises:
            TooManyBadRows: beyond the tolerance; the file has them all the same.
        """
        if not rows:
            return
        self.count += len(rows)
        if self._file is not None:
            lines = (
                f"{_quoted(r.file)},{r.line},{_quoted(r.short_reason)},{_quoted(r.row[:_ROW_MAX])}\n" for r in rows
            )
            self.size += self._file.write("".join(lines).encode("utf-8", "surrogateescape"))
            self._file.flush()
            os.fsync(self._file.fileno())
        if self.count > self._tolerance:
            row = rows[len(rows) - (self.count - self._tolerance)]
            allowed = f" Only {self._tolerance:,} bad rows are tolerated." if self._tolerance else ""
            raise TooManyBadRows(
                f"{row}.{allowed}",
                hint="Nothing of this part was loaded; the parts before it are, and the import can be resumed.",
            )

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'
