"""Compressed data files: a part is what it was, damage is noticed, and what nobody reads stays as it is."""

import sys
from pathlib import Path

import numpy as np
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from memoradb.core.columns import lift
from memoradb.core.errors import CorruptionError
from memoradb.storage.checkpoint import packed
from memoradb.storage.checkpoint.container import decode_section, encode_section
from memoradb.storage.checkpoint.manifest import open_checkpoint, read_manifest
from memoradb.storage.checkpoint.packed import PackedBytes, cold_cache, pack
from memoradb.storage.section import Section
from memoradb.storage.vfs_memory import MemoryVfs
from memoradb.storage.view import Element

sys.path.insert(0, str(Path(__file__).parents[1]))

from workload import PATH, commit, open_engine, slots


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packed, "FIRST_BYTES", 16)
    monkeypatch.setattr(packed, "FRAME_BYTES", 40)


def packed_bytes(raw: bytes, budget: int = 1 << 20) -> PackedBytes:
    return PackedBytes(memoryview(pack(memoryview(raw))), "some/file.zst", cold_cache(budget))


@given(st.binary(max_size=300), st.lists(st.tuples(st.integers(0, 310), st.integers(0, 310)), max_size=6))
def test_every_part_is_what_it_was_whatever_the_cache_keeps(raw: bytes, parts: list[tuple[int, int]]) -> None:
    for budget in (0, 100, 1 << 20):
        found = packed_bytes(raw, budget)
        assert len(found) == len(raw)
        for start, stop in parts:
            assert bytes(found[start:stop]) == raw[start:stop]
        assert bytes(found[:]) == raw


def test_every_tool_for_the_format_unpacks_it() -> None:
    raw = b"some bytes of a file, " * 20
    reader = zstandard.ZstdDecompressor().stream_reader(pack(memoryview(raw)), read_across_frames=True)
    assert reader.read() == raw


def test_every_flipped_byte_is_noticed_or_harmless() -> None:
    raw = encode_section(Section("nodes/x", {"a": np.arange(20)}, {"k": [1, "v"]}))
    whole = pack(memoryview(raw))
    for at in range(len(whole)):
        damaged = bytearray(whole)
        damaged[at] ^= 0x55
        try:
            found = PackedBytes(memoryview(bytes(damaged)), "f.zst", cold_cache())
            assert bytes(found[:]) == raw
        except CorruptionError:
            continue
    for size in range(len(whole)):
        with pytest.raises(CorruptionError):
            PackedBytes(memoryview(whole[:size]), "f.zst", cold_cache())[:]


def test_only_the_frames_of_what_is_read_are_decompressed() -> None:
    raw = encode_section(Section("nodes/x", {"a": np.arange(500), "b": np.arange(500) * 3}, {}))
    cache = cold_cache()
    section = decode_section(PackedBytes(memoryview(pack(memoryview(raw))), "f.zst", cache), "f.zst")
    header = cache.statistics.bytes
    assert header < 400
    assert section.arrays["b"].tolist() == (np.arange(500) * 3).tolist()
    assert cache.statistics.bytes < header + 4_000 + 80
    misses = cache.statistics.misses
    section.arrays["b"]
    assert cache.statistics.misses == misses and cache.statistics.hits > 0


def test_a_state_of_the_past_decodes_the_columns_that_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("memoradb.storage.checkpoint.checkpointer.SPACING_TRANSACTIONS", 2)
    vfs = MemoryVfs()
    engine = open_engine(vfs)
    for i in range(5):
        values = {key: lift([f"{key} {i} {n}" for n in range(200)]) for key in ("x", "y")}
        commit(engine, lambda view, values=values: view.create_nodes(200, ["A"], values))
        commit(engine, lambda view, i=i: view.set_property(Element.NODE, slots(0), "x", lift([f"changed {i}"])))
        engine.checkpoint()
    position = read_manifest(vfs, PATH, 1).position
    view = engine.history.at(position)
    loaded = engine.metrics()["cold_cache_bytes"]
    assert view.property(Element.NODE, slots(1), "x").item(0) == "x 0 1"
    one = engine.metrics()["cold_cache_bytes"]
    assert view.property(Element.NODE, slots(1), "y").item(0) == "y 0 1"
    both = engine.metrics()["cold_cache_bytes"]
    assert loaded < one < both
    assert both - one > 2_000, "the column that nobody asked for was decoded before"
    assert engine.metrics()["cold_cache_misses"] > 0
    assert set(open_checkpoint(vfs, PATH, read_manifest(vfs, PATH, 1))) >= {"nodes/elements"}
    engine.close()
