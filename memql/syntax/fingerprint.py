"""The second level's key: a statement with its literals lifted to parameters.

One regular expression walks the text. A literal is lifted where it surely stands in a value's place and decides nothing
about the plan: after a comparison operator, ``IN [``..., as a value in a property map, after ``SET x.y =``. Left alone
is everything in RETURN and WITH (a column's name is its text), ORDER BY, SKIP, LIMIT, pattern lengths, procedure calls,
CASE and whatever else is not on that list: a literal that stays only means another entry in the cache.

The key is MemQL again: lifted literals become parameters whose names no user can write unquoted (`` `  0` ``), so the
key parses and plans like any text. Equal literals of different types get different keys' parameters but the same key:
plans depend on a lifted literal's type only through ``parameter_types`` at the first compile, so the type is part of
the key.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

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
    (?P<comment>//[^\n]*|/\*(?s:.*?)\*/)
  | (?P<name>`(?:[^`]|``)*`)
  | (?P<clause>\b(?:MATCH|WHERE|SET|CREATE|MERGE|RETURN|WITH|ORDER|SKIP|LIMIT|UNWIND|CALL|YIELD|CASE|DELETE|REMOVE|ON
        |UNION|OPTIONS|SEARCH|FOREACH|SHOW|DROP|INDEX|CONSTRAINT)\b)
  | (?P<lead>(?:<>|<=|>=|=~|=|<|>|\bCONTAINS\b|\bWITH\b|[A-Za-z_]\w*\s*:)\s*)?
    (?P<literal>'[^'\\\n]*'|"[^"\\\n]*"|(?<![\w.$])-?\d+(?:\.\d+)?(?![\w.]))
  | (?P<string>'(?:[^'\\]|\\(?s:.))*'|"(?:[^"\\]|\\(?s:.))*")
    """,
    re.VERBOSE | re.IGNORECASE,
)

_LIFTING: Final = frozenset(("MATCH", "WHERE", "SET", "CREATE", "MERGE"))


def fingerprint(text: str) -> Fingerprint:
    """The key of ``text`` and the values lifted out of it.

    >>> fingerprint("MATCH (n {id: 7}) WHERE n.x = 'a' RETURN 1").parameters
    {'  0i': 7, '  1s': 'a'}
    """
    parameters: dict[str, Value] = {}
    clause = ""

    def lift(found: re.Match[str]) -> str:
        nonlocal clause
        kind = found.lastgroup
        if kind == "clause":
            word = found.group().upper()
            # STARTS WITH and ENDS WITH are no clause; ON CREATE SET goes on as SET.
            if word == "WITH" and text[: found.start()].rstrip()[-6:].upper().endswith(("STARTS", "ENDS")):
                return found.group()
            if word != "ON":
                clause = word
            return found.group()
        if kind != "literal" or clause not in _LIFTING:
            return found.group()
        lead, literal = found.group("lead"), found.group("literal")
        if not lead:
            return found.group()
        if literal[0] in "'\"":
            value: Value = literal[1:-1]
        elif "." in literal:
            value = float(literal)
        else:
            value = int(literal)
            if abs(value) > INTEGER_MAX:
                return found.group()
        tag = "s" if isinstance(value, str) else "f" if isinstance(value, float) else "i"
        name = f"{PREFIX}{len(parameters)}{tag}"
        parameters[name] = value
        return f"{lead}$`{name}`"

    key = _PIECE.sub(lift, text)
    return Fingerprint(key, parameters) if parameters else Fingerprint(text, parameters)
