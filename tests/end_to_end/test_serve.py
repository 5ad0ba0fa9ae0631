"""The server as a process: start, refusals, stop, crash."""

import http.client
import json
import os
import signal
import socket
import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest
from processes import Ports, environment, memoradb_command, running, served

import memoradb
from memoradb.storage.check import check

LONG = "UNWIND range(1, 100000) AS a UNWIND range(1, 100000) AS b RETURN count(*) AS n"


def refused(*arguments: str | Path, env: dict[str, str] | None = None) -> str:
    """What a command says that does not start."""
    found = subprocess.run(
        [str(a) for a in memoradb_command(*arguments)],
        env=env or environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert found.returncode == 1
    assert "Traceback" not in found.stderr
    return found.stderr


def get(ports: Ports, path: str) -> Any:
    """What the server answers over HTTP."""
    connection = http.client.HTTPConnection("127.0.0.1", ports.http, timeout=30)
    try:
        connection.request("GET", path)
        return json.loads(connection.getresponse().read())
    finally:
        connection.close()


def test_it_says_what_it_serves_where_and_to_whom(tmp_path: Path) -> None:
    ports = Ports(mcp=True)
    with served(tmp_path / "data", ports) as server:
        assert f"MemoraDB {memoradb.__version__}: 0 nodes, 0 relationships" in server.output
        assert f"http://127.0.0.1:{ports.http}" in server.output
        assert f"memoradb://127.0.0.1:{ports.wire}" in server.output
        assert f"http://127.0.0.1:{ports.mcp}/mcp" in server.output
        assert "Authentication is off: only this machine can connect." in server.output


def test_http_answers_before_mcp_has_loaded(tmp_path: Path) -> None:
    ports = Ports(mcp=True)
    with served(tmp_path / "data", ports):
        assert get(ports, "/api/v1/health")["status"] == "healthy"
        # Who comes early to MCP waits in its port's queue, and is answered.
        early = http.client.HTTPConnection("127.0.0.1", ports.mcp, timeout=30)
        early.request("GET", "/mcp")
        assert early.getresponse().status in (400, 405, 406)
        early.close()


def test_a_taken_port_is_said_before_anything_is_made(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        said = refused("serve", "--data", tmp_path / "data", "--sample", "python", "--http-port", str(port))
    assert f"Port {port} on 127.0.0.1 is taken." in said
    assert "--http-port" in said
    assert not list(tmp_path.iterdir())


def test_two_processes_cannot_have_one_directory(tmp_path: Path) -> None:
    with served(tmp_path / "data", Ports(http=False)) as server:
        said = refused("serve", "--data", tmp_path / "data", *Ports(http=False).options)
        assert "DatabaseLocked" in said
        assert str(server.pid) in said
        for command in (["query", "RETURN 1"], ["sample", "python"], ["mcp"]):
            assert "DatabaseLocked" in refused(*command, "--data", tmp_path / "data")


def test_a_foreign_directory_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear")
    assert "InvalidDirectory" in refused("serve", "--data", tmp_path, *Ports(http=False).options)
    assert [p.name for p in tmp_path.iterdir()] == ["letter.txt"]


def test_beyond_loopback_it_needs_a_token(tmp_path: Path) -> None:
    ports = Ports(http=False)
    options = ("--host", "0.0.0.0")
    said = refused("serve", "--data", tmp_path / "data", *ports.options, *options)
    assert "without authentication" in said
    with served(tmp_path / "data", ports, *options, env=environment(MEMORADB_TOKEN="s3cret")) as server:
        assert "Authentication is on" in server.output
        assert "s3cret" not in server.output
        with pytest.raises(memoradb.MemoraDBError, match="token"):
            memoradb.connect(ports.wire_url)
        with memoradb.connect(ports.wire_url, token="s3cret") as client:
            assert client.execute("RETURN 1").value() == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_in_order(tmp_path: Path, number: signal.Signals) -> None:
    ports = Ports()
    with served(tmp_path / "data", ports) as server:
        with memoradb.connect(ports.wire_url) as client:
            client.execute("UNWIND range(1, 100) AS x CREATE (:Kept {x: x})")
        os.kill(server.pid, number)
        assert server.wait(20) == 0
        assert server.lines[-1] == "Stopping."
    report = check(str(tmp_path / "data"))
    assert report.ok
    assert report.torn_bytes == 0
    assert report.nodes == 100


def test_a_second_signal_ends_it_at_once_though_a_statement_runs(tmp_path: Path) -> None:
    ports = Ports()
    with served(tmp_path / "data", ports) as server:

        def ask() -> None:
            with pytest.raises(memoradb.MemoraDBError), memoradb.connect(ports.wire_url) as client:
                client.execute(LONG)

        thread = threading.Thread(target=ask)
        thread.start()
        while get(ports, "/api/v1/metrics")["statements_running"] == 0:
            pass
        os.kill(server.pid, signal.SIGTERM)
        server.wait_for("Stopping.")
        os.kill(server.pid, signal.SIGTERM)
        assert server.wait(4) in (0, -signal.SIGTERM)
        thread.join(10)
        assert not thread.is_alive()


class Writer(threading.Thread):
    """Writes numbered nodes until the server is gone; ``acknowledged`` counts the answers."""

    def __init__(self, url: str, name: str, first: int, enough: threading.Semaphore) -> None:
        super().__init__()
        self._url, self._writer, self._next = url, name, first
        self._enough = enough
        self.acknowledged = first

    def run(self) -> None:
        try:
            with memoradb.connect(self._url) as client:
                while True:
                    client.execute("CREATE (:Ack {by: $by, n: $n})", {"by": self._writer, "n": self.acknowledged})
                    self.acknowledged += 1
                    self._enough.release()
        except memoradb.MemoraDBError:
            return


@pytest.mark.parametrize("durability", ["strict", "group"])
def test_kill_9_loses_nothing_that_was_acknowledged(tmp_path: Path, durability: str) -> None:
    data = tmp_path / "data"
    counts = {"a": 0, "b": 0, "c": 0}
    for _ in range(2):
        ports = Ports(http=False)
        enough = threading.Semaphore(0)
        with served(data, ports, "--durability", durability) as server:
            writers = {name: Writer(ports.wire_url, name, first, enough) for name, first in counts.items()}
            for writer in writers.values():
                writer.start()
            for _ in range(150):
                assert enough.acquire(timeout=30)
            server.kill()
            for writer in writers.values():
                writer.join(30)
                assert not writer.is_alive()
        assert check(str(data)).ok
        with memoradb.open(data) as database:
            for name, writer in writers.items():
                found = database.execute("MATCH (a:Ack {by: $by}) RETURN a.n AS n ORDER BY n", {"by": name}).column("n")
                # The one that was on its way may be there too: it was sent, and nobody was told otherwise.
                assert found in (list(range(writer.acknowledged)), list(range(writer.acknowledged + 1)))
                counts[name] = len(found)


def test_an_interrupted_first_fill_leaves_nothing_half_full(tmp_path: Path) -> None:
    data = tmp_path / "data"
    command = memoradb_command("serve", "--data", data, "--sample", "python", *Ports(http=False).options)
    with running(command) as server:
        server.wait_for("10 %")
        assert server.terminate() == 128 + signal.SIGTERM
    assert not data.exists()
    assert list(tmp_path.iterdir()) == []
    # As kill -9 would leave it: the next start takes it away.
    with memoradb.open(tmp_path / "data.loading") as half:
        half.execute("CREATE (:Half)")
    with running(command) as server:
        server.wait_for("10 %")
        assert server.terminate() == 128 + signal.SIGTERM
    assert list(tmp_path.iterdir()) == []


def test_a_database_that_has_something_is_never_filled(tmp_path: Path) -> None:
    with memoradb.open(tmp_path / "data") as database:
        database.execute("CREATE (:Mine)")
    with served(tmp_path / "data", Ports(http=False), "--sample", "python") as server:
        assert "1 nodes, 0 relationships" in server.output
        assert "Loading" not in server.output
