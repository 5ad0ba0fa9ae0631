"""Static types: a type is the set of kinds that a value may be.

Coarse on purpose: enough for the errors that openCypher wants at compile time, and for choosing kernels. A parameter
or a property is ``ANY``, so its faults come at run time. Union is ``|``, intersection ``&``; an expression is surely
wrong when what it may be and what its place takes have nothing in common.
"""

from __future__ import annotations

from enum import Flag, auto

from memoradb.core.errors import SemanticError
from memoradb.core.spans import Span
from memoradb.core.values import Value


class Type(Flag):
    """A set of kinds of value."""

    NULL = auto()
    BOOLEAN = auto()
    INTEGER = auto()
    FLOAT = auto()
    STRING = auto()
    BYTES = auto()
    LIST = auto()
    MAP = auto()
    NODE = auto()
    RELATIONSHIP = auto()
    PATH = auto()
    DATE = auto()
    LOCAL_TIME = auto()
    TIME = auto()
    LOCAL_DATETIME = auto()
    DATETIME = auto()
    DURATION = auto()
    POINT = auto()
    VECTOR = auto()

    NUMBER = INTEGER | FLOAT
    ELEMENT = NODE | RELATIONSHIP
    TEMPORAL = DATE | LOCAL_TIME | TIME | LOCAL_DATETIME | DATETIME
    ANY = NULL | BOOLEAN | NUMBER | STRING | BYTES | LIST | MAP | ELEMENT | PATH | TEMPORAL | DURATION | POINT | VECTOR

    @property
    def may_be_null(self) -> bool:
        """Whether null is one of the kinds."""
        return Type.NULL in self


_LITERALS = {bool: Type.BOOLEAN, int: Type.INTEGER, float: Type.FLOAT, str: Type.STRING}


def literal_type(value: Value) -> Type:
    """The type of a literal's value."""
    return _LITERALS.get(type(value), Type.NULL)


def require(kind: Type, allowed: Type, what: str, span: Span, error: str = "SyntaxError") -> None:
    """InvalidArgumentType where no value of ``kind`` is ``allowed``; null alone always passes.

    Args:
        kind: what the expression at ``span`` may be.
        allowed: what its place takes.
        what: the place, as the end of a sentence: "be negated by NOT".
        span: where the expression stands.
        error: the openCypher kind of the error.
    """
    if not kind & (allowed & ~Type.NULL) and kind & ~Type.NULL:
        wanted = type_text(allowed)
        raise SemanticError(
            f"{type_text(kind).capitalize()} cannot {what}.",
            span=span,
            hint=f"Expected {wanted}." if wanted != "a value" else None,
            kind=error,
            detail="InvalidArgumentType",
        )


_TEXTS = {
    Type.NUMBER: "a number",
    Type.BOOLEAN: "a boolean",
    Type.INTEGER: "an integer",
    Type.FLOAT: "a float",
    Type.STRING: "a string",
    Type.BYTES: "bytes",
    Type.LIST: "a list",
    Type.MAP: "a map",
    Type.NODE: "a node",
    Type.RELATIONSHIP: "a relationship",
    Type.PATH: "a path",
    Type.TEMPORAL: "a date or time",
    Type.DATE: "a date",
    Type.LOCAL_TIME: "a local time",
    Type.TIME: "a time",
    Type.LOCAL_DATETIME: "a local datetime",
    Type.DATETIME: "a datetime",
    Type.DURATION: "a duration",
    Type.POINT: "a point",
    Type.VECTOR: "a vector",
}


def type_text(kind: Type) -> str:
    """A static type for a message: "a list or a string", "a value" where it may be nearly anything.

    >>> type_text(Type.LIST | Type.STRING | Type.NULL), type_text(Type.NUMBER), type_text(Type.ANY)
    ('a string or a list', 'a number', 'a value')
    """
    rest = kind & ~Type.NULL
    words = []
    for part, text in _TEXTS.items():
        if part in rest and rest:
            words.append(text)
            rest &= ~part
    if not words or len(words) > 5:
        return "a value"
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"
