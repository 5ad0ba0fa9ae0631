"""The front door: opening, statements, errors, transactions, retries, threads, time limits."""

import threading
import time
from enum import Enum

import numpy as np
import pytest

import memoradb
from memoradb.core.clock import ManualClock, SystemClock
from memoradb.core.errors import (
    Cancelled,
    ConfigurationError,
    DatabaseClosed,
    DatabaseLocked,
    DeadlineExceeded,
    ForeignDirectory,
    MemoraDBError,
    MemQLError,
    ProcedureError,
    StorageError,
    TransactionClosed,
    TypeMismatch,
    UniqueViolation,
    WriteConflict,
)
from memoradb.core.temporal import Date
from memoradb.core.values import Node, Path, Relationship
from memoradb.memql.exec.context import Cancellation
from memoradb.memql.session import Options


@pytest.fixture
def db():
    with memoradb.open(None) as database:
        yield database


def count(db, pattern="(n)") -> int:
    return db.execute(f"MATCH {pattern} RETURN count(*) AS n").value()


# --- opening and closing


def test_a_database_in_memory_opens_in_under_a_millisecond():
    memoradb.open(None).close()
    fastest = float("inf")
    for _ in range(30):
        started = time.perf_counter()
        database = memoradb.open(None)
        fastest = min(fastest, time.perf_counter() - started)
        database.close()
    assert fastest < 0.001


def test_what_was_committed_is_there_after_reopening(tmp_path):
    with memoradb.open(tmp_path / "graph") as db:
        db.execute("CREATE (:A {x: 1})")
        assert db.path == str(tmp_path / "graph")
    with memoradb.open(str(tmp_path / "graph"), create=False) as db:
        assert db.execute("MATCH (a:A) RETURN a.x").value() == 1


def test_closing_twice_is_no_error_and_everything_after_is(tmp_path):
    db = memoradb.open(tmp_path / "graph")
    tx = db.begin()
    db.close()
    db.close()
    for use in (
        lambda: db.execute("RETURN 1"),
        db.begin,
        db.transaction,
        db.snapshot,
        lambda: db.transaction(lambda tx: None),
        lambda: db.import_nodes("A", {"x": [1]}),
        lambda: db.import_relationships("R", [], []),
        lambda: db.import_parquet("none.parquet", label="A"),
        lambda: db.register_procedure("a.b", [], [], lambda: None),
        lambda: tx.execute("RETURN 1"),
        tx.commit,
        tx.__enter__,
    ):
        with pytest.raises(DatabaseClosed):
            use()
    tx.rollback()


@pytest.mark.parametrize(
    ("path", "options", "error"),
    [
        ("", {}, ConfigurationError),
        ("file", {}, StorageError),
        ("none", {"create": False}, ForeignDirectory),
        ("foreign", {}, ForeignDirectory),
        ("new", {"durability": "perhaps"}, ConfigurationError),
    ],
)
def test_a_place_that_is_no_database_is_refused(tmp_path, monkeypatch, path, options, error):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("x")
    (tmp_path / "foreign").mkdir()
    (tmp_path / "foreign" / "thesis.doc").write_text("precious")
    with pytest.raises(error) as caught:
        memoradb.open(path, **options)
    assert caught.value.code.startswith("Neo.")
    assert (tmp_path / "foreign" / "thesis.doc").read_text() == "precious"


def test_one_directory_is_open_once(tmp_path):
    with memoradb.open(tmp_path / "graph"), pytest.raises(DatabaseLocked):
        memoradb.open(tmp_path / "graph")


def test_a_database_says_where_it_is(db, tmp_path):
    assert repr(db) == "<Database in memory>"
    assert db.path is None
    with memoradb.open(tmp_path / "g") as other:
        assert repr(other) == f"<Database {tmp_path / 'g'}>"


# --- values and parameters


