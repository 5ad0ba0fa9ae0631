"""A script cut into statements while it is being typed: at semicolons outside strings, quoted names and comments."""

from __future__ import annotations

import re
from typing import Final

_PIECE: Final = re.compile(
    r"""
    (?P<end>;)
  | '(?:[^'\\]|\\.)*' | "(?:[^"\\]|\\.)*" | `(?:[^`]|``)*`
  | //[^\n]* | /\*.*?\*/
  | (?P<open>['"`]|/\*)
  | [^;'"`/]+ | /
    """,
    re.VERBOSE | re.DOTALL,
)


def split_script(text: str) -> tuple[list[str], str]:
    r"""The statements that are complete, without their semicolons, and what is left.

    A quote or comment that is still open takes the rest of the text with it.

    >>> split_script("RETURN ';'; RETURN 2;\nRETURN")
    (["RETURN ';'", 'RETURN 2'], 'RETURN')
    >>> split_script("RETURN 'a; b;")
    ([], "RETURN 'a; b;")
    """
    statements: list[str] = []
    start = position = 0
    while position < len(text):
        piece = _PIECE.match(text, position)
        assert piece is not None, "the alternatives take any character"
        if piece["open"]:
            break
        if piece["end"]:
            statements.append(text[start:position].strip())
            start = piece.end()
        position = piece.end()
    return [s for s in statements if s], text[start:].strip()
