"""How a server is run: ports, address, limits, who may come in."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from memoradb.core import limits
from memoradb.core.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class ServerConfig:
    """Port 0 turns a protocol off. ``token``: what clients must present; None lets everybody in, on loopback only.

    ``query_timeout_ms``: the longest a statement may run. ``grace_seconds``: what running statements get to end by
    themselves when the server stops.
    """

    host: str = "127.0.0.1"
    http_port: int = 8080
    wire_port: int = 7688
    mcp_port: int = 9090
    token: str | None = None
    query_timeout_ms: int = limits.QUERY_TIMEOUT_MS
    body_bytes_max: int = limits.HTTP_BODY_BYTES_MAX
    grace_seconds: float = 5.0

    def check(self) -> None:
        """ConfigurationError where the settings cannot be honoured."""
        if self.token is None and not is_loopback(self.host):
            raise ConfigurationError(
                f"Refusing to listen on {self.host} without authentication.",
                hint="Set a token (--token-file, or MEMORADB_TOKEN), or listen on 127.0.0.1.",
            )
        for name in ("http_port", "wire_port", "mcp_port"):
            port = getattr(self, name)
            if not 0 <= port <= 65_535:
                raise ConfigurationError(f"{name} must be between 0 and 65535, not {port}.")

    @property
    def reachable_host(self) -> str:
        """The host as it is written in an address by a client on this machine."""
        if self.host in ("", "0.0.0.0", "::"):
            return "127.0.0.1"
        return f"[{self.host}]" if ":" in self.host else self.host


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches ``host``."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
