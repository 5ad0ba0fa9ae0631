"""A log on a disk in memory, for the tests of its parts. Segments are small there: see ``conftest``."""

from collections.abc import Callable
from dataclasses import replace

from memoradb.storage.log.groups import GroupState
from memoradb.storage.log.place import START, LogPlace, place_of
from memoradb.storage.log.reader import LogReader
from memoradb.storage.log.record import padded
from memoradb.storage.log.segment import SegmentHeader, segment_name
from memoradb.storage.log.superblock import read_superblock
from memoradb.storage.log.writer import LogWriter
from memoradb.storage.vfs_memory import MemoryVfs

UUID = "0c6b5d5e-8f0a-4c55-9d4e-1f2a3b4c5d6e"
FIRST = f"/log/{segment_name(1)}"
SEGMENT = 600
PAYLOADS = [bytes([65 + i]) * (20 * i) for i in range(12)]


def a_disk(seed: int = 0) -> MemoryVfs:
    vfs = MemoryVfs(seed)
    vfs.make_directory("/log")
    return vfs


def read(vfs: MemoryVfs, start: LogPlace = START) -> tuple[LogReader, list[bytes]]:
    reader = LogReader(vfs, "/log", UUID, read_superblock(vfs, "/super"), start, verify=True)
    return reader, [record.payload for record in reader.records()]


def a_writer(vfs: MemoryVfs, durability: str = "strict", pause: Callable[[float], None] = lambda _: None) -> LogWriter:
    reader, _ = read(vfs)
    return LogWriter(vfs, "/log", UUID, reader, durability, "/super", pause)


def written(vfs: MemoryVfs, path: str = FIRST) -> bytes:
    """A segment's bytes up to the end of its last record, whose payload ends in no zero."""
    data = vfs.read(path).rstrip(b"\0")
    return data.ljust(padded(len(data)), b"\0")


def same(one: LogPlace, other: LogPlace) -> bool:
    """Whether two places are one; what was known to be committed there may differ."""
    forget = [replace(p, groups=tuple(replace(g, committed=0) for g in p.groups)) for p in (one, other)]
    return forget[0] == forget[1]


def write(writer: LogWriter, *payloads: bytes) -> None:
    for payload in payloads:
        writer.wait(writer.append(payload))


def writer_path(writer: LogWriter) -> str:
    return f"/log/{segment_name(writer.place.segment)}"


def a_consensus_writer(vfs: MemoryVfs) -> LogWriter:
    """What commits is somebody else, who says so."""
    reader, _ = read(vfs)
    return LogWriter(vfs, "/log", UUID, reader, "strict", "/super", commits_durable=False)


def audits(vfs: MemoryVfs) -> list[GroupState]:
    """Where the log stands after each of its entries."""
    reader = LogReader(vfs, "/log", UUID)
    return [reader.group().state for record in reader.stream() if record.is_entry]


def writer_end(vfs: MemoryVfs) -> LogPlace:
    reader = LogReader(vfs, "/log", UUID)
    list(reader.stream())
    return reader.place


def a_writer_from(vfs: MemoryVfs, header: SegmentHeader) -> None:
    reader, _ = read(vfs, place_of(header))
    LogWriter(vfs, "/log", UUID, reader).close()
