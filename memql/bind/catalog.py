"""What the binder may ask: functions, procedures, names in use, indexes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Protocol

from memoradb.storage.view import GraphView, IndexDefinition

from ..functions.registry import FunctionDefinition, FunctionRegistry
from ..procedures.registry import Procedure, ProcedureRegistry


class Catalog(Protocol):
    """Names and what they mean."""

    def function(self, name: str) -> FunctionDefinition | None:
        """A function by name, in any case."""
        ...

    def function_names(self) -> Sequence[str]:
        """For suggestions."""
        ...

    def procedure(self, name: str) -> Procedure | None:
        """A procedure by name, in any case."""
        ...

    def procedure_names(self) -> Sequence[str]:
        """For suggestions."""
        ...

    def indexes(self) -> Sequence[IndexDefinition]:
        """All indexes."""
        ...

    def labels(self) -> frozenset[str]:
        """Labels that the graph has seen."""
        ...

    def relationship_types(self) -> frozenset[str]:
        """Likewise."""
        ...

    def property_keys(self) -> frozenset[str]:
        """Likewise."""
        ...

    def nodes_with_label(self, label: str) -> int:
        """How many there are."""
        ...


class GraphCatalog:
    """The catalog of one database at one view."""

    def __init__(self, view: GraphView, functions: FunctionRegistry, procedures: ProcedureRegistry) -> None:
        self._view = view
        self._functions = functions
        self._procedures = procedures

    def function(self, name: str) -> FunctionDefinition | None:
        return self._functions.lookup(name)

    def function_names(self) -> Sequence[str]:
        return [f.name for f in self._functions]

    def procedure(self, name: str) -> Procedure | None:
        return self._procedures.lookup(name)

    def procedure_names(self) -> Sequence[str]:
        return [p.name for p in self._procedures]

    def indexes(self) -> Sequence[IndexDefinition]:
        return self._view.indexes()

    @cached_property
    def _names(self) -> tuple[frozenset[str], frozenset[str], frozenset[str]]:
        view = self._view
        return frozenset(view.labels()), frozenset(view.relationship_types()), frozenset(view.property_keys())

    def labels(self) -> frozenset[str]:
        return self._names[0]

    def relationship_types(self) -> frozenset[str]:
        return self._names[1]

    def property_keys(self) -> frozenset[str]:
        return self._names[2]

    def nodes_with_label(self, label: str) -> int:
        return self._view.statistics.nodes_with_label(label)
