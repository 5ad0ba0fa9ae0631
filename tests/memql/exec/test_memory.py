"""A statement that holds more than its limit fails alone, with an error that says so, and gives back what it held."""

import sys
from pathlib import Path

import pytest

import memoradb
from memoradb.core.clock import ManualClock
from memoradb.core.errors import Cancelled, DeadlineExceeded, QueryMemoryExceeded
from memoradb.memql.exec.apply import Apply
from memoradb.memql.exec.context import Cancellation
from memoradb.memql.exec.scan import ArgumentScan
from memoradb.memql.exec.unwind import Unwind
from memoradb.memql.plan.expr import Variable
from memoradb.memql.plan.nodes import ApplyKind
from memoradb.memql.session import Options

sys.path.insert(0, str(Path(__file__).parent))
from simple_graph import SimpleGraph, a_context, a_frame

TIGHT = Options(memory_bytes_max=20_000)


@pytest.fixture
def db():
    with memoradb.open(None) as database:
        yield database


@pytest.mark.parametrize(
    "text",
    [
        "UNWIND range(1, 5000) AS x RETURN x",
        "UNWIND range(1, 5000) AS x WITH x ORDER BY x DESC RETURN count(*)",
        "UNWIND range(1, 5000) AS x WITH DISTINCT x RETURN count(*)",
        "UNWIND range(1, 5000) AS x WITH x, count(*) AS n RETURN count(*)",
        "UNWIND range(1, 5000) AS x RETURN size(collect(x))",
        "UNWIND range(1, 2) AS y CALL { UNWIND range(1, 5000) AS x RETURN collect(x) AS xs } RETURN count(xs)",
        "UNWIND range(1, 2) AS y RETURN COLLECT { UNWIND range(1, 5000) AS x RETURN x }",
        "UNWIND range(1, 5000) AS x RETURN x UNION UNWIND range(1, 5000) AS x RETURN x",
        "UNWIND range(1, 5000) AS x CREATE (n:N {x: x}) WITH n MATCH (m:N) RETURN count(m.x + n.x)",
    ],
)
def test_a_statement_over_its_limit_fails_alone(db, text):
    with pytest.raises(QueryMemoryExceeded) as caught:
        db.execute(text, options=TIGHT)
    assert caught.value.limit == "QUERY_MEMORY_BYTES" and caught.value.value == 20_000
    assert caught.value.hint
    assert db.execute("MATCH (n) RETURN count(*)").rows == [(0,)]


def test_what_streams_through_needs_no_memory(db):
    assert db.execute("UNWIND range(1, 100000) AS x RETURN sum(x)", options=TIGHT).rows == [(5000050000,)]
    assert db.execute("UNWIND range(1, 100000) AS x RETURN x ORDER BY x DESC LIMIT 1", options=Options()).rows == [
        (100000,)
    ]


def test_an_apply_gives_back_what_a_slice_held():
    inner = Unwind(ArgumentScan(("xs",)), Variable("xs"), "x")
    plan = Apply(ArgumentScan(("xs",)), inner, ApplyKind.CROSS, ("x",), ("xs",))
    context = a_context(SimpleGraph([]))
    list(plan.run(a_frame(xs=[list(range(100))] * 3), context))
    assert context.held_bytes == 0


@pytest.mark.parametrize(
    "text",
    [
        "UNWIND range(1, 10) AS x RETURN x",
        "UNWIND range(1, 100) AS a UNWIND range(1, 1000) AS b RETURN count(*)",
        "UNWIND range(1, 10) AS x CALL { UNWIND range(1, 1000) AS y RETURN y } RETURN count(*)",
        "UNWIND range(1, 10) AS x CREATE (:N)",
    ],
)
def test_a_cancelled_statement_stops_and_leaves_nothing(db, text):
    cancellation = Cancellation(ManualClock())
    cancellation.cancel()
    with pytest.raises(Cancelled):
        db.execute(text, options=Options(cancellation=cancellation))
    assert db.execute("MATCH (n) RETURN count(*)").rows == [(0,)]


def test_a_deadline_is_looked_at_between_batches():
    clock = ManualClock()
    cancellation = Cancellation(clock, clock.monotonic_ns() + 1_000)
    context = a_context(SimpleGraph([]), 1, clock, cancellation=cancellation)
    batches = context.batches(Unwind(ArgumentScan(("xs",)), Variable("xs"), "x"), a_frame(xs=[[1, 2, 3]]))
    next(batches)
    clock.advance(2_000)
    with pytest.raises(DeadlineExceeded):
        next(batches)
