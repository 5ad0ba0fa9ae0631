"""The life of a transaction: its end, its time-out, and what it holds on to until then."""

import gc
import threading
import weakref

import numpy as np
import pytest

import memoradb
from memoradb.core.clock import ManualClock
from memoradb.core.columns import lift
from memoradb.core.errors import ConfigurationError, DeadlineExceeded, SnapshotTooOld, TransactionClosed, WriteConflict
from memoradb.storage.engine import Engine
from memoradb.storage.overlay import Overlay
from memoradb.storage.transaction import ExplicitTransaction
from memoradb.storage.undo import RECORD_BYTES
from memoradb.storage.vfs_memory import MemoryVfs
from memoradb.storage.view import Element, GraphWriter

MS = 1_000_000


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def engine(clock: ManualClock):
    engine = Engine.open("/db", vfs=MemoryVfs(), clock=clock, background=False)
    write(engine, lambda view: view.create_nodes(3, ["A"], {"x": lift([1, 2, 3])}))
    yield engine
    engine.close()


def write(engine: Engine, work) -> None:
    with engine.begin(exclusive=True) as transaction:
        work(transaction.view)
        transaction.commit()


def set_x(view: GraphWriter, slot: int, value: int) -> None:
    view.set_property(Element.NODE, slots(slot), "x", lift([value]))


def slots(*items: int) -> np.ndarray:
    return np.array(items, np.int64)


def test_after_its_end_a_transaction_says_so_and_holds_nothing(engine: Engine) -> None:
    for end in (lambda t: t.commit(), lambda t: t.rollback()):
        transaction = engine.begin()
        base = weakref.ref(transaction.overlay)
        set_x(transaction.view, 0, 5)
        end(transaction)
        assert base() is None and not transaction.is_open and transaction.is_ended
        for use in (transaction.begin_statement, transaction.commit, transaction.check_open):
            with pytest.raises(TransactionClosed):
                use()
        with pytest.raises(TransactionClosed):
            _ = transaction.view
        transaction.rollback()


def test_a_commit_that_fails_ends_the_transaction(engine: Engine) -> None:
    transaction = engine.begin()
    set_x(transaction.view, 0, 5)
    write(engine, lambda view: set_x(view, 0, 6))
    with pytest.raises(WriteConflict):
        transaction.commit()
    assert transaction.is_ended
    with pytest.raises(TransactionClosed):
        transaction.commit()


def test_when_the_time_is_up_everything_says_so(engine: Engine, clock: ManualClock) -> None:
    transaction = engine.begin(timeout_ms=50)
    set_x(transaction.view, 0, 5)
    clock.advance(50 * MS)
    transaction.begin_statement()
    transaction.end_statement()
    clock.advance(1)
    for use in (transaction.begin_statement, transaction.commit, transaction.check_open):
        with pytest.raises(DeadlineExceeded, match="50 ms") as raised:
            use()
        assert raised.value.code == "Neo.ClientError.Transaction.TransactionTimedOut" and not raised.value.retryable
    assert not transaction.is_open and not transaction.is_ended
    transaction.rollback()
    assert engine.snapshot().property(Element.NODE, slots(0), "x").values() == [1]


@pytest.mark.parametrize("found_by", ["commit", "begin", "rest"])
def test_an_abandoned_transaction_lets_go_when_anybody_comes_by(
    engine: Engine, clock: ManualClock, found_by: str
) -> None:
    abandoned = engine.begin(timeout_ms=1_000)
    held = weakref.ref(abandoned.overlay.base)
    set_x(abandoned.view, 1, 7)
    write(engine, lambda view: set_x(view, 0, 6))
    clock.advance(1_001 * MS)
    match found_by:
        case "commit":
            write(engine, lambda view: set_x(view, 0, 8))
        case "begin":
            engine.begin(timeout_ms=5).rollback()
        case _:
            engine.rest()
    gc.collect()
    assert held() is None and not engine._timed
    with pytest.raises(DeadlineExceeded):
        abandoned.begin_statement()


