"""Text to tokens: one regular expression.

Tokens carry their offsets; comments and white space go. What a token is may still change: ``retag`` decides by context.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from memoradb.core.errors import MemQLSyntaxError, QueryTooComplex
from memoradb.core.limits import QUERY_TEXT_MAX, TOKENS_MAX
from memoradb.core.spans import Span, shortened

RESERVED: Final = frozenset(
    "CALL CREATE DELETE DETACH FOREACH MATCH MERGE OPTIONAL REMOVE RETURN SET UNION UNWIND WITH WHERE YIELD "
    "AS ASC ASCENDING BY DESC DESCENDING DISTINCT LIMIT ON ORDER SKIP "
    "AND CASE CONTAINS ELSE END ENDS FALSE IN IS NOT NULL OR STARTS THEN TRUE WHEN XOR".split()
)
"""See ``grammar/keywords.txt``."""

_SYNONYMS: Final = {"ASCENDING": "ASC", "DESCENDING": "DESC"}
_KEYWORDS: Final = {word: _SYNONYMS.get(word, word) for word in RESERVED}

OPERATORS: Final = {
    "(": "LPAR",
    ")": "RPAR",
    "[": "LSQB",
    "]": "RSQB",
    "{": "LBRACE",
    "}": "RBRACE",
    ",": "COMMA",
    ":": "COLON",
    "::": "DCOLON",
    ".": "DOT",
    "..": "DOTDOT",
    "=": "EQ",
    "<>": "NE",
    "<": "LT",
    "<=": "LE",
    ">": "GT",
    ">=": "GE",
    "+": "PLUS",
    "+=": "PLUSEQ",
    "-": "MINUS",
    "*": "STAR",
    "/": "SLASH",
    "%": "PERCENT",
    "^": "CARET",
    "|": "BAR",
    "||": "CONCAT",
    "&": "AMP",
    "!": "BANG",
    ";": "SEMI",
    "=~": "REGEX",
    "$": "DOLLAR",
}

_TOKEN: Final = re.compile(
    r"""
    (?P<SKIP>(?:\s+|//[^\n]*|/\*(?s:.*?)\*/)+)
  | (?P<STRING>'(?:[^'\\]|\\(?s:.))*'|"(?:[^"\\]|\\(?s:.))*")
  | (?P<DOTDOT>\.\.)
  | (?P<NUMBER>(?:0[xX][0-9a-zA-Z_]+|0[oO]?[0-9][0-9a-zA-Z_]*(?![.\w])|\d[\d_]*\.\d[\d_]*(?:[eE][+-]?\d+)?
        |\.\d[\d_]*(?:[eE][+-]?\d+)?
        |\d[\d_]*[eE][+-]?\d+|\d[\d_]*)[^\W\d]*\w*)
  | (?P<PARAM>\$(?:`(?:[^`]|``)*`|\w+))
  | (?P<IDENT>[^\W\d]\w*|`(?:[^`]|``)*`)
  | (?P<OP>::|\+=|=~|<>|<=|>=|\|\||/(?!\*)|[()\[\]{},:.=<>+\-*%^!&|;$])
    """,
    re.VERBOSE,
)

_LOOK_ALIKES: Final = {
    character: plain
    for plain, characters in {
        "'": "\u2018\u2019\u201a\u201b\u2032\u00b4\u02bc\uff07",
        '"': "\u201c\u201d\u201e\u201f\u2033\u00ab\u00bb\uff02",
        "`": "\u02cb\uff40",
        "-": "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u00ad\uff0d\ufe63",
        "->": "\u2192\u27f6\u21d2",
        "<-": "\u2190\u27f5\u21d0",
        "<>": "\u2260",
        "<=": "\u2264",
        ">=": "\u2265",
        "*": "\u00d7\u2217\u22c5\uff0a",
        "/": "\u00f7\u2215\u2044\uff0f",
        "...": "\u2026",
        "(": "\uff08", ")": "\uff09", "[": "\uff3b", "]": "\uff3d", "{": "\uff5b", "}": "\uff5d",
        ",": "\uff0c\u3001", ":": "\uff1a", ";": "\uff1b\u037e", ".": "\u3002\uff0e", "=": "\uff1d",
        "<": "\uff1c\u2039", ">": "\uff1e\u203a", "+": "\uff0b", "|": "\u2223\uff5c", "$": "\uff04",
        "space": "\u200b\u200c\u200d\u2060\ufeff\u00a0\u2007\u202f",
    }.items()
    for character in characters
}  # fmt: skip
"""Characters that word processors and other alphabets put in place of the plain ones."""


class Token:
    """A token: ``type`` names a terminal, ``value`` is the text, ``start_pos`` and ``end_pos`` its offsets."""

    __slots__ = ("end_pos", "start_pos", "type", "value")

    # Lark reads these of tokens when it reports; ours are computed from offsets.
    line = column = end_line = end_column = None

    def __init__(self, type: str, value: str, start_pos: int, end_pos: int) -> None:
        self.type = type
        self.value = value
        self.start_pos = start_pos
        self.end_pos = end_pos

    def __repr__(self) -> str:
        return f"{self.type}:{self.value!r}"


def tokenize(text: str) -> list[Token]:
    """All tokens of ``text``.

    Raises:
        MemQLSyntaxError: a character, string, comment or number that cannot be read.
        QueryTooComplex: longer than a statement may be.
    """
    if len(text) > QUERY_TEXT_MAX:
        raise QueryTooComplex(
            f"A statement has at most {QUERY_TEXT_MAX} characters; this one has {len(text)}.",
            limit="QUERY_TEXT_MAX",
            value=QUERY_TEXT_MAX,
            hint="Pass data as parameters.",
        )
    tokens: list[Token] = []
    append, match = tokens.append, _TOKEN.match
    position, end = 0, len(text)
    while position < end:
        found = match(text, position)
        if found is None:
            raise _unreadable(text, position)
        kind = found.lastgroup
        stop = found.end()
        if kind == "IDENT":
            value = found.group()
            append(Token(_KEYWORDS.get(value.upper(), "IDENT"), value, position, stop))
        elif kind == "OP":
            value = found.group()
            append(Token(OPERATORS[value], value, position, stop))
        elif kind == "NUMBER":
            append(_number(found.group(), position, stop))
        elif kind != "SKIP":
            assert kind is not None
            append(Token(kind, found.group(), position, stop))
        position = stop
    if len(tokens) > TOKENS_MAX:
        raise QueryTooComplex(
            f"A statement has at most {TOKENS_MAX} tokens; this one has {len(tokens)}.",
            limit="TOKENS_MAX",
            value=TOKENS_MAX,
            hint="Pass data as parameters.",
        )
    return tokens


_INTEGER: Final = re.compile(r"0[xX][0-9a-fA-F]+(?:_[0-9a-fA-F]+)*|0[oO][0-7]+(?:_[0-7]+)*|\d+(?:_\d+)*")
_FLOAT: Final = re.compile(r"(?:\d[\d_]*)?\.\d[\d_]*(?:[eE][+-]?\d+)?|\d[\d_]*[eE][+-]?\d+")


def _number(value: str, start: int, stop: int) -> Token:
    if _INTEGER.fullmatch(value):
        return Token("INT", value, start, stop)
    if _FLOAT.fullmatch(value):
        return Token("FLOAT", value, start, stop)
    hint = None
    if value[0].isdigit() and not value[1:2].isdigit() and value.isalnum() and value[:2].lower() not in ("0x", "0o"):
        hint = f"A name that begins with a digit stands between backticks: `{shortened(value)}`."
    raise MemQLSyntaxError(
        f"`{shortened(value)}` is not a number.", span=Span(start, stop), hint=hint, detail="InvalidNumberLiteral"
    )


_COMMENT: Final = "A comment begins with // or stands between /* and */."


def _unreadable(text: str, position: int) -> MemQLSyntaxError:
    here = text[position]
    rest = Span(position, min(len(text), position + 1))
    if here in "'\"":
        return MemQLSyntaxError("This string has no end.", span=rest, hint=f"Close it with {here}.", gqlstatus="42I19")
    if here == "`":
        return MemQLSyntaxError("This name has no end.", span=rest, hint="Close it with `.")
    if text.startswith("/*", position):
        span = Span(position, position + 2)
        return MemQLSyntaxError("This comment has no end.", span=span, hint="Close it with */.", gqlstatus="42I02")
    meant = _LOOK_ALIKES.get(here)
    name = unicodedata.name(here, "")
    shown = f"`{here}`, " if here.isprintable() else ""
    return MemQLSyntaxError(
        f"Unexpected character {shown}U+{ord(here):04X}{f' ({name.lower()})' if name else ''}.",
        span=rest,
        hint=f"Write the plain {meant} instead." if meant else _COMMENT if here == "#" else None,
        detail=None if here.isascii() else "InvalidUnicodeCharacter",
    )