def test_values_are_shaped_as_documented(db):
    row = db.execute("CREATE p = (a:A:B {x: 1})-[r:R {y: 2}]->(c:C) RETURN a, r, c, p").single()
    node, relationship, end, path = row
    assert isinstance(node, Node)
    assert (set(node.labels), node.properties, node["x"], node.get("z")) == ({"A", "B"}, {"x": 1}, 1, None)
    assert isinstance(relationship, Relationship)
    assert (relationship.type, relationship.start, relationship.end) == ("R", node.id, end.id)
    assert (relationship.properties, relationship["y"], relationship.get("z", 5)) == ({"y": 2}, 2, 5)
    assert isinstance(path, Path)
    assert (path.nodes, path.relationships, len(path)) == ((node, end), (relationship,), 1)
    assert node.element_id != end.element_id


class Colour(str, Enum):  # noqa: UP042 - not a StrEnum: its str() is "Colour.RED"
    RED = "red"


@pytest.mark.parametrize(
    ("given", "got"),
    [
        (None, None),
        (True, True),
        ((1, 2), [1, 2]),
        ({"a": (1, {"b": None})}, {"a": [1, {"b": None}]}),
        (np.int64(3), 3),
        (np.float32(0.5), 0.5),
        (np.array([1, 2]), [1, 2]),
        (np.array([[0.5]]), [[0.5]]),
        (bytearray(b"ab"), b"ab"),
        ({3, 1}, [1, 3]),
        (Colour.RED, "red"),
        (Date(0), Date(0)),
    ],
)
def test_parameters_become_values(db, given, got):
    found = db.execute("RETURN $x AS x", {"x": given}).value()
    assert (found, type(found)) == (got, type(got))


@pytest.mark.parametrize("value", [object(), 1j, range(3), {1: 2}, {"a": {2: 3}}, [lambda: 0], Node(1)])
def test_what_is_no_value_is_refused_by_its_name(db, value):
    with pytest.raises(TypeMismatch, match=r"\$x"):
        db.execute("RETURN $x", {"x": value})


@pytest.mark.parametrize(
    ("query", "parameters", "error"),
    [
        (1, None, TypeMismatch),
        (None, None, TypeMismatch),
        ("RETURN $x", [1], TypeMismatch),
        ("RETURN $x", "x", TypeMismatch),
        ("RETURN $x", {1: 1}, TypeMismatch),
        ("RETURN $x", {}, MemQLError),
        ("RETURN $x", {"x": 2**63}, MemQLError),
    ],
)
def test_a_call_that_is_wrong_says_how(db, query, parameters, error):
    with pytest.raises(error) as caught:
        db.execute(query, parameters)
    assert caught.value.code.startswith("Neo.ClientError.Statement.")
    with db.begin() as tx, pytest.raises(error):
        tx.execute(query, parameters)


# --- errors


def test_an_error_carries_everything_that_the_style_guide_lists(db):
    with pytest.raises(MemoraDBError) as caught:
        db.execute("MATCH (friend:Person)\nWHERE freind.age > 30 RETURN friend")
    error = caught.value
    assert error.code == "Neo.ClientError.Statement.SyntaxError"
    assert error.gqlstatus == "42N62"
    assert (error.kind, error.phase, error.detail) == ("SyntaxError", "compile time", "UndefinedVariable")
    position = error.position
    assert position is not None
    assert (position.offset, position.line, position.column) == (28, 2, 7)
    assert "friend" in (error.hint or "")
    shown = str(error)
    assert "^" in shown
    assert "[Neo.ClientError.Statement.SyntaxError, 42N62]" in shown
    sent = error.to_dict()
    assert sent["position"] == {"offset": 28, "line": 2, "column": 7}
    assert not sent["retryable"]


def test_an_error_at_run_time_is_of_run_time(db):
    with pytest.raises(MemoraDBError) as caught:
        db.execute("UNWIND [1, 0] AS n RETURN 1 / n")
    assert (caught.value.kind, caught.value.phase, caught.value.detail) == (
        "ArithmeticError",
        "runtime",
        "DivisionByZero",
    )


def test_a_statement_that_fails_changes_nothing(db):
    with pytest.raises(MemoraDBError):
        db.execute("CREATE (:A) WITH 1 AS one UNWIND [1, 0] AS n CREATE (:B {x: 1 / n})")
    assert count(db) == 0


