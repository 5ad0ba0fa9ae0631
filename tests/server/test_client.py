"""``memoradb.connect``: both protocols give the values, errors and summaries that an embedded database gives."""

import datetime
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from served import LONG, Served, eventually, free_port, serve
from values import same, storable

import memoradb
from memoradb.core import errors
from memoradb.core.values import Node, Path, Relationship, Value
from memoradb.server.client import HttpClient, WireClient

Remote = HttpClient | WireClient


@pytest.fixture(params=["http", "wire"], scope="module")
def client(request: pytest.FixtureRequest, served: Served) -> Iterator[Remote]:
    url = served.http_url if request.param == "http" else served.wire_url
    with memoradb.connect(url) as found:
        yield found


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


# --- transactions


def test_a_transaction_takes_effect_at_its_end(served: Served) -> None:
    with memoradb.connect(served.wire_url) as client:
        assert isinstance(client, WireClient)
        with client.transaction() as transaction:
            transaction.execute("CREATE (:Tx {a: 1})")
            assert transaction.execute("MATCH (n:Tx) RETURN count(n)").value() == 1
            assert client.execute("MATCH (n:Tx) RETURN count(n)").value() == 0
        assert client.execute("MATCH (n:Tx) RETURN count(n)").value() == 1
        with pytest.raises(errors.TransactionClosed):
            transaction.commit()


def test_an_exception_rolls_a_transaction_back(served: Served) -> None:
    with memoradb.connect(served.wire_url) as client:
        transaction = client.begin()

        def interrupted() -> None:
            with transaction:
                transaction.execute("CREATE (:Rolled)")
                raise KeyError

        with pytest.raises(KeyError):
            interrupted()
        assert client.execute("MATCH (n:Rolled) RETURN count(n)").value() == 0


def test_a_failed_statement_leaves_its_transaction_open(served: Served) -> None:
    with memoradb.connect(served.wire_url) as client:
        with client.begin() as transaction:
            transaction.execute("CREATE (:Partly)")
            with pytest.raises(errors.DivisionByZero):
                transaction.execute("CREATE (:Partly) WITH 1 / 0 AS x RETURN x")
        assert client.execute("MATCH (n:Partly) RETURN count(n)").value() == 1


def test_the_second_of_two_writers_of_one_node_loses_and_may_run_again(served: Served) -> None:
    with memoradb.connect(served.wire_url) as client:
        assert isinstance(client, WireClient)
        client.execute("CREATE (:Contended {n: 0})")
        first, second = client.begin(), client.begin()
        for transaction in (first, second):
            transaction.execute("MATCH (c:Contended) SET c.n = c.n + 1")
        first.commit()
        with pytest.raises(errors.WriteConflict) as caught:
            second.commit()
        assert caught.value.retryable
        client.transaction(lambda tx: tx.execute("MATCH (c:Contended) SET c.n = c.n + 1"))
        assert client.execute("MATCH (c:Contended) RETURN c.n").value() == 2


def test_over_http_a_transaction_has_a_name_and_behaves_the_same(served: Served) -> None:
    with memoradb.connect(served.http_url) as client:
        with client.transaction() as transaction:
            transaction.execute("CREATE (:OverHttp {a: 1})")
            assert transaction.execute("MATCH (n:OverHttp) RETURN count(n)").value() == 1
            assert client.execute("MATCH (n:OverHttp) RETURN count(n)").value() == 0
        assert client.execute("MATCH (n:OverHttp) RETURN count(n)").value() == 1
        with pytest.raises(errors.TransactionClosed):
            transaction.commit()
        rolled_back = client.begin()
        rolled_back.execute("MATCH (n:OverHttp) DELETE n")
        rolled_back.rollback()
        first, second = client.begin(), client.begin()
        for transaction in (first, second):
            transaction.execute("MATCH (n:OverHttp) SET n.a = n.a + 1")
        first.commit()
        with pytest.raises(errors.WriteConflict) as caught:
            second.commit()
        assert caught.value.retryable
        client.transaction(lambda tx: tx.execute("MATCH (n:OverHttp) SET n.a = n.a + 1"))
        assert client.execute("MATCH (n:OverHttp) RETURN n.a").value() == 3


