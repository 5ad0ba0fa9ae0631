"""``memoradb check``: is everything on disk what it should be?

The superblocks; every record of the log, its payload's digest, and the audit chain over them; every file of every
checkpoint against its hash; the graph that each checkpoint holds against the one that the log gives at its position;
the newest graph against itself (see ``integrity``); and that opening, which takes the shorter way, comes to the same.
Read-only: a damaged database is reported, never mended. After damage in the log the records behind it are looked at,
too, so that all of the damage is named, but nothing is built on them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from memoradb.core.errors import CorruptionError, MemoraDBError

from .apply import apply
from .changeset import decode
from .checkpoint.contents import load
from .checkpoint.manifest import (
    Manifest,
    manifest_name,
    manifest_numbers,
    open_checkpoint,
    read_manifest,
    verify_checkpoint,
)
from .directory import open_directory
from .integrity import inconsistencies
from .log.place import START, LogPlace, place_of
from .log.reader import LogReader
from .log.record import RecordKind
from .log.segment import decode_header, segment_name, segment_numbers
from .log.superblock import Superblock, read_superblocks
from .recovery import recover
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
    """Of the log that was read."""
    transactions: int = 0
    """Number of the newest one."""
    checkpoints: int = 0
    """Whole ones."""
    files: int = 0
    """Data files of all checkpoints."""
    indexes: int = 0
    nodes: int = 0
    relationships: int = 0
    torn_bytes: int = 0
    state_hash: str = ""
    audit: str = ""
    """The chain over all committed records, in hexadecimal digits."""
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
            "transactions": self.transactions,
            "checkpoints": self.checkpoints,
            "files": self.files,
            "indexes": self.indexes,
            "nodes": self.nodes,
            "relationships": self.relationships,
            "torn_bytes": self.torn_bytes,
            "state_hash": self.state_hash,
            "audit": self.audit,
            "problems": problems,
        }

    def text(self) -> str:
        """For people."""
        count = len(self.problems)
        lines = [
            f"{self.path}: {'no problem found' if self.ok else f'{count} problems' if count > 1 else '1 problem'}",
            f"  log: {self.records:,} records up to transaction {self.transactions:,}, "
            f"{self.torn_bytes} bytes of a torn tail",
            f"  checkpoints: {self.checkpoints}, {self.files} files",
            f"  graph: {self.nodes:,} nodes, {self.relationships:,} relationships, {self.indexes} indexes, "
            f"state {self.state_hash}",
        ]
        lines += [f"  ! {p.file} at byte {p.offset_bytes}: {p.message}" for p in self.problems]
        return "\n".join(lines)

    def add(self, error: MemoraDBError) -> None:
        """What an error says."""
        if isinstance(error, CorruptionError):
            self.problems.append(Problem(error.file, error.offset_bytes, error.message))
        else:
            self.problems.append(Problem(self.path, 0, error.message))


def check(path: str, vfs: Vfs | None = None) -> Report:
    """Verify the database at ``path``; it must not be open elsewhere.

    Raises:
        DatabaseLocked: it is open.
        ForeignDirectory: it is no database.
        CorruptionError: not even its identity can be read.
    """
    vfs = vfs or RealVfs()
    uuid, lock = open_directory(vfs, path, create=False, new_uuid=str)
    try:
        return _Check(vfs, path, uuid).run()
    finally:
        lock.release()


class _Check:
    """One pass over a database."""

    def __init__(self, vfs: Vfs, path: str, uuid: str) -> None:
        self._vfs = vfs
        self._path = path
        self._uuid = uuid
        self._report = Report(path)

    def run(self) -> Report:
        report = self._report
        blocks, damaged = read_superblocks(self._vfs, self._path)
        for error in damaged:
            report.add(error)
        superblock = max(blocks, key=lambda block: block.generation, default=Superblock())
        manifests = self._checkpoints()
        store, place = self._start(manifests)
        if store is not None:
            whole = self._replay(store, place, superblock, {manifest.position: manifest for manifest in manifests})
            self._describe(store)
            if whole:
                self._check_opening(store)
        return report

    # --- checkpoints

    def _checkpoints(self) -> list[Manifest]:
        """The whole ones, by position."""
        found: list[Manifest] = []
        for number in manifest_numbers(self._vfs, self._path):
            try:
                manifest = read_manifest(self._vfs, self._path, number)
                if manifest.database != self._uuid:
                    raise CorruptionError("It belongs to another database.", file=self._manifest(manifest))
                damaged = verify_checkpoint(self._vfs, self._path, manifest)
            except MemoraDBError as error:
                self._report.add(error)
                continue
            for error in damaged:
                self._report.add(error)
            self._report.files += len(manifest.files)
            if not damaged:
                self._report.checkpoints += 1
                found.append(manifest)
        return sorted(found, key=lambda manifest: manifest.position)

    def _start(self, manifests: list[Manifest]) -> tuple[GraphStore | None, LogPlace]:
        """Where reading the log begins: at its beginning, or at the oldest checkpoint where that is gone."""
        first = min(segment_numbers(self._vfs.list(f"{self._path}/log")), default=1)
        if first == 1:
            return GraphStore(self._uuid), START
        for manifest in manifests:
            if manifest.place.segment >= first:
                store = self._load(manifest)
                if store is not None:
                    return store, manifest.place
        message = f"The log begins with segment {first}, and no whole checkpoint stands at its beginning or later."
        self._report.problems.append(Problem(f"{self._path}/log", 0, message))
        return None, START

    def _load(self, manifest: Manifest) -> GraphStore | None:
        try:
            return load(open_checkpoint(self._vfs, self._path, manifest))
        except MemoraDBError as error:
            self._report.add(error)
            return None

    def _manifest(self, manifest: Manifest) -> str:
        return f"{self._path}/metadata/{manifest_name(manifest.number)}"

    def _compare(self, store: GraphStore, audit: bytes, manifest: Manifest) -> None:
        """A checkpoint against the graph that the log gives at its position."""
        file = self._manifest(manifest)
        state = store.state_hash().hex()
        loaded = self._load(manifest)
        if loaded is not None and loaded.state_hash().hex() != state:
            message = f"The checkpoint at position {manifest.position} holds another graph than the log."
            self._report.problems.append(Problem(file, 0, message))
        elif manifest.state_hash not in ("", state):
            message = f"The checkpoint at position {manifest.position} says another state hash than it has."
            self._report.problems.append(Problem(file, 0, message))
        if audit.hex() not in (manifest.audit or audit.hex(), manifest.place.audit.hex()):
            message = f"The checkpoint at position {manifest.position} goes back to another history than the log."
            self._report.problems.append(Problem(file, 0, message))

    # --- the log

    def _replay(
        self, store: GraphStore, place: LogPlace, superblock: Superblock, manifests: Mapping[int, Manifest]
    ) -> bool:
        """Apply the log to ``store``; whether all of it can be read."""
        report, directory = self._report, f"{self._path}/log"
        reader = LogReader(self._vfs, directory, self._uuid, superblock, place, verify=True)
        if store.position in manifests:
            self._compare(store, place.audit, manifests[store.position])
        whole = True
        try:
            # The stream checks every record, the entries are those that stay.
            for record in reader.records():
                report.records += 1
                if record.kind is RecordKind.CHANGESET:
                    report.transactions = record.transaction
                    apply(store, decode(record.payload), record.index)
                    store.publish(record.index)
                if record.index in manifests and reader.group().index == record.index:
                    self._compare(store, reader.group().audit, manifests[record.index])
        except MemoraDBError as error:
            report.add(error)
            whole = False
            self._after_damage(reader)
        report.torn_bytes += reader.torn_bytes
        report.audit = reader.group().audit.hex()
        for position, manifest in manifests.items():
            if whole and position > reader.group().index:
                message = f"The checkpoint at position {position} is ahead of the log."
                report.problems.append(Problem(self._manifest(manifest), 0, message))
        return whole

    def _after_damage(self, reader: LogReader) -> None:
        """Look at the segments behind the one that is damaged, each from its header on."""
        directory = f"{self._path}/log"
        damaged = reader.end.header.number if reader.end is not None else 0
        behind = [n for n in segment_numbers(self._vfs.list(directory)) if n > damaged]
        while behind:
            path = f"{directory}/{segment_name(behind[0])}"
            try:
                place = place_of(decode_header(self._vfs.map(path), path))
                follower = LogReader(self._vfs, directory, self._uuid, None, place, verify=True)
                for _ in follower.stream():
                    pass
                return
            except MemoraDBError as error:
                known = {(problem.file, problem.offset_bytes) for problem in self._report.problems}
                if not isinstance(error, CorruptionError) or (error.file, error.offset_bytes) not in known:
                    self._report.add(error)
            behind = behind[1:]

    # --- the graph

    def _describe(self, store: GraphStore) -> None:
        report = self._report
        report.nodes = store.statistics.nodes()
        report.relationships = store.statistics.relationships()
        report.indexes = len(store.indexes)
        report.state_hash = store.state_hash().hex()
        for sentence in inconsistencies(store):
            report.problems.append(Problem(self._path, 0, sentence))

    def _check_opening(self, store: GraphStore) -> None:
        """Opening takes the shorter way, by the newest checkpoint: it must come to the same graph."""
        try:
            opened, _, checkpoint = recover(self._vfs, self._path, self._uuid)
            if opened.state_hash() != store.state_hash():
                message = f"Opening, by the checkpoint at position {checkpoint}, comes to another graph than the log."
                self._report.problems.append(Problem(f"{self._path}/metadata", 0, message))
            for sentence in inconsistencies(opened):
                message = f"As opened, by the checkpoint at position {checkpoint}: {sentence}"
                self._report.problems.append(Problem(f"{self._path}/metadata", 0, message))
        except MemoraDBError as error:
            self._report.add(error)
