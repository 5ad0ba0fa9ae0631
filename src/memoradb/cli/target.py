"""What a command talks to: a directory of its own, or a server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeAlias

import click
import msgspec

import memoradb

if TYPE_CHECKING:
    from memoradb.server.client import HttpClient, WireClient

    Target: TypeAlias = memoradb.Database | HttpClient | WireClient


@contextmanager
def opened(data: str | None, url: str | None, token: str | None) -> Iterator[Target]:
    """A database or client; exactly one of ``data`` and ``url`` must be given."""
    if (data is None) == (url is None):
        raise click.UsageError("Give either --data DIRECTORY or --url ADDRESS.")
    if url is not None:
        with memoradb.connect(url, token=token) as client:
            yield client
    else:
        with memoradb.open(data) as database:
            yield database


def parse_parameters(pairs: tuple[str, ...]) -> dict[str, Any]:
    """``name=JSON`` pairs; what is no JSON is taken as a string.

    >>> parse_parameters(("n=3", "name=Ada"))
    {'n': 3, 'name': 'Ada'}
    """
    found: dict[str, Any] = {}
    for pair in pairs:
        name, mark, text = pair.partition("=")
        if not mark or not name:
            raise click.UsageError(f"A parameter is written NAME=VALUE, not {pair!r}.")
        try:
            found[name] = msgspec.json.decode(text)
        except (msgspec.MsgspecError, UnicodeEncodeError, RecursionError):
            found[name] = text
    return found