def test_a_read_only_call_refuses_to_write(db):
    with pytest.raises(MemQLError) as caught:
        db.execute("CREATE (:A)", read_only=True)
    assert caught.value.code == "Neo.ClientError.Statement.AccessMode"
    assert count(db) == 0
    assert db.execute("RETURN 1", read_only=True).value() == 1


# --- transactions


def test_leaving_the_block_commits(db):
    with db.transaction() as tx:
        tx.execute("CREATE (:A)")
        assert tx.is_open
        assert count(db) == 0
        assert tx.execute("MATCH (a:A) RETURN count(a)").value() == 1
    assert not tx.is_open
    assert count(db) == 1


def test_an_exception_rolls_back_and_goes_on(db):
    def fail():
        with db.transaction() as tx:
            tx.execute("CREATE (:A)")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert count(db) == 0
    db.execute("CREATE (:B)")


def test_a_failed_statement_leaves_the_transaction_open_and_its_other_changes(db):
    with db.transaction() as tx:
        tx.execute("CREATE (:A)")
        with pytest.raises(MemoraDBError):
            tx.execute("CREATE (:B {x: 1 / 0})")
        tx.execute("CREATE (:C)")
    assert db.execute("MATCH (n) RETURN labels(n) AS l").column("l") == [["A"], ["C"]]


@pytest.mark.parametrize("end", ["commit", "rollback"])
def test_a_transaction_that_is_over_takes_nothing_more(db, end):
    tx = db.begin()
    tx.execute("CREATE (:A)")
    getattr(tx, end)()
    for use in (lambda: tx.execute("CREATE (:B)"), tx.commit, tx.__enter__):
        with pytest.raises(TransactionClosed):
            use()
    tx.rollback()
    assert count(db) == (1 if end == "commit" else 0)


def test_ending_inside_the_block_is_no_error(db):
    with db.transaction() as tx:
        tx.execute("CREATE (:A)")
        tx.commit()
    with db.transaction() as tx:
        tx.execute("CREATE (:B)")
        tx.rollback()
    assert count(db) == 1


def test_a_transaction_sees_the_graph_as_it_began(db):
    db.execute("CREATE (:A {x: 1})")
    with db.transaction() as tx:
        db.execute("MATCH (a:A) SET a.x = 2")
        assert tx.execute("MATCH (a:A) RETURN a.x").value() == 1
    assert db.execute("MATCH (a:A) RETURN a.x").value() == 2


def test_the_first_committer_wins(db):
    db.execute("CREATE (:A {x: 1})")
    tx = db.begin()
    tx.execute("MATCH (a:A) SET a.x = 10")
    # A statement on the database is a transaction of its own, also while this one is open.
    db.execute("MATCH (a:A) SET a.x = 20")
    with pytest.raises(WriteConflict) as caught:
        tx.commit()
    assert caught.value.retryable
    assert caught.value.hint
    assert db.execute("MATCH (a:A) RETURN a.x").value() == 20
    assert not tx.is_open


def test_transactions_that_touch_different_elements_both_commit(db):
    db.execute("CREATE (:A {x: 1}), (:B {x: 1})")
    with db.transaction() as one, db.transaction() as two:
        one.execute("MATCH (a:A) SET a.x = 2")
        two.execute("MATCH (b:B) SET b.x = 3")
    assert db.execute("MATCH (n) RETURN n.x AS x ORDER BY x").column("x") == [2, 3]


def test_a_constraint_is_checked_at_commit_at_the_latest(db):
    db.execute("CREATE CONSTRAINT u FOR (n:A) REQUIRE n.x IS UNIQUE")
    tx = db.begin()
    tx.execute("CREATE (:A {x: 1})")
    db.execute("CREATE (:A {x: 1})")
    with pytest.raises((UniqueViolation, WriteConflict)):
        tx.commit()
    assert count(db) == 1


# --- retries


