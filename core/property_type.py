"""The types that a property can be required to have: closed names, lists of one, and alternatives.

INTEGER            STRING | BOOLEAN            LIST<FLOAT NOT NULL>
"""

# A value narrowed by its type keeps unknown parts (lists of any values): strictness about those has no use here.
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from .columns import Column, Kind, StringColumn, TypedColumn
from .semantics import TYPE_NAMES, type_name
from .temporal_columns import TYPES, TemporalColumn
from .values import Value

NAMES: Final = {
    "BOOLEAN": "BOOLEAN",
    "BOOL": "BOOLEAN",
    "STRING": "STRING",
    "VARCHAR": "STRING",
    "INTEGER": "INTEGER",
    "INT": "INTEGER",
    "SIGNED INTEGER": "INTEGER",
    "FLOAT": "FLOAT",
    "BYTES": "BYTES",
    "DATE": "DATE",
    "LOCAL TIME": "LOCAL TIME",
    "TIME WITHOUT TIME ZONE": "LOCAL TIME",
    "TIME WITHOUT TIMEZONE": "LOCAL TIME",
    "ZONED TIME": "ZONED TIME",
    "TIME WITH TIME ZONE": "ZONED TIME",
    "TIME WITH TIMEZONE": "ZONED TIME",
    "LOCAL DATETIME": "LOCAL DATETIME",
    "TIMESTAMP WITHOUT TIME ZONE": "LOCAL DATETIME",
    "TIMESTAMP WITHOUT TIMEZONE": "LOCAL DATETIME",
    "ZONED DATETIME": "ZONED DATETIME",
    "TIMESTAMP WITH TIME ZONE": "ZONED DATETIME",
    "TIMESTAMP WITH TIMEZONE": "ZONED DATETIME",
    "DURATION": "DURATION",
    "POINT": "POINT",
    "VECTOR": "VECTOR",
}
"""Type names as they may be written, and as they are shown."""

_KIND_NAMES: Final = {Kind.BOOLEAN: "BOOLEAN", Kind.INTEGER: "INTEGER", Kind.FLOAT: "FLOAT"}


@dataclass(frozen=True, slots=True)
class PropertyType:
    """Alternatives: names of scalars, and of what lists hold."""

    scalars: frozenset[str]
    lists: frozenset[str]

    @staticmethod
    def parse(text: str) -> PropertyType:
        """A type as written, in any case.

        Raises:
            ValueError: it is no type that a property can have; the message says why.

        >>> str(PropertyType.parse("list<int not null> | string"))
        'STRING | LIST<INTEGER NOT NULL>'
        """
        scalars: set[str] = set()
        lists: set[str] = set()
        for part in text.upper().split("|"):
            name = " ".join(part.replace("<", " < ").replace(">", " > ").split())
            if name.startswith(("LIST <", "ARRAY <")) and name.endswith(" >"):
                inner = name[name.index("<") + 1 : -2].strip()
                if not inner.endswith(" NOT NULL"):
                    raise ValueError(f"a list in a property holds no null: LIST<{inner} NOT NULL>")
                lists.add(_known(inner.removesuffix(" NOT NULL")))
            else:
                scalars.add(_known(name))
        return PropertyType(frozenset(scalars), frozenset(lists))

    def __str__(self) -> str:
        lists = (f"LIST<{name} NOT NULL>" for name in sorted(self.lists))
        return " | ".join((*sorted(self.scalars), *lists))

    def admits(self, value: Value) -> bool:
        """Whether a property may have this value; null it may always."""
        if value is None:
            return True
        if type(value) is not list:
            return type_name(value) in self.scalars
        kinds = _kinds(value)
        return bool(self.lists) if not kinds else len(kinds) == 1 and kinds <= self.lists

    def admits_column(self, column: Column) -> bool | None:
        """Whether every value of a typed column is admitted; None where only looking at each can tell."""
        if isinstance(column, TypedColumn):
            return _KIND_NAMES.get(column.kind) in self.scalars
        if isinstance(column, StringColumn):
            return "STRING" in self.scalars
        if isinstance(column, TemporalColumn):
            return TYPE_NAMES[TYPES[column.kind]] in self.scalars
        return None


def _kinds(items: Sequence[Value]) -> set[str]:
    return {type_name(item) for item in items}


def _known(name: str) -> str:
    found = NAMES.get(name)
    if found is None:
        raise ValueError(f"`{name}` is no type of a property")
    return found
