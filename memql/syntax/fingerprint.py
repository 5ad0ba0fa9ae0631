"""The second level's key: a statement with its literals lifted to parameters, and its white space and comments plain.

One regular expression walks the text. A literal is lifted where it surely stands in a value's place and decides nothing
about the plan: after a comparison operator, as a value in a property map, after ``SET x.y =``. Left alone is everything
in RETURN and WITH, inside their brackets too (a column's name is its text), ORDER BY, SKIP, LIMIT, pattern lengths,
procedure calls, CASE and whatever else is not on that list: a literal that stays only means another entry in the cache.
Outside the items of RETURN and WITH a run of white space and comments becomes one space, or none.

The key is MemQL again: lifted literals become parameters whose names no user can write unquoted (`` `  0i` ``), so the
key parses and plans like any text. A plan depends on a lifted literal's type, so the type is part of the name.

Spans of a plan made from a key point into the key; ``in_text`` leads them back.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from memoradb.core.spans import Span
from memoradb.core.values import INTEGER_MAX, Value

PREFIX: Final = "  "
"""What names of lifted literals begin with: two spaces."""


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """``key`` with ``parameters`` in place of literals means the same as the text."""

    key: str
    parameters: Mapping[str, Value]


_PIECE: Final = re.compile(
    r"""
    \s*(?:(?P<operator><>|<=|>=|=~|=|<|>|\b(?:CONTAINS|STARTS\s+WITH|ENDS\s+WITH)\b)|(?P<key>\b[A-Za-z_]\w*)\s*:)
    \s*(?P<literal>'[^'\\\n]*'|"[^"\\\n]*"|-?\d+(?:\.\d+)?(?![\w.]))
  | (?P<skip>(?:\s+|//[^\n]*|/\*(?s:.*?)\*/)+)
  | (?P<open>[(\[{])
  | (?P<close>[)\]}])
  | (?P<clause>(?<![\w.:&|!$])(?:MATCH|WHERE|SET|CREATE|MERGE|RETURN|WITH|ORDER|SKIP|OFFSET|LIMIT|UNWIND|CALL|YIELD|CASE
        |DELETE|DETACH|REMOVE|UNION|OPTIONS|OPTIONAL|SEARCH|FOREACH|FOR|LET|FILTER|SHOW|DROP|INDEX|CONSTRAINT)\b)
  | `(?:[^`]|``)*`
  | '(?:[^'\\]|\\(?s:.))*'|"(?:[^"\\]|\\(?s:.))*"
    """,
    re.VERBOSE | re.IGNORECASE,
)

_LIFTING: Final = frozenset(("MATCH", "WHERE", "SET", "CREATE", "MERGE"))
_PROJECTING: Final = frozenset(("RETURN", "WITH"))
_CLOSED: Final = "()[]{},"
_DECISIVE: Final = frozenset(("0", "1"))
"""Left alone after what may be a count: one that is compared with them need not be counted to its end."""
_COUNTS: Final = ("}", "])")
"""How ``COUNT { ... }`` and the size of a comprehension end."""


class _Walk:
    """One pass over a text. ``edits`` are what was replaced, as (start, end, replacement length), where asked for."""

    __slots__ = ("around", "clause", "depth", "edits", "items", "parameters", "text", "touched")

    def __init__(self, text: str, edits: list[tuple[int, int, int]] | None = None) -> None:
        self.text = text
        self.clause = ""
        self.depth = 0
        """How many brackets the clause stands in."""
        self.around: list[tuple[str, int]] = []
        """The clause, and its depth, around each open bracket."""
        self.items = 0
        """How many open brackets stand in a projection's items."""
        self.parameters: dict[str, Value] = {}
        self.touched = -1
        """Where the last keyword of a projection ends: white space right behind it is no part of a column's name."""
        self.edits = edits

    def replace(self, found: re.Match[str]) -> str:
        """What the key has in a piece's place."""
        kind = found.lastgroup
        if kind == "skip":
            new = self._skip(found)
        elif kind == "literal":
            new = self._lift(found)
        else:
            new = found.group()
            if kind == "open":
                self.around.append((self.clause, self.depth))
                self.items += self.clause in _PROJECTING
            elif kind == "close":
                if self.around:
                    self.clause, self.depth = self.around.pop()
                    self.items -= self.clause in _PROJECTING
            elif kind == "clause":
                self._enter(found, new.upper())
        if self.edits is not None and kind != "literal" and new != found.group():
            self.edits.append((found.start(), found.end(), len(new)))
        return new

    def _enter(self, found: re.Match[str], word: str) -> None:
        # A WHERE or MATCH inside an item of RETURN is part of a column's name, and so is a CASE.
        if self.items or (word == "CASE" and self.clause in _PROJECTING):
            return
        self.clause, self.depth, self.touched = word, len(self.around), found.end()

    def _skip(self, found: re.Match[str]) -> str:
        """One space, or none beside a bracket or comma; inside an item of a projection the text as it stands."""
        text, end = self.text, found.end()
        if self.clause not in _PROJECTING:
            return "" if text[found.start() - 1] in _CLOSED or text[end : end + 1] in _CLOSED else " "
        if len(self.around) == self.depth:
            if found.start() == self.touched or text[found.start() - 1] == "," or end == len(text) or text[end] in ",;":
                return " "
            if _NEXT.match(text, end):
                return " "
        return found.group()

    def _lift(self, found: re.Match[str]) -> str:
        if self.clause not in _LIFTING:
            return found.group()
        literal = found.group("literal")
        if literal in _DECISIVE and found.group("operator") and self.text.endswith(_COUNTS, 0, found.start()):
            return found.group()
        if literal[0] in "'\"":
            value: Value = literal[1:-1]
            tag = "s"
        elif "." in literal:
            value, tag = float(literal), "f"
        else:
            value, tag = int(literal), "i"
            if abs(value) > INTEGER_MAX:
                return found.group()
        name = f"{PREFIX}{len(self.parameters)}{tag}"
        self.parameters[name] = value
        operator = found.group("operator")
        lead, gap = (found.group("key"), ":") if operator is None else (" ".join(operator.split()), " ")
        new = f"$`{name}`"
        if self.edits is not None:
            start, end = found.span("key" if operator is None else "operator")
            place = found.start("literal")
            self.edits += (
                (found.start(), start, 1),
                (start, end, len(lead)),
                (end, place, 1),
                (place, found.end(), len(new)),
            )
        return f" {lead}{gap}{new}"


_NEXT: Final = re.compile(
    r"(?:MATCH|WHERE|SET|CREATE|MERGE|RETURN|WITH|ORDER|SKIP|OFFSET|LIMIT|UNWIND|CALL|DELETE|DETACH|REMOVE|UNION|OPTIONAL"
    r"|FOREACH|AS)\b",
    re.IGNORECASE,
)


def fingerprint(text: str) -> Fingerprint:
    r"""The key of ``text`` and the values lifted out of it.

    >>> fingerprint("MATCH (n {id: 7}) WHERE n.x = 'a' RETURN 1").parameters
    {'  0i': 7, '  1s': 'a'}
    >>> fingerprint("MATCH (n)  // all\nRETURN n").key
    'MATCH(n)RETURN n'
    """
    walk = _Walk(text)
    return Fingerprint(_PIECE.sub(walk.replace, text).strip(), walk.parameters)


def in_text(text: str, span: Span) -> Span:
    """Where in ``text`` a span of its fingerprint's key stands. Walks the text again."""
    return places_in_text(text)(span)


def places_in_text(text: str) -> Callable[[Span], Span]:
    """``in_text`` for many spans of one text: it is walked once."""
    edits: list[tuple[int, int, int]] = []
    key = _PIECE.sub(_Walk(text, edits).replace, text)
    dropped = len(key) - len(key.lstrip())
    starts, offsets = [], []  # of each edit: where it begins in the key, and what to add to key offsets from its end on
    shift = 0
    for start, end, length in edits:
        starts.append(start - shift)
        shift += (end - start) - length
        offsets.append(shift)

    def back(offset: int, ends: bool) -> int:
        i = bisect_right(starts, offset - ends) - 1
        if i < 0:
            return offset
        start, end, length = edits[i]
        within = offset - starts[i]
        if within >= length:
            return offset + offsets[i]
        return end if ends else min(start + within, end)

    def place(span: Span) -> Span:
        first = min(back(span.start + dropped, False), len(text))
        return Span(first, max(first, back(span.end + dropped, True)))

    return place
