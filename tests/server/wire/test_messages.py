"""Messages and values in MessagePack: what comes out is what went in, types and all."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from values import same, values

from memoradb.core.errors import RemoteProtocolError, TypeMismatch
from memoradb.core.values import Value
from memoradb.server.wire.frames import Frame, FrameType
from memoradb.server.wire.messages import (
    Begin,
    Commit,
    Done,
    Failure,
    Hello,
    Rows,
    Run,
    decode_column,
    decode_value,
    encode_columns,
    encode_value,
    from_frame,
    to_frame,
    to_wire,
)


@given(st.lists(st.lists(values, min_size=3, max_size=3), min_size=1, max_size=3))
def test_columns_of_any_values_survive(columns: list[list[Value]]) -> None:
    sent = to_frame(Rows(7, 3, encode_columns(columns)))
    received = from_frame(sent)
    assert isinstance(received, Rows)
    assert same([decode_column(c, 3) for c in received.columns], columns)


@pytest.mark.parametrize("column", [[1, 2, -(2**63)], [0.5, float("inf"), -0.0], ["a", "b", "c"], [1, None, 2.0]])
def test_columns_of_one_type_survive(column: list[Value]) -> None:
    assert same(decode_column(decode_value(encode_value(encode_columns([column])))[0], 3), column)


@pytest.mark.parametrize(
    "message",
    [
        Hello("token", "agent"),
        Run(1, "RETURN 1", {"a": [1, {"b": None}]}, 5, True, 3),
        Begin(2),
        Commit(3, 2),
        Done(4, ["x"], {"rows": 1}),
        Failure(-1, {"message": "no"}),
    ],
)
def test_messages_survive(message: Hello | Run | Begin | Commit | Done | Failure) -> None:
    assert from_frame(to_frame(message)) == message


def test_a_message_with_half_a_surrogate_pair_is_still_sent() -> None:
    assert from_frame(to_frame(Failure(1, {"message": "\ud83d!"}))) == Failure(1, {"message": "?!"})


@given(st.sampled_from(FrameType), st.binary(max_size=60))
def test_any_payload_is_a_message_or_a_clear_error(kind: FrameType, payload: bytes) -> None:
    with contextlib.suppress(RemoteProtocolError):
        from_frame(Frame(kind, payload))


@given(st.binary(max_size=60))
def test_any_bytes_are_a_value_or_a_clear_error(data: bytes) -> None:
    with contextlib.suppress(RemoteProtocolError):
        decode_value(data)


@pytest.mark.parametrize("column", [None, [], ["i", b"123"], ["x", [1]], ["v", 5], ["v", [1, 2]], ["f", "text"]])
def test_a_column_that_is_none_is_refused(column: object) -> None:
    with pytest.raises(RemoteProtocolError):
        decode_column(column, 1)


def test_what_is_no_value_is_not_sent() -> None:
    with pytest.raises(TypeMismatch):
        to_wire(object())
