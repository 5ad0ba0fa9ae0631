"""The front door: an embedded database, opened by ``memoradb.open``."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from memoradb.core.clock import Clock, SystemClock
from memoradb.core.errors import (
    ConfigurationError,
    DatabaseClosed,
    TransactionClosed,
    TypeMismatch,
)
from memoradb.core.retry import run_retried
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
    ``with`` block commits; an exception rolls back. Used by one thread at a time.

    >>> import memoradb
    >>> with memoradb.open(None) as db:
    ...     with db.transaction() as tx:
    ...         _ = tx.execute("CREATE (:City {name: 'Malmö'})")
    ...     db.execute("MATCH (c:City) RETURN c.name").value()
    'Malmö'
    """

    def __init__(self, database: Database, storage: StorageTransaction) -> None:
        self._database = database
        self._storage = storage

    def execute(
        self, query: str, parameters: Mapping[str, Any] | None = None, *, timeout_ms: int | None = None
    ) -> Result:
        """Run one statement inside the transaction. One that fails changes nothing; the transaction goes on.

        Raises:
            TransactionClosed: the transaction was committed or rolled back.
            MemoraDBError: as ``Database.execute``.
        """
        self._check_open()
        engine = self._database.query_engine
        options = _options(query, parameters, timeout_ms)
        return Result(engine.execute(query, parameters, transaction=self._storage, options=options))

    @property
    def is_open(self) -> bool:
        """Whether it still takes statements."""
        return self._storage.is_open

    def _check_open(self) -> None:
        self._database._check_open()
        if not self._storage.is_open:
            raise TransactionClosed("The transaction was committed or rolled back before.")

    def commit(self) -> None:
        """Make the changes durable and visible.

        Raises:
            WriteConflict: another transaction committed first what this one touched: run it again.
            TransactionClosed: it was committed or rolled back before.
        """
        self._check_open()
        self._storage.commit()

    def rollback(self) -> None:
        """Forget the changes; no error where the transaction is over."""
        self._storage.rollback()

    def __enter__(self) -> Transaction:
        self._check_open()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if not self._storage.is_open:
            return
        if kind is None:
            self.commit()
        else:
            self.rollback()


class Database:
    """One open database. Safe to use from several threads: readers never wait, writers take turns.

    >>> import memoradb
    >>> db = memoradb.open(None)
    >>> _ = db.execute("CREATE (:Person {name: $name})-[:KNOWS]->(:Person {name: 'Bo'})", {"name": "Ana"})
    >>> for record in db.execute("MATCH (a:Person)-[:KNOWS]->(b) RETURN a.name AS who, b.name AS whom"):
    ...     print(record["who"], "knows", record["whom"])
    Ana knows Bo
    >>> db.close()
    """

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

        >>> import memoradb
        >>> db = memoradb.open(None)
        >>> db.execute("UNWIND $numbers AS n RETURN n, n * n AS square", {"numbers": [1, 2]}).to_dicts()
        [{'n': 1, 'square': 1}, {'n': 2, 'square': 4}]
        >>> try:
        ...     db.execute("MATCH (friend) RETURN freind")
        ... except memoradb.MemoraDBError as error:
        ...     print(error.detail, error.position.line, error.position.column)
        UndefinedVariable 1 23
        """
        self._check_open()
        options = options or _options(query, parameters, timeout_ms, read_only)
        return Result(self.query_engine.execute(query, parameters, options=options))

    def begin(self) -> Transaction:
        """An explicit transaction: end it with ``commit`` or ``rollback``, or use it as a context manager."""
        self._check_open()
        return Transaction(self, self.storage.begin())

    def transaction(self) -> Transaction:
        """``with db.transaction() as tx``: commits at the end, rolls back on an exception."""
        return self.begin()

    def run(self, work: Callable[[Transaction], T], *, attempts: int = 5) -> T:
        """Run ``work`` in a transaction, again where it lost to another one, ``attempts`` times at most.

        ``work`` may run several times, so it should do nothing but use its transaction. Returns what it returns.

        Raises:
            WriteConflict: it lost every time.

        >>> import memoradb
        >>> db = memoradb.open(None)
        >>> db.run(lambda tx: tx.execute("CREATE (n:Counter {value: 1}) RETURN n.value").value())
        1
        """
        return run_retried(self.begin, work, attempts)

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

        Raises:
            ConfigurationError: a type that there is none of.

        >>> import memoradb
        >>> db = memoradb.open(None)
        >>> def halves(number):
        ...     return [{"half": number // 2}, {"half": number - number // 2}]
        >>> db.register_procedure("math.halves", [("number", "INTEGER")], [("half", "INTEGER")], halves)
        >>> [record["half"] for record in db.execute("CALL math.halves(7) YIELD half")]
        [3, 4]
        """
        self._check_open()
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

        Rows go in parts of 250,000, each one transaction: what fails keeps the parts before it, and nothing of its
        own. Errors name the row, counted from 0. What each Arrow type becomes: ``memoradb.storage.arrow``.

        Raises:
            MissingExtra: pyarrow is not installed.
            ArgumentError: no such file or column, or a key that is null or stands for several nodes.
            EntityNotFound: a row names a node that does not exist.
            UniqueViolation: a key that is there already.
            TypeMismatch: a value that no property can hold.
        """
        self._check_open()
        from .bulk import BulkLoader, parquet_tables

        loader = BulkLoader(self.storage)
        tables = parquet_tables(path)
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
        self._check_open()
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

    def _check_open(self) -> None:
        if self._closed:
            raise DatabaseClosed("The database is closed.", hint="Open it again with memoradb.open().")

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


def _options(
    query: str, parameters: Mapping[str, Any] | None, timeout_ms: int | None, read_only: bool = False
) -> Options:
    """How to run a statement; a clear error for what is no statement, no parameters or no time."""
    if not isinstance(query, (str, bytes)):
        raise TypeMismatch(f"A query is a string, not a Python {type(query).__name__}.", detail="InvalidParameterType")
    if parameters is not None and not isinstance(parameters, Mapping):
        raise TypeMismatch(
            f"Parameters are a mapping from names to values, not a Python {type(parameters).__name__}.",
            detail="InvalidParameterType",
        )
    if timeout_ms is not None and (not isinstance(timeout_ms, int) or timeout_ms < 0):
        raise ConfigurationError(f"timeout_ms is a number of milliseconds, not {timeout_ms!r}.")
    return Options(timeout_ms=timeout_ms, read_only=read_only)


def open(
    path: str | os.PathLike[str] | None = None,
    *,
    durability: str = "strict",
    create: bool = True,
    clock: Clock | None = None,
    random: Random | None = None,
) -> Database:
    """Open the database in directory ``path``, making it where there is none; None is one in memory.

    Close it, or use it as a context manager: closing writes a checkpoint, from which the next start is fast.

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
        ConfigurationError: an unknown durability, or an empty path.

    >>> import memoradb, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with memoradb.open(folder + "/graph") as db:
    ...         _ = db.execute("CREATE (:Note {text: 'remember me'})")
    ...     with memoradb.open(folder + "/graph") as db:
    ...         db.execute("MATCH (n:Note) RETURN n.text").value()
    'remember me'
    """
    clock = clock or SystemClock()
    where = None if path is None else os.fspath(path)
    if where == "":
        raise ConfigurationError("The path of a database is not empty.", hint="None opens one in memory.")
    engine = Engine.open(where, clock=clock, durability=durability, create=create)
    return Database(engine, clock, random or SystemRandom())
