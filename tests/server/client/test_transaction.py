"""Transactions of several statements on a server: the same over both protocols."""

import pytest

from memoradb.core import errors
from memoradb.server.client import HttpClient, WireClient

Remote = HttpClient | WireClient


@pytest.fixture
def label(client: Remote) -> str:
    """A label that the other protocol's tests do not use."""
    return type(client).__name__


def test_a_transaction_takes_effect_at_its_end(client: Remote, label: str) -> None:
    count = f"MATCH (n:{label}:Tx) RETURN count(n)"
    with client.transaction() as transaction:
        transaction.execute(f"CREATE (:{label}:Tx {{a: 1}})")
        assert transaction.execute(count).value() == 1
        assert client.execute(count).value() == 0
    assert client.execute(count).value() == 1
    with pytest.raises(errors.TransactionClosed):
        transaction.commit()


def test_an_exception_rolls_a_transaction_back(client: Remote, label: str) -> None:
    transaction = client.begin()

    def interrupted() -> None:
        with transaction:
            transaction.execute(f"CREATE (:{label}:Rolled)")
            raise KeyError

    with pytest.raises(KeyError):
        interrupted()
    assert client.execute(f"MATCH (n:{label}:Rolled) RETURN count(n)").value() == 0


def test_what_is_rolled_back_is_forgotten(client: Remote, label: str) -> None:
    client.execute(f"CREATE (:{label}:Kept)")
    transaction = client.begin()
    transaction.execute(f"MATCH (n:{label}:Kept) DELETE n")
    transaction.rollback()
    transaction.rollback()
    assert client.execute(f"MATCH (n:{label}:Kept) RETURN count(n)").value() == 1


def test_a_failed_statement_leaves_its_transaction_open(client: Remote, label: str) -> None:
    with client.begin() as transaction:
        transaction.execute(f"CREATE (:{label}:Partly)")
        with pytest.raises(errors.DivisionByZero):
            transaction.execute(f"CREATE (:{label}:Partly) WITH 1 / 0 AS x RETURN x")
    assert client.execute(f"MATCH (n:{label}:Partly) RETURN count(n)").value() == 1


def test_the_second_of_two_writers_of_one_node_loses_and_may_run_again(client: Remote, label: str) -> None:
    increment = f"MATCH (c:{label}:Contended) SET c.n = c.n + 1"
    client.execute(f"CREATE (:{label}:Contended {{n: 0}})")
    first, second = client.begin(), client.begin()
    for transaction in (first, second):
        transaction.execute(increment)
    first.commit()
    with pytest.raises(errors.WriteConflict) as caught:
        second.commit()
    assert caught.value.retryable
    client.transaction(lambda tx: tx.execute(increment))
    assert client.execute(f"MATCH (c:{label}:Contended) RETURN c.n").value() == 2


def test_a_transaction_takes_isolation_and_a_time_limit(client: Remote) -> None:
    with client.begin(isolation="snapshot", timeout_ms=60_000) as transaction:
        assert transaction.execute("RETURN 1").value() == 1
    with pytest.raises(errors.ConfigurationError, match="isolation"):
        client.begin(isolation="chaos")  # pyright: ignore[reportArgumentType]
