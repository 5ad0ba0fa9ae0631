"""Both protocols give the values, errors and summaries that an embedded database gives."""

import datetime
import threading
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from served import LONG, Served
from values import same, storable

from memoradb.core import errors
from memoradb.core.values import Node, Path, Relationship, Value
from memoradb.server.client import HttpClient, WireClient

Remote = HttpClient | WireClient

EXPRESSIONS = [
    "null",
    "true",
    "9223372036854775807",
    "-9223372036854775808",
    "0.1",
    "-0.0",
    "1.0 / 0.0",
    "0.0 / 0.0",
    "'text \u00e4 \U0001f600'",
    "''",
    "[1, 'a', null, [2.5]]",
    "{a: 1, b: {c: [date('2024-02-29')]}}",
    "date('-999999999-01-01')",
    "time('12:31:14.645876123+01:00')",
    "localtime('12:31:14.645876123')",
    "datetime('2024-07-20T15:11:42+02:00[Europe/Stockholm]')",
    "datetime('1919-01-01T00:00:00.000000001Z')",
    "localdatetime('2024-07-20T15:11:42.5')",
    "duration({months: 14, days: -3, seconds: 5, nanoseconds: 7})",
    "point({x: 1.5, y: -2})",
    "point({longitude: 13.4, latitude: 52.5, height: 34})",
    "ai.embed('vector')",
]


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_every_value_is_what_an_embedded_database_gives(client: Remote, served: Served, expression: str) -> None:
    text = f"RETURN {expression} AS x"
    assert same(client.execute(text).value(), served.database.execute(text).value())


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=60)
@given(value=storable)
def test_every_parameter_comes_back_as_it_was_sent(client: Remote, value: Value) -> None:
    assert same(client.execute("RETURN $x AS x", {"x": value}).value(), value)


def test_parameters_may_be_python_values(client: Remote) -> None:
    when = datetime.datetime(2024, 5, 6, 7, 8, 9, tzinfo=datetime.UTC)
    found = client.execute("RETURN $d AS d, $t AS t, $n AS n", {"d": when, "t": (1, 2), "n": datetime.date(2024, 1, 2)})
    assert str(found.single()["d"]) == "2024-05-06T07:08:09Z"
    assert found.single()["t"] == [1, 2]
    assert str(found.single()["n"]) == "2024-01-02"


def test_graph_elements_arrive_whole(client: Remote) -> None:
    client.execute("MATCH (n:Whole) DETACH DELETE n")
    client.execute("CREATE (:Whole {on: date('2024-01-01')})-[:TO {w: [1, 2]}]->(:Whole:End)")
    a, r, p = client.execute("MATCH p = (a:Whole)-[r]->(b) RETURN a, r, p").single()
    assert isinstance(a, Node)
    assert isinstance(r, Relationship)
    assert isinstance(p, Path)
    assert a.labels == ("Whole",)
    assert str(a.properties["on"]) == "2024-01-01"
    assert (r.type, r.start, r.properties) == ("TO", a.id, {"w": [1, 2]})
    assert p.nodes[0].element_id == a.element_id
    assert p.relationships == (r,)
    assert set(p.nodes[1].labels) == {"Whole", "End"}


def test_records_columns_and_summary_are_those_of_a_result(client: Remote) -> None:
    found = client.execute("UNWIND [1, 2] AS x RETURN x, x + 1 AS y")
    assert found.columns == ("x", "y")
    assert [record["y"] for record in found] == [2, 3]
    assert found.to_dicts() == [{"x": 1, "y": 2}, {"x": 2, "y": 3}]
    assert found.summary.query_type == "r"
    assert found.summary.time_ns > 0
    written = client.execute("CREATE (:Summed {a: 1})")
    assert written.columns == ()
    assert list(written) == []
    assert written.summary.counters.nodes_created == 1
    assert written.summary.position is not None
    assert client.execute("MATCH (n:NoSuchThing) RETURN n").rows == []
    plan = client.execute("EXPLAIN MATCH (n) RETURN n").summary
    assert plan.plan is not None
    assert "Physical plan" in plan.plan
    assert plan.plan_tree is not None


FAULTS: list[tuple[str, type[errors.MemoraDBError]]] = [
    ("RETURN foo", errors.UndefinedVariable),
    ("RETURN\n  1 +", errors.MemQLSyntaxError),
    ("RETURN $missing", errors.ParameterMissing),
    ("RETURN 1 / 0", errors.DivisionByZero),
    ("RETURN 9223372036854775807 + 1", errors.ArithmeticOverflow),
    ("RETURN date('nonsense')", errors.MemQLError),
    ("RETURN " + "(" * 5_000 + "1" + ")" * 5_000, errors.QueryTooComplex),
    ("CALL no.such()", errors.ProcedureError),
    ("CREATE (n:Full)-[:T]->() DELETE n", errors.DeleteConnectedNode),
]


@pytest.mark.parametrize(("text", "kind"), FAULTS)
def test_errors_are_those_of_an_embedded_database(
    client: Remote, served: Served, text: str, kind: type[errors.MemoraDBError]
) -> None:
    with pytest.raises(kind) as here:
        served.database.execute(text)
    with pytest.raises(kind) as there:
        client.execute(text)
    assert type(there.value) is type(here.value)
    for attribute in ("message", "code", "gqlstatus", "kind", "phase", "detail", "hint", "position"):
        assert getattr(there.value, attribute) == getattr(here.value, attribute), attribute
    assert str(there.value) == str(here.value)
    assert client.execute("RETURN 1").value() == 1


def test_a_limit_error_keeps_its_limit(client: Remote) -> None:
    with pytest.raises(errors.QueryTooComplex) as caught:
        client.execute("RETURN " + "[" * 500 + "]" * 500)
    assert caught.value.limit == "NESTING_DEPTH_MAX"
    assert caught.value.value > 0


def test_what_cannot_be_sent_is_refused_before(client: Remote) -> None:
    with pytest.raises(errors.TypeMismatch, match=r"\$x"):
        client.execute("RETURN $x", {"x": object()})
    with pytest.raises(errors.ArgumentError, match="surrogate"):
        client.execute("RETURN '\ud83d'")
    assert client.execute("RETURN 1").value() == 1


def test_timeout_and_read_only_are_the_servers_to_keep(client: Remote) -> None:
    with pytest.raises(errors.DeadlineExceeded):
        client.execute(LONG, timeout_ms=30)
    with pytest.raises(errors.MemQLError, match="may only read"):
        client.execute("CREATE (:Never)", read_only=True)
    assert client.execute("MATCH (n:Never) RETURN count(n)").value() == 0


def test_threads_may_share_a_client(client: Remote) -> None:
    found: list[Any] = []

    def ask(i: int) -> None:
        found.append(client.execute("RETURN $i AS i", {"i": i}).value() == i)

    threads = [threading.Thread(target=ask, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [True] * 8


def test_a_client_reads_as_of_a_transaction_whose_number_its_commit_told(client: Remote) -> None:
    label = type(client).__name__
    number = client.execute(f"CREATE (:{label} {{x: 1}})").summary.transaction
    client.execute(f"MATCH (n:{label}) SET n.x = 2")
    result = client.execute(f"AS OF TRANSACTION $n MATCH (n:{label}) RETURN n.x", {"n": number})
    assert result.value() == 1
    assert result.summary.as_of is not None
    with pytest.raises(errors.HistoryUnavailable) as caught:
        client.execute("AS OF TRANSACTION 1000000 MATCH (n) RETURN n")
    assert caught.value.horizon == 0
    assert caught.value.position is not None
