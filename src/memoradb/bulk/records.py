r"""CSV text as records, exactly: RFC 4180 with line numbers, and what breaks its rules told record by record.

The slow and plain twin of pyarrow's reader: ``csv`` uses it where pyarrow is not installed, and for every block in
which anything is unusual. The rules:

- a record is a line; ``\r\n`` and ``\n`` end one; empty lines are skipped;
- a field that begins with a quote ends with one, and inside it two stand for one; behind the closing quote comes the
  delimiter or the end of the record;
- a quote inside a field that does not begin with one stands for itself;
- line ends inside quotes belong to the field if ``multiline``, else the record is bad;
- a field that is empty is missing, ``""`` is the empty string.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a file is written. ``quote`` None: no field is quoted."""

    delimiter: str = ","
    quote: str | None = '"'
    multiline: bool = False


@dataclass(frozen=True, slots=True)
class Record:
    """One record: its fields, or why it is bad. ``end`` is the place in the text after it."""

    line: int
    end: int
    fields: list[str | None]
    error: str | None = None
    text: str = ""


def records(text: str, dialect: Dialect, line: int = 1) -> Iterator[Record]:
    """The records of ``text``, which begins with line number ``line``."""
    delimiter, quote = dialect.delimiter, dialect.quote
    position, length = 0, len(text)
    while position < length:
        stop = text.find("\n", position)
        stop = length if stop < 0 else stop
        content = text[position:stop].removesuffix("\r")
        if not content:
            position, line = stop + 1, line + 1
            continue
        if quote is None or quote not in content:
            fields: list[str | None] = [field or None for field in content.split(delimiter)]
            position = min(stop + 1, length)
            yield Record(line, position, fields, text=content)
            line += 1
            continue
        found = _quoted_record(text, position, dialect)
        if isinstance(found, str):
            position = min(stop + 1, length)
            yield Record(line, position, [], found, content)
            line += 1
        else:
            fields, end = found
            raw = text[position:end]
            yield Record(line, end, fields, text=raw.removesuffix("\n").removesuffix("\r"))
            line += raw.count("\n")
            position = end


def _quoted_record(text: str, position: int, dialect: Dialect) -> tuple[list[str | None], int] | str:
    """The fields of a record with quotes and where it ends, or what is wrong with it."""
    delimiter, quote = dialect.delimiter, dialect.quote
    assert quote is not None
    fields: list[str | None] = []
    length = len(text)
    while True:
        if text.startswith(quote, position):
            start = position + 1
            place = text.find(quote, start)
            while place >= 0 and text.startswith(quote, place + 1):
                place = text.find(quote, place + 2)
            if place < 0:
                return "a quoted field is never closed"
            value = text[start:place].replace(quote * 2, quote)
            if not dialect.multiline and "\n" in value:
                return "a quoted field does not end on its line (are multi-line fields allowed?)"
            fields.append(value)
            position = place + 1
        else:
            ends = [e for e in (text.find(delimiter, position), text.find("\n", position)) if e >= 0]
            place = min(ends, default=length)
            value = text[position:place]
            if not text.startswith(delimiter, place):
                value = value.removesuffix("\r")
                place = position + len(value)
            fields.append(value or None)
            position = place
        if text.startswith(delimiter, position):
            position += 1
        elif position >= length:
            return fields, length
        elif text.startswith("\n", position):
            return fields, position + 1
        elif text.startswith("\r\n", position):
            return fields, position + 2
        elif text.startswith("\r", position) and position + 1 == length:
            return fields, length
        else:
            return f"text follows the closing quote of field {len(fields)}"


def is_plain(data: bytes, dialect: Dialect) -> bool:
    """Whether every quote of ``data`` opens a field, closes one or stands doubled in one, and no record is bad for it.

    Then any reader of RFC 4180 finds the same records. What is no whole record at the end is not plain.
    """
    if b"\r" in data and data.count(b"\r") != data.count(b"\r\n"):
        return False
    if dialect.quote is None or dialect.quote.encode() not in data:
        return True
    raw = np.frombuffer(data, np.uint8)
    mark, delimiter = ord(dialect.quote), ord(dialect.delimiter)
    quotes = np.flatnonzero(raw == mark)
    if len(quotes) % 2:
        return False
    opening, closing = quotes[::2], quotes[1::2]
    before = raw.take(opening - 1, mode="clip")
    after = raw.take(closing + 1, mode="clip")
    opens = (before == delimiter) | (before == 10) | (before == mark) | (opening == 0)
    closes = (after == delimiter) | (after == 10) | (after == 13) | (after == mark) | (closing == len(raw) - 1)
    if not opens.all() or not closes.all():
        return False
    if not dialect.multiline:
        ends = np.flatnonzero(raw == 10)
        return not (np.searchsorted(quotes, ends) % 2).any()
    return True


def after_last_record(data: bytes, dialect: Dialect) -> int:
    """Where the last whole record of ``data`` ends, 0 where there is none."""
    if not dialect.multiline or dialect.quote is None or dialect.quote.encode() not in data:
        return data.rfind(b"\n") + 1
    raw = np.frombuffer(data, np.uint8)
    quotes = np.flatnonzero(raw == ord(dialect.quote))
    ends = np.flatnonzero(raw == 10)
    outside = ends.compress(np.searchsorted(quotes, ends) % 2 == 0)
    if len(outside):
        end = int(outside[-1]) + 1
        if is_plain(data[:end], dialect):
            return end
    # Quotes where they do not belong: look at the records one by one. The last one may go on in what is still to come.
    text = data.decode("utf-8", "surrogateescape")
    last = 0
    for record in records(text, dialect):
        if record.error == "a quoted field is never closed":
            break
        if record.end < len(text) or text.endswith("\n"):
            last = record.end
    return len(text[:last].encode("utf-8", "surrogateescape"))
