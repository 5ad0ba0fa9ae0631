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


@function("valueType", (Type.ANY,), Type.STRING, null_propagates=False)
def _value_type(x: Value) -> Value:
    """The type of a value, as text."""
    if x is None:
        return "NULL"
    if type(x) is list:
        inner = sorted({str(_value_type(v)).replace(" NOT NULL", "") for v in x} - {"NULL"})
        nullable = any(v is None for v in x)
        shown = " | ".join(inner) if inner else "NOTHING" if not nullable else "NULL"
        return f"LIST<{shown}{'' if nullable or not inner else ' NOT NULL'}> NOT NULL"
    return f"{type_name(x)} NOT NULL"
