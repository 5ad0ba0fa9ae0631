"""``memoradb check``: is everything on disk what it should be?

Every record's checksum and chain, every checkpoint file's hash, and a replay of the whole log into a store whose
counts agree with each other, and which is what the newest checkpoint and the log after it give. Read-only: a damaged
database is reported, never mended.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from memoradb.core.errors import CorruptionError, MemoraDBError

from .checkpoint.manifest import manifest_numbers, read_manifest, verify_checkpoint
from .directory import open_directory
from .graph.bitmaps import slots_of
from .log.reader import LogReader
from .log.superblock import read_superblock
from .recovery import recover, replay
from .store import GraphStore
from .vfs import RealVfs, Vfs


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong."""

    file: str
    offset_bytes: int
    message: str


@dataclass(slots=True)
class Report:
    """What was found."""

    path: str
    records: int = 0
    checkpoints: int = 0
    files: int = 0
    nodes: int = 0
    relationships: int = 0
    torn_bytes: int = 0
    state_hash: str = ""
    problems: list[Problem] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems

    def to_dict(self) -> dict[str, object]:
        """For programs."""
        problems = [{"file": p.file, "offset_bytes": p.offset_bytes, "message": p.message} for p in self.problems]
        return {
            "path": self.path,
            "ok": self.ok,
            "records": self.records,
            "checkpoints": self.checkpoints,
            "files": self.files,
            "nodes": self.nodes,
            "relationships": self.relationships,
            "torn_bytes": self.torn_bytes,
            "state_hash": self.state_hash,
            "problems": problems,
        }

    def text(self) -> str:
        """For people."""
        lines = [
            f"{self.path}: {'no problem found' if self.ok else f'{len(self.problems)} problems'}",
            f"  log: {self.records:,} records, {self.torn_bytes} bytes of a torn tail",
            f"  checkpoints: {self.checkpoints}, {self.files} files",
            f"  graph: {self.nodes:,} nodes, {self.relationships:,} relationships, state {self.state_hash}",
        ]
        lines += [f"  ! {p.file} at byte {p.offset_bytes}: {p.message}" for p in self.problems]
        return "\n".join(lines)


def check(path: str, vfs: Vfs | None = None) -> Report:
    """Verify the database at ``path``; it must not be open elsewhere.

    Raises:
        DatabaseLocked: it is open.
        ForeignDirectory: it is no database.
    """
    vfs = vfs or RealVfs()
    report = Report(path)
    uuid, lock = open_directory(vfs, path, create=False, new_uuid=str)
    try:
        _check(path, uuid, vfs, report)
    finally:
        lock.release()
    return report


def _check(path: str, uuid: str, vfs: Vfs, report: Report) -> None:
    for number in manifest_numbers(vfs, path):
        try:
            manifest = read_manifest(vfs, path, number)
            damaged = verify_checkpoint(vfs, path, manifest)
            report.problems.extend(map(_problem, damaged))
            report.checkpoints += not damaged
            report.files = len(manifest.files)
        except MemoraDBError as error:
            report.problems.append(_problem(error))
    # From its beginning, whatever checkpoints there are: all of it is read, and the graph comes from it alone.
    store = GraphStore(uuid)
    reader = LogReader(vfs, f"{path}/log", uuid)
    try:
        reader.durable = read_superblock(vfs, f"{path}/superblock.json")
        report.records = replay(store, reader, f"{path}/log")
    except MemoraDBError as error:
        report.problems.append(_problem(error))
    report.torn_bytes = reader.torn_bytes
    report.nodes = store.statistics.nodes()
    report.relationships = store.statistics.relationships()
    report.state_hash = store.state_hash().hex()
    _check_counts(store, report, path)
    if report.ok:
        _check_recovery(path, uuid, vfs, report)


def _check_recovery(path: str, uuid: str, vfs: Vfs, report: Report) -> None:
    """Opening takes the shorter way, by the newest checkpoint: it must come to the same graph."""
    recovered, _, checkpoint = recover(vfs, path, uuid)
    if recovered.state_hash().hex() != report.state_hash:
        message = f"The checkpoint at position {checkpoint} holds another graph than the log."
        report.problems.append(Problem(f"{path}/metadata", 0, message))


def _check_counts(store: GraphStore, report: Report, path: str) -> None:
    """Counts kept with commits against counts taken anew; indexes against their columns."""
    for name, bitmap in store.labels.items():
        if not bitmap.issubset(store.live_nodes):
            report.problems.append(Problem(path, 0, f"Label `{name}` is on nodes that do not exist."))
    table = store.relationships
    codes = np.delete(table.type_code[: table.count], slots_of(table.dead))
    counts = np.bincount(codes, minlength=len(store.types))
    for i, type in enumerate(store.types):
        if int(counts[i]) != store.live_by_type[type]:
            report.problems.append(Problem(path, 0, f"The count of `{type}` relationships is wrong."))


def _problem(error: MemoraDBError) -> Problem:
    if isinstance(error, CorruptionError):
        return Problem(error.file, error.offset_bytes, error.message)
    return Problem("", 0, error.message)
