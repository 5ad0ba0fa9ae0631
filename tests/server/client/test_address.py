"""``memoradb.connect``: which client an address gives, and what is said where none answers."""

import pytest
from served import Served, free_port, serve

import memoradb
from memoradb.core import errors


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


@pytest.mark.parametrize("protocol", ["http_url", "wire_url"])
def test_a_server_that_stops_is_noticed(protocol: str) -> None:
    with serve() as served:
        client = memoradb.connect(getattr(served, protocol))
        assert client.execute("RETURN 1").value() == 1
    with pytest.raises(errors.ProtocolError):
        client.execute("RETURN 1")
    client.close()