def test_undo_goes_with_the_transaction_that_needed_it(
    engine: Engine, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("memoradb.storage.store.PRUNE_CHANGES", 1)
    engine.store._prune_due = 1
    abandoned = engine.begin(timeout_ms=1_000)
    for i in range(20):
        write(engine, lambda view, i=i: set_x(view, 0, i))
    assert len(engine.store.undo) >= 20
    assert abandoned.view.property(Element.NODE, slots(0), "x").values() == [1]
    clock.advance(2_000 * MS)
    for i in range(40):
        write(engine, lambda view, i=i: set_x(view, 1, i))
    assert len(engine.store.undo) < 20
    assert abandoned.is_open is False


def test_a_statement_that_runs_when_the_time_is_up_keeps_its_view_and_fails_at_its_end(
    engine: Engine, clock: ManualClock
) -> None:
    transaction = engine.begin(timeout_ms=10)
    transaction.begin_statement()
    view = transaction.view
    clock.advance(11 * MS)
    other = threading.Thread(target=engine.rest)
    other.start()
    other.join()
    assert not transaction.is_open
    write(engine, lambda view: set_x(view, 0, 6))
    assert view.property(Element.NODE, slots(0), "x").values() == [1]
    with pytest.raises(DeadlineExceeded):
        transaction.end_statement()
    with pytest.raises(DeadlineExceeded):
        _ = transaction.overlay


def test_a_rollback_by_another_thread_fails_the_statement_that_runs(engine: Engine) -> None:
    transaction = engine.begin()
    transaction.begin_statement()
    other = threading.Thread(target=transaction.rollback)
    other.start()
    other.join()
    assert transaction.view.node_count() == 3
    with pytest.raises(TransactionClosed):
        transaction.end_statement()


def test_statements_of_a_transaction_share_its_time(clock: ManualClock) -> None:
    class Ticking(ManualClock):
        def monotonic_ns(self) -> int:
            self.advance(MS)
            return super().monotonic_ns()

    def one_long(db: memoradb.Database) -> None:
        with db.transaction(timeout_ms=100) as tx:
            tx.execute("CREATE (:A)")
            tx.execute("UNWIND range(1, 3000) AS a UNWIND range(1, 3000) AS b CREATE (:A {x: a + b})")

    def many_short(db: memoradb.Database) -> None:
        with db.transaction(timeout_ms=30) as tx:
            for _ in range(100):
                tx.execute("CREATE (:A)")

    def late_commit(db: memoradb.Database) -> None:
        with db.transaction(timeout_ms=20) as tx:
            tx.execute("CREATE (:A)")
            for _ in range(20):
                db.storage.monotonic_ns()

    with memoradb.open(clock=Ticking()) as db:
        for work in (one_long, many_short, late_commit):
            with pytest.raises(DeadlineExceeded):
                work(db)
            assert db.execute("MATCH (a:A) RETURN count(*)").value() == 0


@pytest.mark.parametrize("timeout_ms", [-1, 1.5, "1", True])
def test_what_is_no_time(engine: Engine, timeout_ms: object) -> None:
    with pytest.raises(ConfigurationError, match="milliseconds"):
        engine.begin(timeout_ms=timeout_ms)  # pyright: ignore[reportArgumentType]


def test_what_is_no_isolation(engine: Engine) -> None:
    with pytest.raises(ConfigurationError, match="isolation"):
        engine.begin(isolation="chaos")  # pyright: ignore[reportArgumentType]


def test_only_explicit_serializable_transactions_take_notes(engine: Engine) -> None:
    with engine.begin(exclusive=True) as single:
        assert single.reads is None and single.view is single.overlay
    with engine.begin(isolation="snapshot") as loose:
        assert isinstance(loose, ExplicitTransaction) and loose.reads is None and isinstance(loose.view, Overlay)
    with engine.begin() as strict:
        assert strict.reads is not None and not isinstance(strict.view, Overlay)


# --- undo is bounded


def test_a_reader_beyond_the_age_of_undo_is_told(
    engine: Engine, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("memoradb.storage.store.PRUNE_CHANGES", 1)
    engine.store._prune_due = 1
    old, hour = engine.begin(), 3_600_000 * MS
    for i in range(5):
        write(engine, lambda view, i=i: set_x(view, 0, i))
    clock.advance(hour // 2)
    young = engine.begin()
    for i in range(30):
        write(engine, lambda view, i=i: set_x(view, 0, 10 + i))
    assert old.view.property(Element.NODE, slots(0), "x").values() == [1]
    clock.advance(hour // 2 + 1)
    for i in range(100):
        write(engine, lambda view, i=i: set_x(view, 1, i))
    with pytest.raises(SnapshotTooOld) as raised:
        old.view.property(Element.NODE, slots(0), "x")
    assert raised.value.retryable
    assert young.view.property(Element.NODE, slots(0), "x").values() == [4]
    set_x(old.view, 2, 1)
    with pytest.raises(WriteConflict, match="too old"):
        old.commit()


def test_undo_over_its_budget_goes_at_once_but_never_what_readers_get_now(engine: Engine) -> None:
    undo = engine.store.undo
    undo._bytes_max = 10 * RECORD_BYTES
    old = engine.begin()
    for i in range(30):
        write(engine, lambda view, i=i: set_x(view, 0, i))
        assert undo.bytes <= 11 * RECORD_BYTES
    with pytest.raises(SnapshotTooOld):
        old.view.property(Element.NODE, slots(0), "x")

    # One statement that writes more than the budget: what is published before it stays readable while it is applied.
    published = engine.snapshot()
    seen: list[object] = []
    applied = engine.store.applied

    def look(position: int, changed: int) -> None:
        seen.append(published.property(Element.NODE, slots(0, 1), "x").values())
        applied(position, changed)

    engine.store.applied = look  # type: ignore[method-assign]
    write(engine, lambda view: [set_x(view, slot, 1000 + slot) for slot in (0, 1, 2)])

    def many(view: GraphWriter) -> None:
        for key in "abcdefghijklmnop":
            view.set_property(Element.NODE, slots(0, 1, 2), key, lift([1, 2, 3]))
        set_x(view, 0, -1)

    published = engine.snapshot()
    write(engine, many)
    assert seen == [[29, 2], [1000, 1001]]
    assert undo.bytes > 10 * RECORD_BYTES
    engine.store.applied = applied  # type: ignore[method-assign]
    write(engine, lambda view: set_x(view, 0, 3))
    assert undo.bytes <= 11 * RECORD_BYTES
