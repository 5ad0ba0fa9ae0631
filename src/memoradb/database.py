"""The front door: an embedded database, opened by ``memoradb.open``."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, overload

from memoradb.core.clock import Clock, SystemClock
from memoradb.core.errors import (
    ConfigurationError,
    DatabaseClosed,
    TypeMismatch,
)
from memoradb.core.heap import keep_freed_memory
from memoradb.core.limits import HISTORY_VIEW_BYTES
from memoradb.core.retry import ATTEMPTS, run_retried
from memoradb.core.rng import Random, SystemRandom
from memoradb.memql.changes import CommittedChanges, check_after, committed_changes, followed_changes
from memoradb.memql.session import PLAIN_OPTIONS, Options, QueryEngine
from memoradb.storage.engine import Engine
from memoradb.storage.memory import DEFAULT_LIMIT, parse_limit
from memoradb.storage.view import GraphView

from .bulk.exports import Exports
from .bulk.imports import Imports
from .result import Result

if TYPE_CHECKING:
    from memoradb.storage.transaction import Isolation
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
            DeadlineExceeded: it was open longer than its ``timeout_ms``.
            MemoraDBError: as ``Database.execute``.
        """
        self._database._check_open()
        engine = self._database.query_engine
        options = _options(query, parameters, timeout_ms)
        return Result(engine.execute(query, parameters, transaction=self._storage, options=options))

    @property
    def is_open(self) -> bool:
        """Whether it still takes statements."""
        return self._storage.is_open

    def commit(self) -> None:
        """Make the changes durable and visible.

        Raises:
            WriteConflict: another transaction committed first what this one wrote or read: run it again.
            DeadlineExceeded: it was open longer than its ``timeout_ms``.
            TransactionClosed: it was committed or rolled back before.
        """
        self._database._check_open()
        self._storage.commit()

    def rollback(self) -> None:
        """Forget the changes; no error where the transaction is over."""
        self._storage.rollback()

    def __enter__(self) -> Transaction:
        self._database._check_open()
        self._storage.check_open()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            self.rollback()
        elif not self._storage.is_ended:
            self.commit()


class Database(Imports, Exports):
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
        self.query_engine.procedures.await_indexes = engine.await_indexes
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

    def begin(self, *, isolation: Isolation = "serializable", timeout_ms: int | None = None) -> Transaction:
        """An explicit transaction: end it with ``commit`` or ``rollback``, or use it as a context manager.

        Args:
            isolation: ``serializable``: as if transactions ran one after another. ``snapshot``: what was read and not
                written is not checked at the commit.
            timeout_ms: roll it back after so many milliseconds.

        Raises:
            ConfigurationError: there is no such isolation or time.
        """
        self._check_open()
        return Transaction(self, self.storage.begin(isolation=isolation, timeout_ms=timeout_ms))

    @overload
    def transaction(self, *, isolation: Isolation = ..., timeout_ms: int | None = ...) -> Transaction: ...

    @overload
    def transaction(
        self,
        work: Callable[[Transaction], T],
        *,
        isolation: Isolation = ...,
        timeout_ms: int | None = ...,
        attempts: int = ...,
    ) -> T: ...

    def transaction(
        self,
        work: Callable[[Transaction], T] | None = None,
        *,
        isolation: Isolation = "serializable",
        timeout_ms: int | None = None,
        attempts: int = ATTEMPTS,
    ) -> Transaction | T:
        """Several statements that take effect together: a block of them, or a function that is run again where it lost.

        ``with db.transaction() as tx`` commits at the end of the block and rolls back on an exception. Where another
        transaction was first, the commit fails with an error that is ``retryable``.

        ``db.transaction(work)`` runs ``work(tx)``, commits, and returns what it returned. Where it lost, it begins anew
        after a random pause, so ``work`` should do nothing but use its transaction.

        Args:
            work: what to run.
            isolation: as in ``begin``.
            timeout_ms: as in ``begin``, for each attempt.
            attempts: how often ``work`` is tried.

        Raises:
            WriteConflict: it lost every time.

        >>> import memoradb
        >>> db = memoradb.open(None)
        >>> db.transaction(lambda tx: tx.execute("CREATE (n:Counter {value: 1}) RETURN n.value").value())
        1
        """

        def begin() -> Transaction:
            return self.begin(isolation=isolation, timeout_ms=timeout_ms)

        if work is None:
            return begin()
        engine = self.query_engine
        return run_retried(begin, work, attempts, engine.clock, engine.random)

    # --- following

    def changes(self, after: int = 0, *, follow: bool = False) -> Iterator[CommittedChanges]:
        """What each transaction after a position of the log did, in the order in which they were committed.

        Go on later, in another process too, after the ``position`` of the last one that was handled: nothing is missing
        and nothing comes twice.

        Args:
            after: a position: 0 is before the first transaction; ``summary.position`` of a result that of its commit.
            follow: then wait for what is still to come; the iterator ends when the database is closed.

        Raises:
            ArgumentError: the log has not come as far as ``after``.
            HistoryUnavailable: what comes after ``after`` is no longer kept.

        >>> import memoradb
        >>> db = memoradb.open(None)
        >>> position = db.execute("CREATE (:Note {text: 'first'})").summary.position
        >>> _ = db.execute("MATCH (n:Note) SET n.text = 'second'")
        >>> for committed in db.changes(position):
        ...     print(committed.transaction, [(c.kind, c.change, c.properties) for c in committed.changes])
        2 [('node', 'changed', {'text': 'second'})]
        """
        self._check_open()
        check_after(after, self.storage)
        return followed_changes(self.storage, after) if follow else committed_changes(self.storage, after)

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
    if parameters is not None and type(parameters) is not dict and not isinstance(parameters, Mapping):
        raise TypeMismatch(
            f"Parameters are a mapping from names to values, not a Python {type(parameters).__name__}.",
            detail="InvalidParameterType",
        )
    if timeout_ms is not None and (not isinstance(timeout_ms, int) or timeout_ms < 0):
        raise ConfigurationError(f"timeout_ms is a number of milliseconds, not {timeout_ms!r}.")
    if timeout_ms is None and not read_only:
        return PLAIN_OPTIONS
    return Options(timeout_ms=timeout_ms, read_only=read_only)


