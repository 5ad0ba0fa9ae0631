"""Settings that cannot be honoured are refused."""

import pytest

from memoradb.core.errors import ConfigurationError
from memoradb.server.config import ServerConfig, is_loopback


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.4", "example.com", ""])
def test_beyond_loopback_a_token_is_needed(host: str) -> None:
    with pytest.raises(ConfigurationError, match="without authentication") as caught:
        ServerConfig(host).check()
    assert "MEMORADB_TOKEN" in str(caught.value.hint)
    ServerConfig(host, token="secret").check()


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
def test_on_loopback_none_is_needed(host: str) -> None:
    assert is_loopback(host)
    ServerConfig(host).check()


@pytest.mark.parametrize("port", [-1, 65_536])
def test_a_port_that_is_none_is_refused(port: int) -> None:
    with pytest.raises(ConfigurationError, match="wire_port"):
        ServerConfig(wire_port=port).check()


@pytest.mark.parametrize(
    ("host", "reached"),
    [("0.0.0.0", "127.0.0.1"), ("::", "127.0.0.1"), ("::1", "[::1]"), ("localhost", "localhost")],
)
def test_an_address_is_written_as_a_client_reaches_it(host: str, reached: str) -> None:
    assert ServerConfig(host).reachable_host == reached
