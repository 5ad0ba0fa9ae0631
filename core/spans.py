"""Where in a query's text something stands, and the caret that shows it."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Span:
    """Offsets of the first character and of the one after the last."""

    start: int
    end: int


NOWHERE: Final = Span(0, 0)


@dataclass(frozen=True, slots=True)
class Position:
    """A place for people: offset from 0, line and column from 1."""

    offset: int
    line: int
    column: int


def position_of(text: str, offset: int) -> Position:
    r"""Line and column of ``offset`` in ``text``.

    >>> position_of("MATCH (n)\nRETURN m", 17)
    Position(offset=17, line=2, column=8)
    """
    line_start = text.rfind("\n", 0, offset) + 1
    return Position(offset, text.count("\n", 0, offset) + 1, offset - line_start + 1)


def render_caret(text: str, span: Span, width: int = 100) -> str:
    """The line of ``text`` that ``span`` starts in, and carets under the span; long lines are cut around it.

    What a terminal could not show, or would take for a command, is shown as a replacement character.

    >>> print(render_caret("RETURN frend.age", Span(7, 12)))
      RETURN frend.age
             ^^^^^
    """
    start = text.rfind("\n", 0, span.start) + 1
    end = text.find("\n", span.start)
    end = len(text) if end < 0 else end
    before, after = "", ""
    if end - start > width:
        cut = max(start, span.start - width // 2)
        before = "..." if cut > start else ""
        start = cut
        after = "..." if start + width < end else ""
        end = min(end, start + width)
    indent = len(before) + _columns(text[start : span.start])
    carets = max(1, _columns(text[span.start : min(span.end, end)]))
    shown = "".join(_visible(c) for c in text[start:end])
    return f"  {before}{shown}{after}\n  {' ' * indent}{'^' * carets}"


def _visible(character: str) -> str:
    if character.isprintable():
        return character
    return " " if character in "\t\r\x0b\x0c" or character.isspace() else "\ufffd"


def _columns(text: str) -> int:
    """How many columns of a terminal ``text`` takes: wide characters two, combining ones none."""
    if text.isascii():
        return len(text)
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def shortened(text: str, length: int = 40) -> str:
    """``text`` for a message: on one line, cut where it is longer, with nothing that cannot be printed.

    >>> shortened("x" * 100, 10)
    'xxxxxxx...'
    """
    cut = text if len(text) <= length else text[: length - 3] + "..."
    return "".join(map(_visible, cut))
