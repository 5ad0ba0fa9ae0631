"""The wire protocol over a real socket: good and bad conversations."""

import contextlib
import socket

import pytest
from served import LONG, Served, eventually, serve

import memoradb
from memoradb.core.errors import RemoteProtocolError
from memoradb.server.wire import listener
from memoradb.server.wire.frames import FrameDecoder, encode_frame
from memoradb.server.wire.messages import (
    Begin,
    Cancel,
    Commit,
    Done,
    Failure,
    Hello,
    Message,
    Rows,
    Run,
    Welcome,
    decode_column,
    from_frame,
    to_frame,
)


class Talk:
    """A conversation, message by message."""

    def __init__(self, served: Served, *, hello: bool = True) -> None:
        self.socket = served.socket()
        self._decoder = FrameDecoder()
        self._waiting: list[Message] = []
        if hello:
            self.send(Hello())
            assert isinstance(self.receive(), Welcome)

    def send(self, *messages: Message) -> None:
        self.socket.sendall(b"".join(encode_frame(to_frame(m)) for m in messages))

    def receive(self) -> Message:
        while not self._waiting:
            data = self.socket.recv(1 << 16)
            assert data, "the server hung up"
            self._waiting = [from_frame(f) for f in self._decoder.receive(data)]
        return self._waiting.pop(0)

    def refusal(self) -> Failure:
        """The failure of the connection, after which the server has hung up."""
        message = self.receive()
        assert isinstance(message, Failure)
        assert message.id == -1
        with contextlib.suppress(ConnectionResetError):
            assert self.socket.recv(1) == b""
        return message

    def __enter__(self) -> "Talk":
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()


def test_rows_come_in_column_batches(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener, "ROWS_A_FRAME", 10)
    with Talk(served) as talk:
        talk.send(Run(1, "UNWIND range(1, 25) AS x RETURN x, toString(x) AS t"))
        sizes, numbers, texts = [], [], []
        while isinstance(message := talk.receive(), Rows):
            assert message.id == 1
            sizes.append(message.count)
            numbers += decode_column(message.columns[0], message.count)
            texts += decode_column(message.columns[1], message.count)
        assert isinstance(message, Done)
        assert message.columns == ["x", "t"]
        assert message.summary["rows"] == 25
    assert sizes == [10, 10, 5]
    assert numbers == list(range(1, 26))
    assert texts == [str(x) for x in numbers]


def test_a_batch_that_is_too_large_for_a_frame_is_halved(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    from memoradb.server.wire import frames

    monkeypatch.setattr(frames, "FRAME_BYTES_MAX", 3_000)
    with memoradb.connect(served.wire_url) as client:
        rows = client.execute("UNWIND range(1, 40) AS x RETURN x, reduce(s = '', i IN range(1, 500) | s + 'a') AS s")
        assert rows.column("x") == list(range(1, 41))
        assert {len(s) for s in rows.column("s")} == {500}
        with pytest.raises(memoradb.MemoraDBError, match="longer than a frame may be"):
            client.execute("RETURN reduce(s = '', i IN range(1, 5000) | s + 'a')")
        assert client.execute("RETURN 1").value() == 1


def test_requests_may_be_pipelined_and_are_answered_in_order(served: Served) -> None:
    with Talk(served) as talk:
        talk.send(*(Run(i, f"RETURN {i}") for i in range(1, 6)))
        order = []
        for _ in range(10):
            message = talk.receive()
            if isinstance(message, Done):
                order.append(message.id)
        assert order == [1, 2, 3, 4, 5]


def test_an_error_ends_the_statement_and_not_the_connection(served: Served) -> None:
    with Talk(served) as talk:
        talk.send(Run(1, "RETURN nothing"), Run(2, "RETURN 2"))
        failure = talk.receive()
        assert isinstance(failure, Failure)
        assert failure.id == 1
        assert failure.error["code"] == "Neo.ClientError.Statement.SyntaxError"
        assert failure.error["position"] == {"offset": 7, "line": 1, "column": 8}
        assert isinstance(talk.receive(), Rows)
        assert isinstance(talk.receive(), Done)


def test_cancel_overtakes_the_statement_it_stops(served: Served) -> None:
    with Talk(served) as talk:
        talk.send(Run(1, LONG))
        eventually(lambda: served.running == 1)
        talk.send(Cancel(1))
        failure = talk.receive()
        assert isinstance(failure, Failure)
        assert (failure.id, failure.error["type"]) == (1, "Cancelled")
        talk.send(Run(2, "RETURN 2"))
        assert isinstance(talk.receive(), Rows)


def test_a_statement_cancelled_while_it_waits_never_runs(served: Served) -> None:
    with Talk(served) as talk:
        talk.send(Run(1, LONG), Run(2, "CREATE (:Cancelled)"))
        eventually(lambda: served.running == 1)
        talk.send(Cancel(2), Cancel(1))
        for number in (1, 2):
            failure = talk.receive()
            assert isinstance(failure, Failure)
            assert (failure.id, failure.error["type"]) == (number, "Cancelled")
    assert served.query("MATCH (n:Cancelled) RETURN count(n)").json()["rows"] == [[0]]


def test_a_client_that_hangs_up_stops_its_statement(served: Served) -> None:
    with Talk(served) as talk:
        talk.send(Run(1, LONG))
        eventually(lambda: served.running == 1)
    eventually(lambda: served.running == 0)


def damaged(place: int, value: int) -> bytes:
    frame = bytearray(encode_frame(to_frame(Run(1, "RETURN 1"))))
    frame[place] = value
    return bytes(frame)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (damaged(8, 9), "version 9"),
        (damaged(4, 0x5A), "checksum"),
        (damaged(9, 77), "Unknown frame type"),
        (damaged(0, 0xFF), "longer than"),
        (damaged(-1, 0xC1), "checksum"),
        (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "version"),
        (encode_frame(to_frame(Done(1, [], {}))), "does not take Done"),
    ],
)
def test_a_bad_frame_is_answered_and_the_connection_closed_and_others_go_on(
    served: Served, data: bytes, says: str
) -> None:
    with Talk(served) as other, Talk(served) as talk:
        talk.socket.sendall(data)
        failure = talk.refusal()
        assert says in failure.error["message"]
        assert failure.error["code"] == "Neo.ClientError.Request.Invalid"
        other.send(Run(1, "RETURN 1"))
        assert isinstance(other.receive(), Rows)


