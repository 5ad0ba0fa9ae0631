"""Schema commands as leaves of a plan."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from memoradb.core.batch import Batch
from memoradb.core.columns import ListColumn
from memoradb.core.values import Value
from memoradb.storage.view import Element, IndexDefinition, IndexKind, IndexState

from .context import Context
from .operator import Frame, Operator


@dataclass(eq=False, slots=True)
class CreateIndex(Operator):
    """Creates an index or a constraint."""

    definition: IndexDefinition
    if_not_exists: bool

    def run(self, frame: Frame, context: Context) -> Iterator[Batch]:
        context.writer.create_index(self.definition, self.if_not_exists)
        yield from ()

    def describe(self) -> str:
        return f"{self.definition.name} ({self.definition.kind.value})"


@dataclass(eq=False, slots=True)
class DropIndex(Operator):
    """Drops an index or constraint."""

    index: str
    if_exists: bool
    constraint: bool = False

    def run(self, frame: Frame, context: Context) -> Iterator[Batch]:
        context.writer.drop_index(self.index, self.if_exists)
        yield from ()

    def describe(self) -> str:
        return self.index


CONSTRAINT_TYPES: Final = {
    (IndexKind.UNIQUE, Element.NODE): "UNIQUENESS",
    (IndexKind.UNIQUE, Element.RELATIONSHIP): "RELATIONSHIP_UNIQUENESS",
    (IndexKind.KEY, Element.NODE): "NODE_KEY",
    (IndexKind.KEY, Element.RELATIONSHIP): "RELATIONSHIP_KEY",
    (IndexKind.EXISTENCE, Element.NODE): "NODE_PROPERTY_EXISTENCE",
    (IndexKind.EXISTENCE, Element.RELATIONSHIP): "RELATIONSHIP_PROPERTY_EXISTENCE",
    (IndexKind.TYPE, Element.NODE): "NODE_PROPERTY_TYPE",
    (IndexKind.TYPE, Element.RELATIONSHIP): "RELATIONSHIP_PROPERTY_TYPE",
}
"""What SHOW CONSTRAINTS calls each constraint."""

_KIND_WORDS: Final = {
    "UNIQUE": IndexKind.UNIQUE,
    "UNIQUENESS": IndexKind.UNIQUE,
    "KEY": IndexKind.KEY,
    "EXIST": IndexKind.EXISTENCE,
    "EXISTENCE": IndexKind.EXISTENCE,
    "TYPE": IndexKind.TYPE,
}


def constraint_types(word: str) -> tuple[str, ...]:
    """The types that ``SHOW word CONSTRAINTS`` is about; the word itself where it means nothing."""
    wanted = _KIND_WORDS.get(word.upper())
    found = tuple(name for (kind, _), name in CONSTRAINT_TYPES.items() if kind is wanted)
    return found or (word,)


def index_row(number: int, index: IndexDefinition, state: IndexState) -> dict[str, Value]:
    """An index as SHOW INDEXES describes it; how often it was read is not counted."""
    shown = "RANGE" if index.kind.is_ordered else index.kind.value
    return {
        "id": number,
        "name": index.name,
        "state": state.name,
        "populationPercent": round(state.percent, 2),
        "type": shown,
        "entityType": index.element.value,
        "labelsOrTypes": list(index.labels) or None,
        "properties": list(index.keys) or None,
        "indexProvider": f"{shown.lower()}-1.0",
        "owningConstraint": index.name if index.kind.is_constraint else None,
        "lastRead": None,
        "readCount": None,
        "options": {"indexProvider": f"{shown.lower()}-1.0", "indexConfig": _settings(index)},
        "failureMessage": state.failure,
        "createStatement": create_statement(index),
    }


def constraint_row(number: int, index: IndexDefinition) -> dict[str, Value]:
    """A constraint as SHOW CONSTRAINTS describes it."""
    return {
        "id": number,
        "name": index.name,
        "type": CONSTRAINT_TYPES[index.kind, index.element],
        "entityType": index.element.value,
        "labelsOrTypes": list(index.labels),
        "properties": list(index.keys),
        "ownedIndex": index.name if index.kind.is_index else None,
        "propertyType": dict(index.options).get("type"),
        "options": {},
        "createStatement": create_statement(index),
    }


_SETTINGS: Final = {
    "dimensions": "vector.dimensions",
    "similarity": "vector.similarity_function",
    "m": "vector.hnsw.m",
    "ef_construction": "vector.hnsw.ef_construction",
    "analyzer": "fulltext.analyzer",
}


def _settings(index: IndexDefinition) -> dict[str, Value]:
    return {_SETTINGS[name]: value for name, value in index.options if name in _SETTINGS}


def create_statement(index: IndexDefinition) -> str:
    """The statement that makes such an index or constraint."""
    from ..syntax.print_expressions import print_name  # only here: statements that are cached need no syntax

    node = index.element is Element.NODE
    variable = "n" if node else "r"
    labels = "|".join(map(print_name, index.labels))
    named = f"{variable}:{labels}" if labels else variable
    target = f"({named})" if node else f"()-[{named}]-()"
    keys = ", ".join(f"{variable}.{print_name(key)}" for key in index.keys)
    if index.kind.is_constraint:
        required = keys if len(index.keys) == 1 else f"({keys})"
        rule = {
            IndexKind.UNIQUE: "IS UNIQUE",
            IndexKind.KEY: f"IS {index.element.value} KEY",
            IndexKind.EXISTENCE: "IS NOT NULL",
            IndexKind.TYPE: f"IS :: {dict(index.options).get('type')}",
        }[index.kind]
        return f"CREATE CONSTRAINT {print_name(index.name)} FOR {target} REQUIRE {required} {rule}"
    what = {
        IndexKind.LOOKUP: f"EACH {'labels' if node else 'type'}({variable})",
        IndexKind.FULLTEXT: f"EACH [{keys}]",
    }.get(index.kind, f"({keys})")
    settings = ", ".join(f"`{name}`: {value!r}" for name, value in _settings(index).items())
    options = f" OPTIONS {{indexConfig: {{{settings}}}}}" if settings else ""
    return f"CREATE {index.kind.value} INDEX {print_name(index.name)} FOR {target} ON {what}{options}"


INDEX_COLUMNS: Final = tuple(
    "id name state populationPercent type entityType labelsOrTypes properties indexProvider owningConstraint lastRead "
    "readCount options failureMessage createStatement".split()
)
CONSTRAINT_COLUMNS: Final = tuple(
    "id name type entityType labelsOrTypes properties ownedIndex propertyType options createStatement".split()
)
HIDDEN_COLUMNS: Final = frozenset(("options", "failureMessage", "createStatement"))
"""Columns that only YIELD shows."""


@dataclass(eq=False, slots=True)
class ShowIndexes(Operator):
    """Indexes, or constraints, as rows. ``columns``: (field, variable)."""

    columns: tuple[tuple[str, str], ...]
    constraints: bool = False

    def run(self, frame: Frame, context: Context) -> Iterator[Batch]:
        view, definitions = context.view, context.view.indexes()
        if self.constraints:
            found = [d for d in definitions if d.kind.is_constraint]
            rows = [constraint_row(i, d) for i, d in enumerate(found, 1)]
        else:
            found = [d for d in definitions if d.kind.is_index]
            rows = [index_row(i, d, view.index_state(d.name)) for i, d in enumerate(found, 1)]
        if rows:
            yield Batch({v: ListColumn([r[f] for r in rows]) for f, v in self.columns}, len(rows))
