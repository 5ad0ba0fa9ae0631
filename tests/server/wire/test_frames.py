"""Frames: any cutting of the stream gives the same frames, any damage is noticed."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memoradb.core.errors import LimitError, RemoteProtocolError
from memoradb.core.limits import FRAME_BYTES_MAX
from memoradb.server.wire.frames import HEADER_BYTES, VERSION, Frame, FrameDecoder, FrameType, encode_frame

frames = st.builds(Frame, st.sampled_from(FrameType), st.binary(max_size=100))


@given(st.lists(frames, max_size=5), st.lists(st.integers(0, 600), max_size=6))
def test_frames_come_out_as_they_went_in_however_the_stream_is_cut(sent: list[Frame], cuts: list[int]) -> None:
    stream = b"".join(map(encode_frame, sent))
    places = [0, *sorted(min(c, len(stream)) for c in cuts), len(stream)]
    decoder = FrameDecoder()
    received: list[Frame] = []
    for start, stop in itertools.pairwise(places):
        received += decoder.receive(stream[start:stop])
    decoder.end()
    assert received == sent


@given(frames, st.data())
def test_a_flipped_bit_never_gives_another_frame(frame: Frame, data: st.DataObject) -> None:
    stream = bytearray(encode_frame(frame))
    place = data.draw(st.integers(0, len(stream) * 8 - 1))
    stream[place // 8] ^= 1 << (place % 8)
    decoder = FrameDecoder()

    def received() -> list[Frame]:
        # A longer length waits for bytes that never come: then the end of the stream is what is wrong.
        found = decoder.receive(bytes(stream))
        decoder.end()
        return found

    with pytest.raises(RemoteProtocolError):
        received()


def test_the_layout_is_length_checksum_version_type() -> None:
    stream = encode_frame(Frame(FrameType.RUN, b"abc"))
    assert stream[:4] == (3).to_bytes(4, "big")
    assert stream[8] == VERSION == 1
    assert stream[9] == FrameType.RUN
    assert stream[HEADER_BYTES:] == b"abc"


@pytest.mark.parametrize(
    ("place", "value", "says"),
    [(8, 2, "version 2"), (9, 99, "Unknown frame type 99"), (4, 0xAA, "checksum"), (0, 0xFF, "longer than")],
)
def test_what_is_wrong_with_a_frame_is_said(place: int, value: int, says: str) -> None:
    stream = bytearray(encode_frame(Frame(FrameType.RUN, b"abc")))
    stream[place] = value
    with pytest.raises(RemoteProtocolError, match=says):
        FrameDecoder().receive(bytes(stream))


def test_a_stream_that_ends_inside_a_frame_is_an_error() -> None:
    decoder = FrameDecoder()
    decoder.receive(encode_frame(Frame(FrameType.RUN, b"abc"))[:-1])
    with pytest.raises(RemoteProtocolError, match="ended inside a frame"):
        decoder.end()


def test_a_payload_that_is_too_long_is_not_sent() -> None:
    with pytest.raises(LimitError) as caught:
        encode_frame(Frame(FrameType.ROWS, b"\0" * (FRAME_BYTES_MAX + 1)))
    assert caught.value.limit == "FRAME_BYTES_MAX"