def test_a_truncated_frame_is_answered_and_the_connection_closed(served: Served) -> None:
    with Talk(served) as talk:
        talk.socket.sendall(encode_frame(to_frame(Run(1, "CREATE (:Truncated)")))[:-1])
        talk.socket.shutdown(socket.SHUT_WR)
        assert "ended inside a frame" in talk.refusal().error["message"]
    assert served.query("MATCH (n:Truncated) RETURN count(n)").json()["rows"] == [[0]]


def test_nothing_goes_before_hello(served: Served) -> None:
    with Talk(served, hello=False) as talk:
        talk.send(Run(1, "RETURN 1"))
        assert "must be HELLO" in talk.refusal().error["message"]


def test_a_wrong_token_is_refused() -> None:
    with serve(token="right") as served:
        for token in (None, "wrong"):
            with Talk(served, hello=False) as talk:
                talk.send(Hello(token))
                assert talk.refusal().error["code"] == "Neo.ClientError.Security.Unauthorized"
        with Talk(served, hello=False) as talk:
            talk.send(Hello("right"))
            assert isinstance(talk.receive(), Welcome)


def test_there_is_a_limit_of_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener, "CONNECTIONS_MAX", 2)
    with serve() as served, Talk(served), Talk(served), Talk(served, hello=False) as third:
        assert third.refusal().error["limit"] == "CONNECTIONS_MAX"


def test_there_is_a_limit_of_waiting_requests(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    with Talk(served) as talk:
        talk.send(Run(0, LONG))
        eventually(lambda: served.running == 1)
        talk.send(*(Run(i, "RETURN 1") for i in range(1, listener.PIPELINED_MAX + 2)))
        assert talk.refusal().error["limit"] == "PIPELINED_MAX"
    eventually(lambda: served.running == 0)


def test_an_unfinished_transaction_ends_with_its_connection(served: Served) -> None:
    with Talk(served) as talk:
        talk.send(Begin(1), Run(2, "CREATE (:Unfinished)", transaction=1))
        assert isinstance(talk.receive(), Done)
        assert isinstance(talk.receive(), Done)
    assert served.query("MATCH (n:Unfinished) RETURN count(n)").json()["rows"] == [[0]]


def test_transactions_have_a_limit_and_unknown_ones_are_refused(served: Served) -> None:
    with Talk(served) as talk:
        talk.send(Commit(1, 99), Run(2, "RETURN 1", transaction=99))
        for _ in range(2):
            failure = talk.receive()
            assert isinstance(failure, Failure)
            assert failure.error["type"] == "TransactionClosed"
        talk.send(*(Begin(i) for i in range(listener.TRANSACTIONS_MAX + 1)))
        for _ in range(listener.TRANSACTIONS_MAX):
            assert isinstance(talk.receive(), Done)
        last = talk.receive()
        assert isinstance(last, Failure)
        assert last.error["limit"] == "TRANSACTIONS_MAX"


def test_a_slow_reader_gets_everything(served: Served) -> None:
    with memoradb.connect(served.wire_url) as client:
        rows = client.execute("UNWIND range(1, 200000) AS x RETURN x, 'text ' + x AS t")
        assert len(rows) == 200_000
        assert rows.column("x")[-1] == 200_000


def test_the_decoder_of_a_client_notices_damage_too() -> None:
    decoder = FrameDecoder()
    with pytest.raises(RemoteProtocolError):
        decoder.receive(damaged(4, 0x5A))
