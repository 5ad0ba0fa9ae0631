"""What the binder may ask: functions, procedures, names in use, indexes."""

from __future__ import annotations

from collections.abc import Sequence
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
