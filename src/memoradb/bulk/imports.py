"""The methods ``import_*`` of a database. What they need is imported when they are called."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from memoradb.core.errors import ConfigurationError
from memoradb.core.values import Value

if TYPE_CHECKING:
    from memoradb.storage.engine import Engine

    from .file_groups import FileGroups
    from .graph_import import Imported
    from .rows import Source
    from .tables import TableParts

PathLike: TypeAlias = "str | os.PathLike[str]"
Match: TypeAlias = "Mapping[str, tuple[str, str]] | None"
Report: TypeAlias = "Callable[[str, float], None] | None"


class Imports:
    """Graphs out of files and columns into a database. ``Database`` is one."""

    storage: Engine

    def _check_open(self) -> None:
        raise NotImplementedError

    # --- one table

    def import_parquet(
        self,
        path: PathLike,
        *,
        label: str | None = None,
        key: str | None = None,
        type: str | None = None,
        source: tuple[str, str, str] | None = None,
        target: tuple[str, str, str] | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> int:
        """Load nodes or relationships from a Parquet file; returns how many.

        Nodes: ``label`` and every column as a property; ``key`` names the one that identifies them: a uniqueness
        constraint is made on it if there is none. Relationships: ``type``, and for each end ``(label, key, column)``:
        the column holds the key of the node with that label; the other columns become properties.

        Args:
            path: the file.
            label: label of the nodes.
            key: identifying property of the nodes.
            type: type of the relationships.
            source: (label, key, column) of the start nodes.
            target: (label, key, column) of the end nodes.
            progress: called with (rows done, rows in all) after each part.

        Rows go in parts of 250,000 nodes or a million relationships, each one transaction: what fails keeps the parts
        before it, and nothing of its own. Errors name the row, counted from 0. What each Arrow type becomes:
        ``memoradb.storage.arrow``.

        Raises:
            MissingExtra: pyarrow is not installed.
            ArgumentError: no such file or column, or a key that is null or stands for several nodes.
            EntityNotFound: a row names a node that does not exist.
            UniqueViolation: a key that is there already.
            TypeMismatch: a value that no property can hold.
        """
        self._check_open()
        from .parquet import ParquetParts

        return self._import_table(ParquetParts(path), label, key, type, source, target, progress)

    def import_arrow(
        self,
        table: Any,
        *,
        label: str | None = None,
        key: str | None = None,
        type: str | None = None,
        source: tuple[str, str, str] | None = None,
        target: tuple[str, str, str] | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> int:
        """Load nodes or relationships from Arrow data, as ``import_parquet`` does.

        Args:
            table: a table, record batch or reader (of pyarrow, or of any library that speaks Arrow's C stream), or
                the path of an Arrow IPC file or stream, or a Feather file.
            label: as in ``import_parquet``, and so are the others.
            key: likewise.
            type: likewise.
            source: likewise.
            target: likewise.
            progress: likewise; 0 rows in all where nobody knows before the end.
        """
        self._check_open()
        from .arrow import ArrowParts

        return self._import_table(ArrowParts(table), label, key, type, source, target, progress)

    def _import_table(
        self,
        tables: TableParts,
        label: str | None,
        key: str | None,
        type: str | None,
        source: tuple[str, str, str] | None,
        target: tuple[str, str, str] | None,
        progress: Callable[[int, int], None] | None,
    ) -> int:
        from .loader import BulkLoader

        loader = BulkLoader(self.storage)
        if label is not None:
            if type is not None or source is not None or target is not None:
                raise ConfigurationError("Give `label` for nodes or `type` for relationships, not both.")
            return loader.nodes(tables, label, key, progress)
        if type is None or source is None or target is None:
            raise ConfigurationError("Give `label` for nodes, or `type`, `source` and `target` for relationships.")
        return loader.relationships(tables, type, source, target, progress)

    def import_nodes(
        self, label: str | Sequence[str], columns: Mapping[str, Sequence[Value]], *, key: str | None = None
    ) -> list[int]:
        """Load nodes from columns of equal length; returns their ids. The bulk path: no statement for each row.

        Values may be lists or numpy arrays; None leaves a property out. ``key`` as in ``import_parquet``.

        >>> import memoradb
        >>> db = memoradb.open(None)
        >>> ids = db.import_nodes("Person", {"name": ["Ana", "Bo"], "age": [30, None]}, key="name")
        >>> db.import_relationships("KNOWS", [ids[0]], [ids[1]], {"since": [2020]})
        1
        """
        self._check_open()
        from .loader import BulkLoader

        return BulkLoader(self.storage).node_columns(label, columns, key)

    def import_relationships(
        self,
        type: str,
        start_ids: Sequence[int],
        end_ids: Sequence[int],
        columns: Mapping[str, Sequence[Value]] | None = None,
    ) -> int:
        """Load relationships between nodes given by id; returns how many."""
        self._check_open()
        from .loader import BulkLoader

        return BulkLoader(self.storage).relationship_columns(type, start_ids, end_ids, columns or {})

    # --- whole graphs

    def import_csv(
        self,
        directory: PathLike | None = None,
        *,
        nodes: FileGroups = None,
        relationships: FileGroups = None,
        delimiter: str = ",",
        quote: str | None = '"',
        array_delimiter: str = ";",
        multiline_fields: bool = False,
        encoding: str = "utf-8",
        id_type: str = "string",
        id_property: str | None = None,
        match: Match = None,
        bad_rows: PathLike | None = None,
        bad_tolerance: int = 0,
        resume: bool | None = None,
        progress: Report = None,
    ) -> Imported:
        """Load a graph from CSV files with the headers of Neo4j's import tool (``memoradb.bulk.header``).

        Args:
            directory: one that ``export_csv`` wrote; or else give files:
            nodes: files of nodes: one path, a list of paths, or a mapping from labels (``"Person:Actor"``) to paths.
                Several paths under one label are one table: the first line of the first names the columns, which may
                be all that this file holds.
            relationships: likewise, by type.
            delimiter: between fields.
            quote: around fields; None where none are.
            array_delimiter: between the items of lists, and between labels.
            multiline_fields: whether quoted fields may hold line ends.
            encoding: of the files; those compressed with gzip are recognised.
            id_type: what ids kept as properties become: ``string`` or ``integer``.
            id_property: keep the ids of nodes as this property; without it only those of columns with a name are.
            match: by space of ids ``(label, property)`` of nodes that are there already, for relationships to them.
            bad_rows: a file for the rows that are left out, with file, line and reason.
            bad_tolerance: how many may be; the first one more ends the import.
            resume: True goes on where an import of the same files stopped, or does nothing if it was finished; None
                refuses to begin where one was interrupted; False begins anew beside what is there.
            progress: called with what is loaded and the share done.

        Every block of 16 MiB is one transaction; how far the import has come is part of it.

        Raises:
            TooManyBadRows: an ``ArgumentError`` with file, line, column and reason.
            ArgumentError: no such file, a header that makes no sense.
            ConstraintError: a row breaks a constraint of the graph.
            LimitError: a record of more than 64 MiB.
        """
        self._check_open()
        from .csv import CsvGroup, CsvOptions, CsvSource
        from .file_groups import file_groups, groups_in

        if directory is not None:
            nodes, relationships = groups_in(directory, (".csv", ".csv.gz"), nodes, relationships)
            multiline_fields = True
        options = CsvOptions(delimiter, quote, array_delimiter, multiline_fields, encoding, id_type, id_property)
        source = CsvSource(
            [CsvGroup(files, names, False, options) for names, files in file_groups(nodes)],
            [CsvGroup(files, names, True, options) for names, files in file_groups(relationships)],
        )
        return self._import(source, bad_rows, bad_tolerance, resume, progress, match)

    def import_tables(
        self,
        directory: PathLike | None = None,
        *,
        nodes: FileGroups = None,
        relationships: FileGroups = None,
        id_property: str | None = None,
        match: Match = None,
        bad_rows: PathLike | None = None,
        bad_tolerance: int = 0,
        resume: bool | None = None,
        progress: Report = None,
    ) -> Imported:
        """Load a graph from Parquet, Arrow IPC or Feather files whose columns are named as those of ``import_csv``.

        A column without a type, ``name``, becomes what its Arrow type says; with one, ``born:date``, its texts are
        read as in CSV files. The arguments are those of ``import_csv``.

        Raises:
            MissingExtra: pyarrow is not installed.
            ArgumentError, TooManyBadRows, ConstraintError: as ``import_csv``.
        """
        self._check_open()
        from .file_groups import file_groups, groups_in
        from .table_source import TableGroup, TableSource

        if directory is not None:
            nodes, relationships = groups_in(directory, (".parquet", ".arrow", ".feather"), nodes, relationships)
        source = TableSource(
            [TableGroup(files, names, False, id_property) for names, files in file_groups(nodes)],
            [TableGroup(files, names, True, None) for names, files in file_groups(relationships)],
        )
        return self._import(source, bad_rows, bad_tolerance, resume, progress, match)

    def import_jsonl(
        self,
        path: PathLike | Sequence[PathLike],
        *,
        label: str | Sequence[str] | None = None,
        id_property: str | None = None,
        bad_rows: PathLike | None = None,
        bad_tolerance: int = 0,
        resume: bool | None = None,
        progress: Report = None,
    ) -> Imported:
        """Load a graph from JSON lines: an object each, a node or a relationship, as Neo4j's APOC exports them.

        Args:
            path: one file or several; those compressed with gzip are recognised.
            label: then every object is a node with this label, its entries are the properties.
            id_property: keep the ids of nodes as this property.
            bad_rows: as in ``import_csv``, and so are the others.
            bad_tolerance: likewise.
            resume: likewise.
            progress: likewise.

        Raises:
            ArgumentError, TooManyBadRows, ConstraintError: as ``import_csv``.
        """
        self._check_open()
        from .file_groups import paths_of
        from .jsonl import JsonLines

        labels = () if label is None else (label,) if isinstance(label, str) else tuple(label)
        source = JsonLines(paths_of(path), labels, id_property)
        return self._import(source, bad_rows, bad_tolerance, resume, progress)

    def import_graphml(
        self,
        path: PathLike | Sequence[PathLike],
        *,
        id_property: str | None = None,
        bad_rows: PathLike | None = None,
        bad_tolerance: int = 0,
        resume: bool | None = None,
        progress: Report = None,
    ) -> Imported:
        """Load a graph from GraphML: typed keys, labels and types as Neo4j and APOC write them.

        Args:
            path: one file or several, each with ids of its own.
            id_property: keep the ids of nodes as this property.
            bad_rows: as in ``import_csv``, and so are the others.
            bad_tolerance: likewise.
            resume: likewise.
            progress: likewise.

        Raises:
            ArgumentError: not XML, not GraphML, or with entities of its own; and as ``import_csv``.
        """
        self._check_open()
        from .file_groups import paths_of
        from .graphml import GraphmlFiles

        source = GraphmlFiles(paths_of(path), id_property)
        return self._import(source, bad_rows, bad_tolerance, resume, progress)

    def _import(
        self,
        source: Source,
        bad_rows: PathLike | None,
        bad_tolerance: int,
        resume: bool | None,
        progress: Report,
        match: Match = None,
    ) -> Imported:
        from .bad_rows import BadRows
        from .graph_import import GraphImport

        return GraphImport(
            self.storage,
            source,
            bad_rows=BadRows(bad_rows, bad_tolerance),
            resume=resume,
            match=match,
            report=progress,
        ).run()
