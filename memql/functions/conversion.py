"""Conversion, and the names of types."""

from __future__ import annotations

from collections.abc import Callable

from memoradb.core import coercion
from memoradb.core.errors import TypeMismatch
from memoradb.core.semantics import type_name
from memoradb.core.values import Value

from ..bind.types import Type
from .registry import function

for _name, _convert, _result, _text in (
    ("toInteger", coercion.to_integer, Type.INTEGER, "The value as an integer, null where a string is none."),
    ("toFloat", coercion.to_float, Type.FLOAT, "The value as a float, null where a string is none."),
    ("toString", coercion.to_string, Type.STRING, "The value as a string."),
    ("toBoolean", coercion.to_boolean, Type.BOOLEAN, "The value as a boolean, null where a string is none."),
):

    def _declare(name: str, convert: Callable[[Value], Value], result: Type, text: str) -> None:
        def plain(x: Value) -> Value:
            return convert(x)

        def or_null(x: Value) -> Value:
            try:
                return convert(x)
            except TypeMismatch:
                return None

        def each(x: Value) -> Value:
            if type(x) is not list:
                raise TypeMismatch(f"{name}List() takes a list, not {type_name(x)}.")
            return [or_null(v) for v in x]

        plain.__doc__ = text
        or_null.__doc__ = text + " Null also for types that cannot be converted."
        each.__doc__ = f"Every element converted by {name}OrNull."
        function(name, (Type.ANY,), result)(plain)
        function(f"{name}OrNull", (Type.ANY,), result)(or_null)
        function(f"{name}List", (Type.LIST,), Type.LIST)(each)

    _declare(_name, _convert, _result, _text)


_TYPE_ORDER = (
    "BOOLEAN",
    "STRING",
    "INTEGER",
    "FLOAT",
    "DATE",
    "LOCAL TIME",
    "ZONED TIME",
    "LOCAL DATETIME",
    "ZONED DATETIME",
    "DURATION",
    "POINT",
    "NODE",
    "RELATIONSHIP",
    "VECTOR",
    "BYTES",
    "MAP",
)


@function("valueType", (Type.ANY,), Type.STRING, null_propagates=False)
def _value_type(x: Value) -> Value:
    """The type of a value, as text."""
    if x is None:
        return "NULL"
    if type(x) is not list:
        return f"{type_name(x)} NOT NULL"
    inner = sorted({str(_value_type(v)) for v in x if v is not None}, key=_rank)
    if any(v is None for v in x):
        inner = [t.removesuffix(" NOT NULL") for t in inner] or ["NULL"]
    return f"LIST<{' | '.join(inner) or 'NOTHING'}> NOT NULL"


def _rank(shown: str) -> tuple[int, str]:
    """By the type's place in the standard's list, then by text (lists of different elements)."""
    plain = shown.removesuffix(" NOT NULL")
    return (_TYPE_ORDER.index(plain) if plain in _TYPE_ORDER else len(_TYPE_ORDER), shown)