def _machine_memory() -> int | None:
    """Bytes of memory that this process may use: the container's, where there is one, else the machine's."""
    found: list[int] = []
    with suppress(OSError, ValueError):  # not on Windows, nor where there are no control groups
        found.append(int(Path("/sys/fs/cgroup/memory.max").read_text("ascii")))
    with suppress(OSError, ValueError, AttributeError):
        found.append(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    return min(found, default=None)


def open(
    path: str | os.PathLike[str] | None = None,
    *,
    durability: str = "strict",
    history: str = "all",
    create: bool = True,
    memory_limit: int | str | None = DEFAULT_LIMIT,
    history_cache: int = HISTORY_VIEW_BYTES,
    clock: Clock | None = None,
    random: Random | None = None,
) -> Database:
    """Open the database in directory ``path``, making it where there is none; None is one in memory.

    Close it, or use it as a context manager: closing writes a checkpoint, from which the next start is fast.

    Args:
        path: the data directory.
        durability: ``strict`` (a commit returns once it is on disk), ``group`` (likewise, waiting briefly for
            company), ``relaxed`` (returns at once; a crash may lose the last moments).
        history: how much of the past is kept: ``all``, a duration (``"36h"``, ``"7d"``) or bytes of log (``"10GB"``).
        create: make the directory where it does not exist.
        memory_limit: what the graph and open transactions may take together, as bytes, ``"4GB"`` or ``"80%"`` of the
            machine's memory; a write that would need more fails. None: no limit.
        history_cache: bytes that states of the past may take in memory for the next who asks for them.
        clock: where time comes from.
        random: where randomness comes from.

    Raises:
        DatabaseLocked: another process has it open.
        ForeignDirectory: the directory holds something else.
        CorruptionError: a file fails its checksum.
        ConfigurationError: an unknown durability or history, an empty path, or a table of costs that cannot be read.

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
    limit = parse_limit(memory_limit, _machine_memory())
    if where is not None and os.path.exists(costs := os.path.join(where, "costs.json")):
        from .memql.cost import constants, table

        constants.use(table.from_json(Path(costs).read_bytes(), costs))
    keep_freed_memory(os.environ)
    engine = Engine.open(
        where,
        clock=clock,
        durability=durability,
        history=history,
        create=create,
        memory_limit=limit,
        history_cache=history_cache,
    )
    return Database(engine, clock, random or SystemRandom())
