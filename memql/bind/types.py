"""Static types: a type is the set of kinds that a value may be.

Coarse on purpose: enough for the errors that openCypher wants at compile time, and for choosing kernels. A parameter
or a property is ``ANY``, so its faults come at run time. Union is ``|``, intersection ``&``; an expression is surely
wrong when what it may be and what its place takes have nothing in common.
"""

from __future__ import annotations

from enum import Flag, auto


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
