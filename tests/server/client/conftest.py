"""A client of each protocol for every test that asks for one."""

from collections.abc import Iterator

import pytest
from served import Served

import memoradb
from memoradb.server.client import HttpClient, WireClient


@pytest.fixture(params=["http", "wire"], scope="module")
def client(request: pytest.FixtureRequest, served: Served) -> Iterator[HttpClient | WireClient]:
    url = served.http_url if request.param == "http" else served.wire_url
    with memoradb.connect(url) as found:
        yield found
