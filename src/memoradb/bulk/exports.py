"""The methods ``export_*`` of a database. What they need is imported when they are called."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from memoradb.core.errors import ConfigurationError
from memoradb.core.values import Value

if TYPE_CHECKING:
    from memoradb.storage.engine import Engine

    from .graph_export import Exported, Selection

PathLike: TypeAlias = "str | os.PathLike[str]"
Report: TypeAlias = "Callable[[str, float], None] | None"


class Exports:
    """Graphs out of a database into files. ``Database`` is one."""

    storage: Engine

    def _check_open(self) -> None:
        raise NotImplementedError

    def execute(
        self, query: str, parameters: Mapping[str, Any] | None = None, *, read_only: bool = False
    ) -> Iterable[Iterable[Value]]:
        """Run a statement; see ``Database.execute``."""
        raise NotImplementedError

    def export_csv(
        self,
        directory: PathLike,
        *,
        query: str | None = None,
        parameters: Mapping[str, Any] | None = None,
        transaction: int | None = None,
        progress: Report = None,
    ) -> Exported:
        """Write the graph as CSV files that ``import_csv`` and Neo4j's import tool read.

        Args:
            directory: made where there is none; must be empty. It gets a file ``nodes-LABELS.csv`` for each
                combination of labels and ``relationships-TYPE.csv`` for each type.
            query: write only the nodes, relationships and paths that it returns, and the ends of the relationships.
            parameters: of the query.
            transaction: write the graph as of the end of this transaction.
            progress: called with what is written and the share done.

        Raises:
            ArgumentError: the directory is not empty or cannot be made, or text that UTF-8 cannot hold.
            HistoryUnavailable: the transaction is no longer kept.

        >>> import memoradb, tempfile
        >>> db, copy = memoradb.open(None), memoradb.open(None)
        >>> _ = db.execute("CREATE (:Person {name: 'Ana', born: date('1990-05-01')})-[:KNOWS]->(:Person {name: 'Bo'})")
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     written = db.export_csv(folder)
        ...     loaded = copy.import_csv(folder)
        >>> loaded.nodes, copy.execute("MATCH (a)-[:KNOWS]->(b) RETURN a.born.year, b.name").rows
        (2, [(1990, 'Bo')])
        """
        self._check_open()
        from .csv_export import CsvExport

        return CsvExport(self._selection(query, parameters, transaction), progress).write(directory)

    def export_parquet(
        self,
        directory: PathLike,
        *,
        query: str | None = None,
        parameters: Mapping[str, Any] | None = None,
        transaction: int | None = None,
        progress: Report = None,
    ) -> Exported:
        """Write the graph as Parquet files that ``import_tables`` reads; arguments as ``export_csv``."""
        self._check_open()
        from .table_export import TableExport

        selection = self._selection(query, parameters, transaction)
        return TableExport(selection, progress, "parquet").write(directory)

    def export_arrow(
        self,
        directory: PathLike,
        *,
        query: str | None = None,
        parameters: Mapping[str, Any] | None = None,
        transaction: int | None = None,
        progress: Report = None,
    ) -> Exported:
        """Write the graph as Arrow IPC (Feather) files that ``import_tables`` reads; arguments as ``export_csv``."""
        self._check_open()
        from .table_export import TableExport

        selection = self._selection(query, parameters, transaction)
        return TableExport(selection, progress, "arrow").write(directory)

    def export_jsonl(
        self,
        path: PathLike,
        *,
        query: str | None = None,
        parameters: Mapping[str, Any] | None = None,
        transaction: int | None = None,
        progress: Report = None,
    ) -> Exported:
        """Write the graph as JSON lines that ``import_jsonl`` reads; arguments as ``export_csv``, but one file."""
        self._check_open()
        from .jsonl_export import export_jsonl

        return export_jsonl(self._selection(query, parameters, transaction), os.fspath(path), progress)

    def export_graphml(
        self,
        path: PathLike,
        *,
        query: str | None = None,
        parameters: Mapping[str, Any] | None = None,
        transaction: int | None = None,
        progress: Report = None,
    ) -> Exported:
        """Write the graph as GraphML that ``import_graphml`` reads; arguments as ``export_csv``, but one file.

        Raises:
            ArgumentError: text with characters that XML cannot hold; and as ``export_csv``.
        """
        self._check_open()
        from .graphml_export import export_graphml

        return export_graphml(self._selection(query, parameters, transaction), os.fspath(path), progress)

    def _selection(self, query: str | None, parameters: Mapping[str, Any] | None, transaction: int | None) -> Selection:
        """What to write."""
        from .graph_export import Selection, selected

        if query is None:
            if parameters is not None:
                raise ConfigurationError("Parameters are those of a query: give one.")
            if transaction is None:
                return Selection(self.storage.snapshot())
            history = self.storage.history
            return Selection(history.at(history.position_of_transaction(transaction)))
        if transaction is not None:
            raise ConfigurationError("Give `query` or `transaction`, not both.")
        result = self.execute(query, parameters, read_only=True)
        return selected(self.storage.snapshot(), (value for row in result for value in row))
