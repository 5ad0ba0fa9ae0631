"""Strings."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable

from memoradb.core.errors import ArgumentError, TypeMismatch
from memoradb.core.limits import STRING_LENGTH_MAX
from memoradb.core.semantics import type_name
from memoradb.core.values import Value

from ..bind.types import Type
from .registry import function

_S, _I = Type.STRING, Type.INTEGER


def string(value: Value, name: str) -> str:
    """``value``; TypeMismatch unless it is a string."""
    if type(value) is str:
        return value
    raise TypeMismatch(f"{name}() takes a string, not {type_name(value)}.")


def _count(value: Value, name: str) -> int:
    if type(value) is not int:
        raise TypeMismatch(f"{name}() takes an integer, not {type_name(value)}.")
    if value < 0:
        raise ArgumentError(f"{name}() takes a number of characters, not {value}.", detail="NegativeIntegerArgument")
    return value


def _unary(name: str, compute: Callable[[str], str], description: str, *aliases: str) -> None:
    def evaluate(x: Value) -> Value:
        return compute(string(x, name))

    evaluate.__doc__ = description
    function(name, (_S,), _S, aliases=aliases)(evaluate)


_unary("toUpper", str.upper, "The string in upper case.", "upper")
_unary("toLower", str.lower, "The string in lower case.", "lower")


def _trimmer(name: str, strip: Callable[[str, str | None], str], description: str) -> None:
    def evaluate(x: Value, characters: Value = None) -> Value:
        return strip(string(x, name), None if characters is None else string(characters, name))

    evaluate.__doc__ = description
    function(name, (_S, _S), _S, required=1)(evaluate)


_trimmer("trim", str.strip, "The string without white space (or these characters) at both ends.")
_trimmer("btrim", str.strip, "The string without white space (or these characters) at both ends.")
_trimmer("ltrim", str.lstrip, "The string without white space (or these characters) at its start.")
_trimmer("rtrim", str.rstrip, "The string without white space (or these characters) at its end.")


@function("left", (_S, _I), _S)
def _left(x: Value, length: Value) -> Value:
    """The first characters."""
    return string(x, "left")[: _count(length, "left")]


@function("right", (_S, _I), _S)
def _right(x: Value, length: Value) -> Value:
    """The last characters."""
    count = _count(length, "right")
    return string(x, "right")[-count:] if count else ""


@function("substring", (_S, _I, _I), _S, required=2)
def _substring(x: Value, start: Value, length: Value = None) -> Value:
    """The characters from a position on (0 is the first), all or so many."""
    text, first = string(x, "substring"), _count(start, "substring")
    return text[first:] if length is None else text[first : first + _count(length, "substring")]


@function("replace", (_S, _S, _S), _S)
def _replace(x: Value, search: Value, replacement: Value) -> Value:
    """Every occurrence of a string replaced by another."""
    text, old, new = string(x, "replace"), string(search, "replace"), string(replacement, "replace")
    if not old:
        return text
    if len(new) > len(old) and len(text) + text.count(old) * (len(new) - len(old)) > STRING_LENGTH_MAX:
        raise ArgumentError(f"replace() would make a string longer than {STRING_LENGTH_MAX} characters.")
    return text.replace(old, new)


@function("split", (_S, _S | Type.LIST), Type.LIST)
def _split(x: Value, delimiter: Value) -> Value:
    """The parts between a delimiter, or between any of several."""
    text = string(x, "split")
    delimiters = delimiter if isinstance(delimiter, list) else [delimiter]
    parts = [text]
    for one in delimiters:
        mark = string(one, "split")
        parts = [piece for part in parts for piece in (part.split(mark) if mark else list(part))]
    return parts


@function("char_length", (_S,), _I, aliases=("character_length",))
def _char_length(x: Value) -> Value:
    """The number of characters."""
    return len(string(x, "char_length"))


@function("normalize", (_S, _S), _S, required=1)
def _normalize(x: Value, form: Value = "NFC") -> Value:
    """The string in a Unicode normal form."""
    if form not in ("NFC", "NFD", "NFKC", "NFKD"):
        raise ArgumentError(f"normalize() knows NFC, NFD, NFKC and NFKD, not {form!r}.")
    return unicodedata.normalize(form, string(x, "normalize"))  # pyright: ignore[reportArgumentType]


@function("ascii", (_S,), _I)
def _ascii(x: Value) -> Value:
    """The code of the first character."""
    text = string(x, "ascii")
    return ord(text[0]) if text else 0
