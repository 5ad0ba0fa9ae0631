"""The front door: an embedded database, opened by ``memoradb.open``."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from memoradb.core.clock import Clock, SystemClock
from memoradb.core.errors import ConfigurationError, DatabaseClosed, TransactionError
from memoradb.core.rng import Random, SystemRandom
from memoradb.core.values import Value
from memoradb.memql.session import Options, QueryEngine
from memoradb.storage.engine import Engine
from memoradb.storage.view import GraphView

from .result import Result

if TYPE_CHECKING:
    from memoradb.storage.transaction import Transaction as StorageTransaction

T = TypeVar("T")


class Transaction:
    """Several statements that take effect together, or not at all.

    Statements see the graph as it was when the transaction began, and the transaction's own changes. Leaving the
    ``with`` block commits; an exception rolls back.
    """

    def __init__(self, database: Database, storage: StorageTransaction) -> None:
        self._database = database
        self._storage = storage

    def execute(
        self, query: str, parameters: Mapping[str, Any] | None = None, *, timeout_ms: int | None = None
    ) -> Result:
        """Run one statement inside the transaction. One that fails changes nothing; the transaction goes on."""
        engine = self._database.query_engine
        options = Options(timeout_ms=timeout_ms)
        return Result(engine.execute(query, parameters, transaction=self._storage, options=options))

    def commit(self) -> None:
        """Make the changes durable and visible.

        Raises:
            WriteConflict: another transaction committed first what this one touched: run it again.
        """
        self._storage.commit()

    def rollback(self) -> None:
        """Forget the changes."""
        self._storage.rollback()

    def __enter__(self) -> Transaction:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if not self._storage.is_open:
            return
        if kind is None:
            self.commit()
        else:
            self.rollback()


class Database:
    """One open database. Safe to use from several threads: readers never wait."""

    def __init__(self, engine: Engine, clock: Clock, random: Random) -> None:
        self.storage = engine
        self.query_engine = QueryEngine(engine, clock, random)
        self.query_engine.procedures.checkpoint = engine.checkpoint
        self._closed = False
        self._close_lock = threading.Lock()
        self._register_embedder()

    def _register_embedder(self) -> None:
        from memoradb.memory.functions import register_functions

        register_functions(self.query_engine.functions)

    # --- statements

    def execute(
        self,
        query: str,
        parameters: Mapping[str, Any] | None = None,
        *,
        timeout_ms: int | None = None,
        read_only: bool = False,
        options: Options | None = None,
    ) -> Result:
        """Run one MemQL statement to its end.

        Args:
            query: the statement.
            parameters: values for its ``$names``.
            timeout_ms: give up after so many milliseconds.
            read_only: refuse a statement that writes.
            options: all of these and rarer ones; overrides the two before.

        Raises:
            MemoraDBError: with code, position and hint; the statement then had no effect.
        """
        if self._closed:
            raise DatabaseClosed("The database is closed.")
        options = options or Options(timeout_ms=timeout_ms, read_only=read_only)
        return Result(self.query_engine.execute(query, parameters, options=options))

    def begin(self) -> Transaction:
        """An explicit transaction; use it as a context manager."""
        if self._closed:
            raise DatabaseClosed("The database is closed.")
        return Transaction(self, self.storage.begin())

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """``with db.transaction() as tx``: commits at the end, rolls back on an exception."""
        with self.begin() as transaction:
            yield transaction

    def run(self, work: Callable[[Transaction], T], *, attempts: int = 5) -> T:
        """Run ``work`` in a transaction, again where it lost to another one, ``attempts`` times at most."""
        for attempt in range(1, attempts + 1):
            try:
                with self.begin() as transaction:
                    return work(transaction)
            except TransactionError as error:
                if not error.retryable or attempt == attempts:
                    raise
        raise ConfigurationError("attempts must be at least 1.")

    # --- extending

    def register_procedure(
        self,
        name: str,
        inputs: Sequence[tuple[str, str]],
        outputs: Sequence[tuple[str, str]],
        function: Callable[..., Any],
        *,
        description: str = "",
    ) -> None:
        """Make ``CALL name(...)`` run a Python function.

        Args:
            name: dotted, as in ``shop.discount``.
            inputs: (name, type) pairs; types such as ``"INTEGER"``, ``"STRING?"`` (nullable), ``"ANY?"``.
            outputs: likewise; none makes a void procedure.
            function: takes the inputs as plain Python values and returns rows as dictionaries by output name.
            description: shown by ``dbms.procedures``.
        """
        self.query_engine.procedures.register(name, inputs, outputs, function, description=description)
        self.query_engine.forget_plans()

    # --- bulk import

    def import_parquet(
        self,
        path: str | os.PathLike[str],
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

        Raises:
            MissingExtra: pyarrow is not installed.
            EntityNotFound: a row names a node that does not exist; earlier parts stay loaded.
        """
        from .bulk import BulkLoader, parquet_tables

        loader = BulkLoader(self.storage)
        tables = parquet_tables(path)
        if label is not None:
            return loader.nodes(tables, label, key, progress)
        if type is None or source is None or target is None:
            raise ConfigurationError("Give `label` for nodes, or `type`, `source` and `target` for relationships.")
        return loader.relationships(tables, type, source, target, progress)

    def import_nodes(
        self, label: str | Sequence[str], columns: Mapping[str, Sequence[Value]], *, key: str | None = None
    ) -> list[int]:
        """Load nodes from columns of equal length; returns their ids. The bulk path: no statement for each row."""
        from .bulk import BulkLoader

        return BulkLoader(self.storage).node_columns(label, columns, key)

    def import_relationships(
        self,
        type: str,
        start_ids: Sequence[int],
        end_ids: Sequence[int],
        columns: Mapping[str, Sequence[Value]] | None = None,
    ) -> int:
        """Load relationships between nodes given by id; returns how many."""
        from .bulk import BulkLoader

        return BulkLoader(self.storage).relationship_columns(type, start_ids, end_ids, columns or {})

    # --- state

    def snapshot(self) -> GraphView:
        """The newest committed state, for reading through the storage interface."""
        return self.storage.snapshot()

    def checkpoint(self) -> None:
        """Write a snapshot of the graph to disk, so that the next start need not replay the log."""
        self.storage.checkpoint()

    @property
    def path(self) -> str | None:
        """The data directory, None in memory."""
        return self.storage.path

    def close(self) -> None:
        """Write what is due and release the directory. Closing twice is no error."""
        with self._close_lock:
            if not self._closed:
                self._closed = True
                self.storage.close()

    def __enter__(self) -> Database:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Database {self.path or 'in memory'}>"


def open(
    path: str | os.PathLike[str] | None = None,
    *,
    durability: str = "strict",
    create: bool = True,
    clock: Clock | None = None,
    random: Random | None = None,
) -> Database:
    """Open the database in directory ``path``, making it where there is none; None is one in memory.

    Args:
        path: the data directory.
        durability: ``strict`` (a commit returns once it is on disk), ``group`` (likewise, waiting briefly for
            company), ``relaxed`` (returns at once; a crash may lose the last moments).
        create: make the directory where it does not exist.
        clock: where time comes from.
        random: where randomness comes from.

    Raises:
        DatabaseLocked: another process has it open.
        ForeignDirectory: the directory holds something else.
        CorruptionError: a file fails its checksum.
    """
    clock = clock or SystemClock()
    where = None if path is None else os.fspath(path)
    engine = Engine.open(where, clock=clock, durability=durability, create=create)
    return Database(engine, clock, random or SystemRandom())