def test_work_is_tried_again_until_it_wins(db):
    db.execute("CREATE (:A {x: 0})")
    tries = []

    def work(tx):
        tries.append(tx)
        tx.execute("MATCH (a:A) SET a.x = a.x + 1")
        if len(tries) < 3:
            db.execute("MATCH (a:A) SET a.x = a.x + 10")
        return "done"

    assert db.transaction(work) == "done"
    assert len(tries) == 3
    assert db.execute("MATCH (a:A) RETURN a.x").value() == 21


def test_work_is_given_up_after_so_many_attempts(db):
    db.execute("CREATE (:A {x: 0})")
    tries = []

    def work(tx):
        tries.append(tx)
        tx.execute("MATCH (a:A) SET a.x = 1")
        db.execute("MATCH (a:A) SET a.x = 2")

    with pytest.raises(WriteConflict):
        db.transaction(work, attempts=2)
    assert len(tries) == 2
    with pytest.raises(ConfigurationError, match="attempts must be at least 1"):
        db.transaction(work, attempts=0)


def test_work_that_would_fail_again_is_not_repeated(db):
    tries = []

    def work(tx):
        tries.append(tx)
        tx.execute("RETURN 1 / 0")

    with pytest.raises(MemQLError):
        db.transaction(work)
    assert len(tries) == 1


# --- procedures


def test_a_procedure_of_ones_own(db):
    calls = []

    def greet(name, times):
        calls.append((name, times))
        return [{"line": f"hello {name}", "n": i} for i in range(times)]

    db.register_procedure(
        "shop.greet", [("name", "STRING"), ("times", "INTEGER?")], [("line", "STRING"), ("n", "INTEGER")], greet
    )
    assert db.execute("CALL shop.greet('Ana', 2) YIELD line, n RETURN line, n").rows == [
        ("hello Ana", 0),
        ("hello Ana", 1),
    ]
    assert db.execute("UNWIND [1, 2] AS t CALL shop.greet('Bo', t) YIELD n RETURN sum(n)").value() == 1
    assert calls == [("Ana", 2), ("Bo", 1), ("Bo", 2)]
    with pytest.raises(MemQLError):
        db.execute("CALL shop.greet(1, 2)")
    with pytest.raises(TypeMismatch, match="takes STRING"):
        db.execute("CALL shop.greet($x, 2)", {"x": 1})


def test_a_procedure_that_yields_nothing_is_called_for_its_effect(db):
    seen = []
    db.register_procedure("shop.note", [("what", "ANY?")], [], seen.append)
    db.execute("UNWIND ['a', null] AS x CALL shop.note(x) RETURN x")
    assert seen == ["a", None]


def test_a_procedure_gets_nodes_as_values(db):
    db.execute("CREATE (:A {x: 7})")
    db.register_procedure("shop.x", [("n", "NODE")], [("x", "INTEGER")], lambda n: [{"x": n["x"]}])
    assert db.execute("MATCH (a:A) CALL shop.x(a) YIELD x RETURN x").value() == 7


def test_a_procedure_that_fails_says_which(db):
    db.register_procedure("shop.fail", [], [("x", "INTEGER")], lambda: 1 / 0)
    with pytest.raises(ProcedureError, match=r"`shop.fail` failed: ZeroDivisionError"):
        db.execute("CALL shop.fail()")


def test_registering_again_replaces_the_procedure_and_its_plans(db):
    for answer in (1, 2):
        db.register_procedure("shop.one", [], [("x", "INTEGER")], lambda answer=answer: [{"x": answer}])
        assert db.execute("CALL shop.one() YIELD x RETURN x").value() == answer


def test_a_signature_with_an_unknown_type_is_refused(db):
    with pytest.raises(ConfigurationError, match="`NUMERAL` is no type"):
        db.register_procedure("shop.bad", [("x", "NUMERAL")], [], lambda x: None)


# --- threads


