"""What stands behind the last good record, by its bytes alone."""

import sys
from pathlib import Path

import pytest

from memoradb.storage.log.record import HEADER_BYTES, padded
from memoradb.storage.log.segment import decode_header
from memoradb.storage.log.torn_tail import claims_durable, written_end

sys.path.insert(0, str(Path(__file__).parent))

from log_disk import FIRST, a_disk, a_writer, write


@pytest.mark.parametrize("at", [0, 1, 65_535, 65_536, 199_999])
def test_the_last_byte_that_is_not_zero_ends_what_was_written(at: int) -> None:
    data = bytearray(200_000)
    assert written_end(memoryview(data), 0) == 0
    data[at] = 1
    assert written_end(memoryview(data), 0) == at + 1
    assert written_end(memoryview(data), at) == at + 1
    assert written_end(memoryview(data), at + 1) == 0


def test_only_a_later_record_that_is_whole_can_claim_that_a_missing_one_was_durable() -> None:
    vfs = a_disk()
    writer = a_writer(vfs)
    write(writer, b"one", b"two", b"three")
    data = bytearray(vfs.read(FIRST))
    header = decode_header(memoryview(bytes(data)), FIRST)
    second = header.size + padded(HEADER_BYTES + len(b"one"))
    third = second + padded(HEADER_BYTES + len(b"two"))

    def claimed(missing: int) -> bool:
        return claims_durable(memoryview(data), second, header.seed, missing)

    # The third was appended when the second was durable, and nothing says so of itself.
    assert claimed(2) and not claimed(3)
    data[third + HEADER_BYTES] ^= 1
    assert not claimed(2)
