"""Data files: what is written is mapped back; any damage to what is used is noticed."""

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memoradb.core.codec import crc32c
from memoradb.core.errors import CorruptionError, ForeignDirectory
from memoradb.storage.checkpoint.container import ALIGNMENT, MAGIC, decode_section, encode_section
from memoradb.storage.section import Section

arrays = st.dictionaries(
    st.text("abc-0", min_size=1, max_size=5),
    st.one_of(
        st.lists(st.integers(-(2**63), 2**63 - 1)).map(lambda x: np.array(x, np.int64)),
        st.lists(st.booleans()).map(lambda x: np.array(x, np.bool_)),
        st.binary().map(lambda x: np.frombuffer(x, np.uint8)),
        st.just(np.arange(6, dtype=np.float32).reshape(2, 3)),
    ),
    max_size=4,
)
SECTION = Section("nodes/x", {"a": np.arange(100), "b": np.zeros((3, 4), np.float32)}, {"k": [1, "v", None]})


@given(arrays)
def test_a_section_is_read_as_it_was_written(items: dict[str, np.ndarray]) -> None:
    section = Section("nodes/some", items, {"key": [1, 2.5, None, "x"]})
    raw = encode_section(section)
    found = decode_section(memoryview(raw), "f")
    assert (found.name, found.metadata, set(found.arrays)) == (section.name, section.metadata, set(items))
    for name, array in items.items():
        assert found.arrays[name].dtype == array.dtype and np.array_equal(found.arrays[name], array)
        assert not found.arrays[name].flags.writeable and found.arrays[name] is found.arrays[name]
    assert encode_section(found) == raw and len(raw) % ALIGNMENT == 0


def use(raw: bytes) -> Section:
    section = decode_section(memoryview(raw), "some/file")
    return Section(section.name, {name: np.array(section.arrays[name]) for name in section.arrays}, section.metadata)


def attempt(raw: bytes) -> Section | CorruptionError:
    try:
        return use(raw)
    except CorruptionError as error:
        return error


def test_a_flipped_bit_is_an_error_or_in_the_padding() -> None:
    raw, right = encode_section(SECTION), encode_section(SECTION)
    harmless = 0
    for at in range(len(raw)):
        changed = bytearray(raw)
        changed[at] ^= 1 << at % 8
        with_damage = attempt(bytes(changed))
        if isinstance(with_damage, CorruptionError):
            assert with_damage.file == "some/file"
        else:
            assert encode_section(with_damage) == right
            harmless += 1
    assert harmless < 2 * ALIGNMENT


def test_a_truncated_file_is_an_error() -> None:
    raw = encode_section(SECTION)
    for size in range(0, len(raw) - ALIGNMENT, 13):
        with pytest.raises(CorruptionError):
            use(raw[:size])


def test_an_array_is_verified_only_when_it_is_asked_for() -> None:
    raw = bytearray(encode_section(SECTION))
    raw[-1 - ALIGNMENT] ^= 1
    raw[-ALIGNMENT] ^= 1  # in array b, the last one
    found = decode_section(memoryview(raw), "f")
    assert found.arrays["a"].tolist() == list(range(100))
    with pytest.raises(CorruptionError, match="`b` fails its checksum") as raised:
        _ = found.arrays["b"]
    assert raised.value.offset_bytes == len(raw) - ALIGNMENT


def test_a_format_from_the_future_is_named_and_another_file_is_damage() -> None:
    fixed, header = struct.pack("<8sII", MAGIC, 9, 7), b"unknown"
    future = fixed + struct.pack("<I", crc32c(fixed + header)) + header
    with pytest.raises(ForeignDirectory, match="format 9"):
        decode_section(memoryview(future), "f")
    with pytest.raises(CorruptionError):
        decode_section(memoryview(b"\x89PNG" + bytes(200)), "f")
