"""The header conventions of Neo4j's import tool, for the columns of CSV files and of tables.

=====================================  ==============================================================================
Column name                            Meaning
=====================================  ==============================================================================
``name``, ``name:type``                a property; without a type a string (in CSV), or what the column holds
``name:type[]``                        a list; in CSV its items are parted by the array delimiter
``:ID``, ``:ID(Space)``                what relationships call the node by, unique within the space
``name:ID(Space)``                     likewise, and kept as the property ``name``
``:LABEL``                             labels of the node, parted by the array delimiter
``:START_ID(Space)``, ``:END_ID(..)``  the ends of a relationship
``:TYPE``                              its type
``:IGNORE``, ``name:IGNORE``           nothing
``name:type{key:value, ...}``          options: ``timezone`` of times, ``crs`` of points, ``id-type`` of ids
=====================================  ==============================================================================

Several columns may have the same property name and different types: a row has its value in one of them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Final, TypeAlias

from memoradb.core.columns import Kind
from memoradb.core.errors import ArgumentError

from .text_values import TYPES


class Role(Enum):
    """What a column is for."""

    PROPERTY = "property"
    ID = "ID"
    LABEL = "LABEL"
    START_ID = "START_ID"
    END_ID = "END_ID"
    TYPE = "TYPE"
    IGNORE = "IGNORE"


_ROLES: Final = {role.value: role for role in Role if role is not Role.PROPERTY}
_OF_NODES: Final = frozenset((Role.ID, Role.LABEL))
_OF_RELATIONSHIPS: Final = frozenset((Role.START_ID, Role.END_ID, Role.TYPE))
_FIELD: Final = re.compile(
    r"(?P<name>.*?)(?::(?P<type>[A-Za-z_]+)(?P<array>\[\])?(?:\((?P<space>[^()]*)\))?(?:\{(?P<options>[^{}]*)\})?)?",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Field:
    """One column: its role, and for what becomes a property the name and type."""

    name: str
    role: Role = Role.PROPERTY
    type: str | None = None
    """One of ``text_values.TYPES``; None where the header names none."""
    array: bool = False
    space: str = ""
    options: Mapping[str, str] = field(default_factory=dict)


def parse_field(text: str, where: str) -> Field:
    """One column name; ``where`` begins the message of an error.

    Raises:
        ArgumentError: an unknown type, or one that makes no sense where it stands.

    >>> parse_field(":ID(Person)", "f").space, parse_field("a:b:double[]", "f").name
    ('Person', 'a:b')
    """
    found = _FIELD.fullmatch(text)
    assert found is not None
    name, type, array, space, options = found.group("name", "type", "array", "space", "options")
    if type is None:
        if not name:
            raise ArgumentError(f"{where}: a column has no name.", hint="`:IGNORE` leaves a column out.")
        return Field(name)
    role = _ROLES.get(type.upper())
    parsed = _options(options or "", where, _OPTIONS_OF_IDS if role is Role.ID else _OPTIONS.get(type.lower(), ()))
    if role is not None:
        if array or (space and role in (Role.LABEL, Role.TYPE, Role.IGNORE)):
            raise ArgumentError(f"{where}: `{text}` is no column that there can be.")
        return Field(name, role, None, space=space or "", options=parsed)
    kind = type.lower()
    if kind not in TYPES or space is not None:
        raise ArgumentError(f"{where}: `{text}` has an unknown type `{type}`.", hint=f"Types are {', '.join(TYPES)}.")
    if not name:
        raise ArgumentError(f"{where}: a column of type `{type}` has no name.")
    return Field(name, Role.PROPERTY, kind, bool(array), options=parsed)


_OPTIONS: Final = {"time": ("timezone",), "datetime": ("timezone",), "point": ("crs",)}
_OPTIONS_OF_IDS: Final = ("id-type",)


def _options(text: str, where: str, known: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in text.split(","):
        if part.strip():
            key, mark, value = part.partition(":")
            if not mark:
                raise ArgumentError(f"{where}: an option is written {{name:value}}, not {{{text}}}.")
            name = key.strip().lower()
            if name not in known:
                offered = f"there is {', '.join(known)}" if known else "such a column has none"
                raise ArgumentError(f"{where}: there is no option `{name}` here; {offered}.")
            found[name] = value.strip().strip("'\"")
    return found


def parse_header(names: Sequence[str | None], where: str, relationships: bool) -> list[Field]:
    """The columns of a file of nodes, or of relationships.

    Raises:
        ArgumentError: an unknown type, a column that has no place in such a file, or one missing or twice.
    """
    fields = [parse_field(name or "", f"{where}, column {i}") for i, name in enumerate(names, 1)]
    wrong = _OF_NODES if relationships else _OF_RELATIONSHIPS
    for number, one in enumerate(fields, 1):
        if one.role in wrong:
            kind = "relationships" if relationships else "nodes"
            raise ArgumentError(f"{where}, column {number}: a file of {kind} has no column :{one.role.value}.")
    for role in (Role.ID, Role.START_ID, Role.END_ID, Role.TYPE, Role.LABEL):
        count = sum(one.role is role for one in fields)
        if count > 1:
            raise ArgumentError(f"{where}: there are {count} columns :{role.value}; there can be one.")
        if not count and role in (Role.START_ID, Role.END_ID) and relationships:
            raise ArgumentError(
                f"{where}: a file of relationships has a column :{role.value}.",
                hint="The first line of the first file names its columns.",
            )
    seen: set[tuple[str, str | None, bool]] = set()
    for one in fields:
        if one.role is Role.PROPERTY:
            if (one.name, one.type, one.array) in seen:
                raise ArgumentError(f"{where}: the column `{one.name}` is there twice.")
            seen.add((one.name, one.type, one.array))
    return fields


# --- writing -----------------------------------------------------------------

Slot: TypeAlias = tuple[str, str, bool]
"""A column that an export writes: property, type, whether it is a list."""

COLUMN_TYPES: Final = {Kind.INTEGER: "long", Kind.FLOAT: "double", Kind.BOOLEAN: "boolean"}
"""What the values of a typed column are called."""


def slot_name(slot: Slot) -> str:
    """The column's name.

    >>> slot_name(("born", "date", False)), slot_name(("tags", "string", True))
    ('born:date', 'tags:string[]')
    """
    key, type, is_list = slot
    return f"{key}:{type}{'[]' if is_list else ''}"
