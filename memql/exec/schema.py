"""Schema commands as leaves of a plan."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from memoradb.core.batch import Batch
from memoradb.core.columns import ListColumn
from memoradb.core.values import Value
from memoradb.storage.view import IndexDefinition, IndexKind

from .context import Context
from .operator import Frame, Operator


@dataclass(eq=False, slots=True)
class CreateIndex(Operator):
    """Creates an index; of a unique one the constraint is meant."""

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


def index_row(number: int, index: IndexDefinition) -> dict[str, Value]:
    """An index as SHOW INDEXES describes it."""
    unique = index.kind is IndexKind.UNIQUE
    return {
        "id": number,
        "name": index.name,
        "state": "ONLINE",
        "populationPercent": 100.0,
        "type": "RANGE" if unique else index.kind.value,
        "entityType": index.element.value,
        "labelsOrTypes": list(index.labels),
        "properties": list(index.keys),
        "indexProvider": f"{index.kind.value.lower()}-1.0",
        "owningConstraint": index.name if unique else None,
        "options": dict(index.options),
    }


def constraint_row(number: int, index: IndexDefinition) -> dict[str, Value]:
    """A uniqueness constraint as SHOW CONSTRAINTS describes it."""
    return {
        "id": number,
        "name": index.name,
        "type": "UNIQUENESS",
        "entityType": index.element.value,
        "labelsOrTypes": list(index.labels),
        "properties": list(index.keys),
        "ownedIndex": index.name,
        "propertyType": None,
    }


INDEX_COLUMNS = tuple(
    "id name state populationPercent type entityType labelsOrTypes properties indexProvider owningConstraint "
    "options".split()
)
CONSTRAINT_COLUMNS = tuple("id name type entityType labelsOrTypes properties ownedIndex propertyType".split())


@dataclass(eq=False, slots=True)
class ShowIndexes(Operator):
    """Indexes, or constraints, as rows. ``columns``: (field, variable)."""

    columns: tuple[tuple[str, str], ...]
    constraints: bool = False

    def run(self, frame: Frame, context: Context) -> Iterator[Batch]:
        indexes = context.view.indexes()
        if self.constraints:
            rows = [constraint_row(i, x) for i, x in enumerate(indexes, 1) if x.kind is IndexKind.UNIQUE]
        else:
            rows = [index_row(i, x) for i, x in enumerate(indexes, 1)]
        if rows:
            yield Batch({v: ListColumn([r[f] for r in rows]) for f, v in self.columns}, len(rows))
