"""From an address to the client that speaks its protocol."""

from __future__ import annotations

from urllib.parse import urlsplit

from memoradb.core.errors import ConfigurationError

from .http_client import HttpClient
from .wire_client import WireClient

TIMEOUT_SECONDS = 300.0
"""How long a client waits for the server's next byte."""


def connect(url: str, *, token: str | None = None, timeout: float = TIMEOUT_SECONDS) -> HttpClient | WireClient:
    """A client of the server at ``url``: ``http://host:8080`` or ``memoradb://host:7688``.

    Raises:
        ConfigurationError: another scheme, or no port where one should be.
        ProtocolError: nobody answers there.
        AuthenticationError: the server wants another token.
    """
    parts = urlsplit(url)
    try:
        host, port = parts.hostname or "127.0.0.1", parts.port
    except ValueError as error:
        raise ConfigurationError(f"`{url}` is no address: {error}.") from None
    if parts.scheme == "http":
        return HttpClient(host, port or 8080, token, timeout)
    if parts.scheme == "memoradb":
        return WireClient(host, port or 7688, token, timeout)
    raise ConfigurationError(f"`{url}` is no address: use http://host:port or memoradb://host:port.")
