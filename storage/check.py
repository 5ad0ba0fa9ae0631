"""``memoradb check``: is everything on disk what it should be?

Every record's checksum and chain, every checkpoint file's hash, and a replay of checkpoint and log into a store whose
counts agree with each other. Read-only: a damaged database is reported, never mended.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from memoradb.core.errors import CorruptionError, MemoraDBError

from .apply import apply
from .changeset import decode
from .checkpoint.manifest import manifest_numbers, open_checkpoint, read_manifest
from .log.reader import LogReader
from .log.record import RecordKind
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
    from .engine import Engine

    vfs = vfs or RealVfs()
    report = Report(path)
    engine_lock = None
    if not vfs.exists(f"{path}/memoradb.json"):
        Engine.open(path, vfs=vfs, create=False)
    engine_lock = vfs.lock(f"{path}/lock")
    try:
        _check(path, vfs, report)
    finally:
        release = getattr(engine_lock, "release", None)
        if release is not None:
            release()
    return report


def _check(path: str, vfs: Vfs, report: Report) -> None:
    store: GraphStore | None = None
    for number in manifest_numbers(vfs, path):
        try:
            manifest = read_manifest(vfs, path, number)
            sections = open_checkpoint(vfs, path, manifest, verify=True)
            store = GraphStore.load(sections)
            report.checkpoints += 1
            report.files = len(manifest.files)
        except MemoraDBError as error:
            _note(report, error)
    if store is None:
        store = GraphStore("00000000-0000-0000-0000-000000000000")
        store.position = 0
    reader = LogReader(vfs, f"{path}/log")
    try:
        for record in reader.records():
            report.records += 1
            if record.kind is RecordKind.CHANGESET and record.index > store.position:
                apply(store, decode(record.payload), record.index)
    except MemoraDBError as error:
        _note(report, error)
    report.torn_bytes = reader.torn_bytes
    report.nodes = store.statistics.nodes()
    report.relationships = store.statistics.relationships()
    report.state_hash = store.state_hash().hex()
    _check_counts(store, report, path)


def _check_counts(store: GraphStore, report: Report, path: str) -> None:
    """Counts kept with commits against counts taken anew; indexes against their columns."""
    for name, bitmap in store.labels.items():
        if not bitmap.issubset(store.live_nodes):
            report.problems.append(Problem(path, 0, f"Label `{name}` is on nodes that do not exist."))
    codes = np.delete(
        store.relationship_type[: store.relationships.count],
        np.asarray(store.relationships.dead.to_array(), np.int64),
    )
    counts = np.bincount(codes, minlength=len(store.types))
    for i, type in enumerate(store.types):
        if int(counts[i]) != store.live_by_type[type]:
            report.problems.append(Problem(path, 0, f"The count of `{type}` relationships is wrong."))


def _note(report: Report, error: MemoraDBError) -> None:
    file = error.file if isinstance(error, CorruptionError) else report.path
    offset = error.offset_bytes if isinstance(error, CorruptionError) else 0
    report.problems.append(Problem(file, offset, error.message))
