"""What only the client of the wire protocol has: one socket, and a statement that can be cancelled on it."""

from typing import Any

import pytest
from served import LONG, Served, eventually

import memoradb
from memoradb.server.client import WireClient


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
