"""``memoradb check --salvage``: what can be proven good of a damaged database, in a directory of its own.

The source is read and never written. A state can be proven by a whole checkpoint, or the beginning of the log, and an
unbroken chain of records from there. Of all such beginnings the one that leads furthest is taken, and among equals the
oldest, which keeps the most history; checkpoints on the way come along. Everything is copied as it is, so that
identities, transaction numbers and times stay. Records behind the damage are whole by themselves, perhaps, but build on
what is missing: they are counted, and not taken.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import msgspec

from memoradb.core.errors import CorruptionError, ForeignDirectory, MemoraDBError, StorageError

from .checkpoint.contents import load
from .checkpoint.manifest import (
    PACKED,
    Manifest,
    manifest_name,
    manifest_numbers,
    open_checkpoint,
    read_manifest,
    verify_checkpoint,
)
from .directory import FORMAT, IDENTITY, read_identity
from .log.groups import states_of
from .log.place import START, LogPlace, place_of
from .log.reader import LogReader
from .log.segment import decode_header, segment_name, segment_numbers
from .log.superblock import Superblock, read_superblocks, write_superblock
from .recovery import recover
from .vfs import RealVfs, Vfs

_PIECE_BYTES = 1 << 20


@dataclass(slots=True)
class Salvaged:
    """What was copied, and what was not."""

    source: str
    target: str
    position: int = 0
    """Newest position that was saved."""
    transaction: int = 0
    """Its transaction."""
    horizon: int = 0
    """Oldest position that can be read in the copy."""
    checkpoints: int = 0
    nodes: int = 0
    relationships: int = 0
    lost_known: int | None = None
    """Records that were durable and are lost, where the superblock tells."""
    behind: int = 0
    """Records that are whole and stand behind the damage: they were not taken."""
    behind_transactions: tuple[int, int] | None = None
    """First and last transaction of these."""
    damage: list[str] = field(default_factory=list)
    """What cannot be read, file by file."""

    @property
    def ok(self) -> bool:
        """Whether nothing that is known of was lost of the newest state."""
        return self.behind == 0 and not self.lost_known

    def to_dict(self) -> dict[str, object]:
        """For programs."""
        return {
            "source": self.source,
            "target": self.target,
            "position": self.position,
            "transaction": self.transaction,
            "horizon": self.horizon,
            "checkpoints": self.checkpoints,
            "nodes": self.nodes,
            "relationships": self.relationships,
            "ok": self.ok,
            "records_lost": self.lost_known,
            "records_behind_damage": self.behind,
            "transactions_behind_damage": self.behind_transactions,
            "damage": self.damage,
        }

    def text(self) -> str:
        """For people."""
        lines = [
            f"{self.target}: {self.nodes:,} nodes and {self.relationships:,} relationships of {self.source}, "
            f"as of transaction {self.transaction:,}",
            f"  history from position {self.horizon:,} to {self.position:,}, {self.checkpoints} checkpoints",
        ]
        if self.ok:
            lines.append("  nothing of the newest state was lost")
        if self.lost_known:
            lines.append(f"  lost: {self.lost_known:,} records that were durable")
        if self.behind and self.behind_transactions is not None:
            first, last = self.behind_transactions
            lines.append(
                f"  not taken: {self.behind:,} records behind the damage, transactions {first:,} to {last:,}: they "
                "build on what is missing"
            )
        return "\n".join([*lines, *(f"  ! {sentence}" for sentence in self.damage)])


def salvage(source: str, target: str, vfs: Vfs | None = None) -> Salvaged:
    """Copy what is good of the database at ``source`` to ``target``, which must be empty or not there.

    Raises:
        DatabaseLocked: the source is open.
        ForeignDirectory: the source is no database, or the target holds something.
        CorruptionError: nothing can be proven.
        DiskFull: no room for the copy.
    """
    vfs = vfs or RealVfs()
    source, target = source.rstrip("/") or "/", target.rstrip("/") or "/"
    if not vfs.list(f"{source}/log") and not vfs.list(f"{source}/metadata"):
        raise ForeignDirectory(f"There is no database at {source}.")
    if vfs.list(target):
        raise ForeignDirectory(f"{target} is not empty.", hint="Give a directory that is, or a new one.")
    lock = vfs.lock(f"{source}/lock")
    try:
        return _Salvage(vfs, source, target).run()
    finally:
        lock.release()


@dataclass(frozen=True, slots=True)
class _Run:
    """A beginning, and how far the log leads from there."""

    base: Manifest | None
    """None: the beginning of the log."""
    reader: LogReader


class _Salvage:
    """One copy."""

    def __init__(self, vfs: Vfs, source: str, target: str) -> None:
        self._vfs = vfs
        self._source = source
        self._target = target
        self._found = Salvaged(source, target)

    def run(self) -> Salvaged:
        found = self._found
        uuid = self._identity()
        manifests = self._whole_checkpoints(uuid)
        run = self._furthest(uuid, manifests)
        reader = run.reader
        kept = [m for m in manifests if self._reaches(run, m)]
        self._copy(uuid, run, kept)
        found.position, found.transaction = reader.group().index, reader.group().transaction
        found.horizon = 0 if run.base is None else run.base.position
        found.checkpoints = len(kept)
        self._count_lost(uuid, reader)
        store, _, _ = recover(self._vfs, self._target, uuid)
        found.nodes, found.relationships = store.statistics.nodes(), store.statistics.relationships()
        return found

    # --- what is whole

    def _identity(self) -> str:
        """The database's uuid: where its own file is damaged, what the rest of the directory says."""
        try:
            return read_identity(self._vfs, self._source)
        except StorageError as error:
            self._damaged(error)
        for uuid in self._claims():
            return uuid
        raise CorruptionError(f"Nothing in {self._source} says whose it is.", file=f"{self._source}/{IDENTITY}")

    def _claims(self) -> Iterator[str]:
        for number in reversed(manifest_numbers(self._vfs, self._source)):
            try:
                yield read_manifest(self._vfs, self._source, number).database
            except StorageError:
                continue  # reported with the checkpoints
        for number in segment_numbers(self._vfs.list(f"{self._source}/log")):
            path = f"{self._source}/log/{segment_name(number)}"
            try:
                yield decode_header(self._vfs.map(path), path).database
            except StorageError:
                continue  # reported with the log

    def _whole_checkpoints(self, uuid: str) -> list[Manifest]:
        """By position; those whose every file is what its manifest says."""
        found: list[Manifest] = []
        for number in manifest_numbers(self._vfs, self._source):
            try:
                manifest = read_manifest(self._vfs, self._source, number)
                errors: list[CorruptionError] = verify_checkpoint(self._vfs, self._source, manifest)
                if not errors and manifest.database == uuid:
                    load(open_checkpoint(self._vfs, self._source, manifest))
                    found.append(manifest)
                for error in errors:
                    self._damaged(error)
            except MemoraDBError as error:
                self._damaged(error)
        return sorted(found, key=lambda manifest: manifest.position)

    def _furthest(self, uuid: str, manifests: list[Manifest]) -> _Run:
        """The beginning that leads furthest, the oldest of those."""
        segments = segment_numbers(self._vfs.list(f"{self._source}/log"))
        first = min(segments, default=1)
        best: _Run | None = None
        for base in (None, *manifests):
            if base is None and first != 1:
                continue
            place = START if base is None else base.place
            run = _Run(base, self._follow(uuid, place))
            if best is None or run.reader.sequence > best.reader.sequence:
                best = run
        if best is None or (best.reader.sequence == 0 and self._found.damage):
            raise CorruptionError(
                f"Neither the first record of the log nor a whole checkpoint is left in {self._source}.",
                file=f"{self._source}/metadata",
            )
        return best

    def _follow(self, uuid: str, place: LogPlace) -> LogReader:
        """Read from a place on for as long as records follow each other."""
        reader = LogReader(self._vfs, f"{self._source}/log", uuid, None, place, verify=True)
        try:
            for _ in reader.records():
                pass
        except StorageError as error:
            self._damaged(error)
        return reader

    def _reaches(self, run: _Run, manifest: Manifest) -> bool:
        """Whether a checkpoint lies on the way."""
        first = 0 if run.base is None else run.base.place.sequence
        return first <= manifest.place.sequence <= run.reader.sequence

    def _damaged(self, error: MemoraDBError) -> None:
        where = f"{error.file} at byte {error.offset_bytes}: " if isinstance(error, CorruptionError) else ""
        sentence = f"{where}{error.message}"
        if sentence not in self._found.damage:
            self._found.damage.append(sentence)

    # --- the copy

    def _copy(self, uuid: str, run: _Run, kept: list[Manifest]) -> None:
        vfs, target = self._vfs, self._target
        vfs.make_directory(target)
        vfs.make_directory(f"{target}/log")
        vfs.make_directory(f"{target}/metadata")
        for path in sorted({file.path for manifest in kept for file in manifest.files}):
            vfs.make_directory(f"{target}/{path.rpartition('/')[0]}")
            self._copy_file(path if vfs.exists(f"{self._source}/{path}") else path + PACKED)
        self._copy_log(run)
        for manifest in kept:
            self._copy_file(f"metadata/{manifest_name(manifest.number)}")
        reader = run.reader
        for log in reader.groups.values():
            log.commit(log.index)
        write_superblock(vfs, target, Superblock(1, reader.sequence, states_of(reader.groups)))
        # Last: without it the directory is no database.
        vfs.write_atomically(f"{target}/{IDENTITY}", msgspec.json.encode({"format": FORMAT, "uuid": uuid}))

    def _copy_file(self, path: str, size: int | None = None, length: int = 0) -> None:
        """A file, or its first ``size`` bytes and zeros up to ``length``."""
        data = self._vfs.map(f"{self._source}/{path}")[:size]
        self._vfs.write_parts(f"{self._target}/{path}", _pieces(data, length))

    def _copy_log(self, run: _Run) -> None:
        """The segments from the first that is needed to the last good record."""
        end = run.reader.end
        if end is None:
            return
        first = START.segment if run.base is None else run.base.place.segment
        for number in range(first, end.header.number):
            self._copy_file(f"log/{segment_name(number)}")
        name = f"log/{segment_name(end.header.number)}"
        if end.header.compressed:
            self._copy_file(name)
        else:
            self._copy_file(name, end.size, end.header.bytes)

    # --- what is lost

    def _count_lost(self, uuid: str, reader: LogReader) -> None:
        blocks, damaged = read_superblocks(self._vfs, self._source)
        for error in damaged:
            self._damaged(error)
        if blocks:
            durable = max(blocks, key=lambda block: block.generation).durable
            self._found.lost_known = max(0, durable - reader.sequence)
        last = reader.end.header.number if reader.end is not None else 0
        transactions: list[int] = []
        behind = [n for n in segment_numbers(self._vfs.list(f"{self._source}/log")) if n > last]
        for number in behind:
            path = f"{self._source}/log/{segment_name(number)}"
            try:
                place = place_of(decode_header(self._vfs.map(path), path))
                if place.sequence < reader.sequence:
                    continue
                follower = LogReader(self._vfs, f"{self._source}/log", uuid, None, place, verify=True)
                for record in follower.stream():
                    self._found.behind += 1
                    if record.is_entry:
                        transactions.append(record.transaction)
                break
            except StorageError as error:
                self._damaged(error)
        if transactions:
            self._found.behind_transactions = transactions[0], transactions[-1]


def _pieces(data: memoryview, length: int) -> Iterator[bytes]:
    """``data`` in parts, and zeros after it up to ``length``."""
    for start in range(0, len(data), _PIECE_BYTES):
        yield bytes(data[start : start + _PIECE_BYTES])
    for start in range(len(data), length, _PIECE_BYTES):
        yield bytes(min(_PIECE_BYTES, length - start))
