"""A file of another version is refused by every part that reads one, whichever is the newer."""

import struct
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

import memoradb
from memoradb.core.errors import ForeignDirectory
from memoradb.storage.log.segment import MAGIC, VERSION


def the_identity(directory: Path, step: int) -> None:
    path = directory / "memoradb.json"
    fields = msgspec.json.decode(path.read_bytes())
    path.write_bytes(msgspec.json.encode(fields | {"format": fields["format"] + step}))


def a_segment(directory: Path, step: int) -> None:
    for manifest in (directory / "metadata").iterdir():
        manifest.unlink()  # which would begin after the segment's only record
    path = directory / "log" / "wal-00000001.log"
    raw = bytearray(path.read_bytes())
    struct.pack_into("<I", raw, len(MAGIC), VERSION + step)
    path.write_bytes(raw)


@pytest.mark.parametrize("step", [-1, 1])
@pytest.mark.parametrize("change", [the_identity, a_segment])
def test_another_version_is_refused_with_a_sentence_that_names_both(
    tmp_path: Path, change: Callable[[Path, int], None], step: int
) -> None:
    directory = tmp_path / "db"
    with memoradb.open(directory) as db:
        db.execute("CREATE (:A)")
    change(directory, step)
    with pytest.raises(ForeignDirectory, match=r"has format \d; this version of MemoraDB reads \d") as caught:
        memoradb.open(directory)
    assert caught.value.hint == "Open it with the version that wrote it."