@pytest.mark.parametrize("protocol", ["http_url", "wire_url"])
def test_a_transaction_takes_isolation_and_a_time_limit(served: Served, protocol: str) -> None:
    with memoradb.connect(getattr(served, protocol)) as client:
        with client.begin(isolation="snapshot", timeout_ms=60_000) as transaction:
            assert transaction.execute("RETURN 1").value() == 1
        with pytest.raises(errors.ConfigurationError, match="isolation"):
            client.begin(isolation="chaos")  # pyright: ignore[reportArgumentType]


# --- the past


@pytest.mark.parametrize("protocol", ["http_url", "wire_url"])
def test_a_client_reads_as_of_a_transaction_whose_number_its_commit_told(served: Served, protocol: str) -> None:
    with memoradb.connect(getattr(served, protocol)) as client:
        label = protocol.title()
        number = client.execute(f"CREATE (:{label} {{x: 1}})").summary.transaction
        client.execute(f"MATCH (n:{label}) SET n.x = 2")
        result = client.execute(f"AS OF TRANSACTION $n MATCH (n:{label}) RETURN n.x", {"n": number})
        assert result.value() == 1
        assert result.summary.as_of is not None
        with pytest.raises(errors.HistoryUnavailable) as caught:
            client.execute("AS OF TRANSACTION 1000000 MATCH (n) RETURN n")
        assert caught.value.horizon == 0
        assert caught.value.position is not None


def test_the_feed_over_http_tells_each_transaction_once(served: Served) -> None:
    with memoradb.connect(served.http_url) as client:
        assert isinstance(client, HttpClient)
        start = served.database.storage.position
        for i in range(5):
            client.execute("CREATE (:Fed {i: $i})", {"i": i})
        found = list(client.changes(start))
        assert [c["changes"][0]["properties"]["i"] for c in found] == [0, 1, 2, 3, 4]
        assert list(client.changes(found[2]["position"])) == found[3:]


# --- connecting


@pytest.mark.parametrize("url", ["ftp://127.0.0.1", "127.0.0.1:8080", "", "http://127.0.0.1:notaport"])
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(errors.ConfigurationError, match="is no address"):
        memoradb.connect(url)


def test_nobody_there_is_said() -> None:
    port = free_port()
    with pytest.raises(errors.ProtocolError, match="No server answers"):
        memoradb.connect(f"memoradb://127.0.0.1:{port}")
    with memoradb.connect(f"http://127.0.0.1:{port}") as client, pytest.raises(errors.ProtocolError, match="reached"):
        client.execute("RETURN 1")


def test_the_wrong_protocol_is_said(served: Served) -> None:
    with pytest.raises(errors.ProtocolError):
        memoradb.connect(served.http_url.replace("http", "memoradb"), timeout=0.5)
    with (
        memoradb.connect(served.wire_url.replace("memoradb", "http"), timeout=5) as client,
        pytest.raises(errors.ProtocolError),
    ):
        client.execute("RETURN 1")


def test_a_token_opens_both_protocols() -> None:
    with serve(token="t0ken") as served:
        for url in (served.http_url, served.wire_url):
            with pytest.raises(errors.AuthenticationError), memoradb.connect(url, token="no") as client:
                client.execute("RETURN 1")
            with memoradb.connect(url, token="t0ken") as client:
                assert client.execute("RETURN 1").value() == 1


def test_a_server_that_stops_is_noticed_and_found_again_over_http() -> None:
    with serve() as served:
        http = memoradb.connect(served.http_url)
        wire = memoradb.connect(served.wire_url)
        assert http.execute("RETURN 1").value() == wire.execute("RETURN 1").value() == 1
    for client in (http, wire):
        with pytest.raises(errors.ProtocolError):
            client.execute("RETURN 1")
        client.close()


def test_ctrl_c_cancels_the_statement_and_keeps_the_connection(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    with memoradb.connect(served.wire_url) as client:
        assert isinstance(client, WireClient)
        receive = client._receive

        def interrupted() -> Any:
            eventually(lambda: served.running == 1)
            raise KeyboardInterrupt

        monkeypatch.setattr(client, "_receive", interrupted)
        with pytest.raises(KeyboardInterrupt):
            client.execute(LONG)
        monkeypatch.setattr(client, "_receive", receive)
        assert client.execute("RETURN 5").value() == 5
    eventually(lambda: served.running == 0)