def test_many_readers_see_whole_transactions_while_a_writer_writes(db):
    db.execute("CREATE (:Account {name: 'a', balance: 0}), (:Account {name: 'b', balance: 0})")
    done = threading.Event()
    wrong: list[object] = []

    def read() -> None:
        while not done.is_set():
            total = db.execute("MATCH (a:Account) RETURN sum(a.balance) AS s").value()
            if total != 0:
                wrong.append(total)

    readers = [threading.Thread(target=read) for _ in range(3)]
    for thread in readers:
        thread.start()
    for i in range(60):
        with db.transaction() as tx:
            tx.execute("MATCH (a:Account {name: 'a'}) SET a.balance = a.balance - $i", {"i": i})
            tx.execute("MATCH (a:Account {name: 'b'}) SET a.balance = a.balance + $i", {"i": i})
    done.set()
    for thread in readers:
        thread.join(10)
    assert wrong == []
    assert db.execute("MATCH (a:Account {name: 'b'}) RETURN a.balance").value() == sum(range(60))


def test_writers_take_turns_and_lose_nothing(db):
    db.execute("CREATE (:Counter {value: 0})")

    def write() -> None:
        for _ in range(20):
            db.execute("MATCH (c:Counter) SET c.value = c.value + 1")
            db.transaction(lambda tx: tx.execute("MATCH (c:Counter) SET c.value = c.value + 1"), attempts=1000)

    writers = [threading.Thread(target=write) for _ in range(4)]
    for thread in writers:
        thread.start()
    for thread in writers:
        thread.join(60)
    assert db.execute("MATCH (c:Counter) RETURN c.value").value() == 160


def test_closing_waits_for_nobody_and_other_threads_get_a_clear_error(db):
    failures: list[BaseException] = []

    def work() -> None:
        try:
            while True:
                db.execute("CREATE (:A)")
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    while db.storage.position < 5:
        pass
    db.close()
    thread.join(10)
    assert [type(f) for f in failures] == [DatabaseClosed]


# --- time limits and cancellation


class TickingClock(ManualClock):
    """Every look at the clock takes a millisecond."""

    def monotonic_ns(self) -> int:
        self.advance(1_000_000)
        return super().monotonic_ns()


ENDLESS = "UNWIND range(1, 3000) AS a UNWIND range(1, 3000) AS b RETURN count(a + b)"


def test_a_statement_that_takes_too_long_is_stopped():
    with memoradb.open(None, clock=TickingClock()) as db:
        with pytest.raises(DeadlineExceeded) as caught:
            db.execute(ENDLESS, timeout_ms=50)
        assert caught.value.code == "Neo.ClientError.Transaction.TransactionTimedOut"
        assert db.execute("RETURN 1", timeout_ms=50).value() == 1


def test_a_write_that_takes_too_long_leaves_nothing():
    with memoradb.open(None, clock=TickingClock()) as db:
        with pytest.raises(DeadlineExceeded):
            db.execute("UNWIND range(1, 1000000) AS a CREATE (:A {x: a})", timeout_ms=10)
        assert count(db) == 0
        with db.transaction() as tx:
            tx.execute("CREATE (:B)")
            with pytest.raises(DeadlineExceeded):
                tx.execute("UNWIND range(1, 1000000) AS a CREATE (:A {x: a})", timeout_ms=10)
        assert count(db) == 1


@pytest.mark.parametrize("limit", [-1, "10", 1.5])
def test_a_time_limit_is_a_number_of_milliseconds(db, limit):
    with pytest.raises(ConfigurationError, match="timeout_ms"):
        db.execute("RETURN 1", timeout_ms=limit)


def test_another_thread_can_cancel(db):
    switch = Cancellation(SystemClock())
    failures: list[BaseException] = []
    started = threading.Event()

    def work() -> None:
        started.set()
        try:
            db.execute(ENDLESS, options=Options(cancellation=switch, batch_rows=100))
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    started.wait(10)
    switch.cancel()
    thread.join(30)
    assert [type(f) for f in failures] == [Cancelled]


# --- the package


def test_the_package_offers_its_few_names_and_no_others():
    assert set(memoradb.__all__) >= {"open", "connect", "Database", "Record", "Result", "MemoraDBError"}
    assert memoradb.Database is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        getattr(memoradb, "nothing")  # noqa: B009
