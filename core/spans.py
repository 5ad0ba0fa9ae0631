"""Where in a query's text something stands, and the caret that shows it."""

from __future__ import annotations

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

    >>> print(render_caret("RETURN frend.age", Span(7, 12)))
      RETURN frend.age
             ^^^^^
    """
    start = text.rfind("\n", 0, span.start) + 1
    end = text.find("\n", span.start)
    end = len(text) if end < 0 else end
    if end - start > width:
        start = max(start, span.start - width // 2)
        end = min(end, start + width)
    shown = text[start:end].replace("\t", " ").replace("\r", " ")
    carets = max(1, min(span.end, end) - span.start)
    return f"  {shown}\n  {' ' * (span.start - start)}{'^' * carets}"
