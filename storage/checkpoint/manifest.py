"""Checkpoints: a manifest that names immutable data files, at a log position.

``metadata/snapshot-000001.json`` lists every file with size and hash, and the place in the log that the checkpoint
stands for. A file's name holds the hash of its content, so an unchanged section is the same file in the next
checkpoint. Data files are durable before the manifest is written, which happens atomically; the newest one that is
whole counts. Files that only older checkpoints name are compressed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from memoradb.core.codec import crc32c, digest
from memoradb.core.errors import CorruptionError, StorageError

from ..file_format import other_format
from ..log.place import LogPlace
from ..section import DataFile, Section
from ..vfs import Vfs
from .container import Data, EncodedSection, MappedArrays, decode_section
from .packed import ColdCache, PackedBytes, cold_cache, pack

FORMAT = 2
KEPT = 2
"""Checkpoints that stay whatever the history setting says: should the newest be damaged, there is another."""

PACKED = ".zst"
"""Ending of a compressed file."""
FOLDERS = ("nodes", "edges", "vectors", "text")
"""Where data files are."""

_DATA_FILE = re.compile(r"[a-z]+(-[a-z0-9]+)*-[0-9a-f]{16}\.bin(\.zst)?(\.tmp)?")
_MANIFEST = re.compile(r"snapshot-(\d{6,})\.json")


class Manifest(msgspec.Struct, frozen=True):
    """A checkpoint; ``crc32c`` is of the manifest with zero in its place."""

    format: int
    number: int
    database: str
    place: LogPlace
    files: list[DataFile]
    crc32c: int = 0
    time_us: int = 0
    """When the newest transaction in it was committed: microseconds since 1970."""
    transaction: int = 0
    """Its number."""
    log_bytes: int = 0
    """About how much log there was up to there since the database was made."""
    audit: str = ""
    """The audit chain up to there, in hexadecimal digits."""
    state_hash: str = ""
    """The hash of what the graph holds, in hexadecimal digits; empty where it was not made: the graph is large."""

    @property
    def position(self) -> int:
        """The log position that the checkpoint stands for."""
        return self.place.index


def _checksum(fields: dict[str, Any]) -> int:
    """What ``crc32c`` must be, in this format and any later one."""
    return crc32c(msgspec.json.encode({**fields, "crc32c": 0}))


def manifest_name(number: int) -> str:
    """``snapshot-000001.json``."""
    return f"snapshot-{number:06d}.json"


def manifest_numbers(vfs: Vfs, directory: str) -> list[int]:
    """The numbers of all manifests, ascending."""
    found = (_MANIFEST.fullmatch(name) for name in vfs.list(f"{directory}/metadata"))
    return sorted(int(match.group(1)) for match in found if match)


def read_manifest(vfs: Vfs, directory: str, number: int) -> Manifest:
    """One manifest.

    Raises:
        CorruptionError: it is not what was written.
        ForeignDirectory: another version wrote it.
    """
    path = f"{directory}/metadata/{manifest_name(number)}"
    raw = vfs.read(path)
    try:
        fields = msgspec.json.decode(raw, type=dict[str, Any])
        if fields.get("crc32c") != _checksum(fields) or fields.get("number") != number:
            raise CorruptionError(f"{path} fails its checksum.", file=path)
        version = fields.get("format")
        if version == FORMAT:
            return msgspec.convert(fields, Manifest)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise CorruptionError(f"{path} is damaged: {error}.", file=path) from error
    raise other_format(path, version, FORMAT)


def readable_manifests(vfs: Vfs, directory: str) -> list[Manifest]:
    """All manifests that are whole, by number."""
    return [*newest_manifests(vfs, directory)][::-1]


def newest_manifests(vfs: Vfs, directory: str) -> Iterator[Manifest]:
    """The manifests that are whole, the newest first; each is read when it is asked for."""
    for number in reversed(manifest_numbers(vfs, directory)):
        try:
            yield read_manifest(vfs, directory, number)
        except CorruptionError:
            continue  # opening passes it over, ``check`` reports it


@dataclass(frozen=True, slots=True)
class Written:
    """A checkpoint that is durable: its manifest, and its sections as they are read from its files."""

    manifest: Manifest
    sections: dict[str, Section]


def write_checkpoint(
    vfs: Vfs,
    directory: str,
    sections: Iterable[Section],
    database: str,
    place: LogPlace,
    *,
    audit: str = "",
    log_bytes: int = 0,
    state_hash: Callable[[], str] = str,
    rest: Callable[[], None] = lambda: None,
) -> Written:
    """Write all sections that are not there yet, and then the manifest. ``rest`` is called between small steps."""
    number = (manifest_numbers(vfs, directory) or [0])[-1] + 1
    found: dict[str, Section] = {}
    changed: set[str] = set()
    for section in sections:
        written = _write_section(vfs, directory, section, changed, rest)
        found[written.name] = written
        rest()
    hashed = state_hash()
    for folder in sorted(changed):
        vfs.sync_directory(folder)
    files = [section.file for section in found.values() if section.file is not None]
    about = (place.time_us, place.transaction, log_bytes, audit, hashed)
    manifest = Manifest(FORMAT, number, database, place, files, 0, *about)
    manifest = msgspec.structs.replace(manifest, crc32c=_checksum(msgspec.to_builtins(manifest)))
    vfs.make_directory(f"{directory}/metadata")
    raw = msgspec.json.format(msgspec.json.encode(manifest), indent=1)
    vfs.write_atomically(f"{directory}/metadata/{manifest_name(number)}", raw)
    return Written(manifest, found)


def _write_section(vfs: Vfs, directory: str, section: Section, changed: set[str], rest: Callable[[], None]) -> Section:
    """The section as it is in its file, which is written if it is not there."""
    if section.file is not None and vfs.exists(f"{directory}/{section.file.path}"):
        return section
    encoded = EncodedSection(section, rest)
    path = f"{section.name}-{encoded.hash[:16]}.bin"
    folder = f"{directory}/{path.rpartition('/')[0]}"
    vfs.make_directory(folder)
    if not vfs.exists(f"{directory}/{path}"):
        vfs.write_parts(f"{directory}/{path}", encoded.blocks(), sync_directory=False)
    changed.add(folder)  # one that is there may be what a failure left: its name need not be durable
    about = section.metadata
    rows, low, high = (about.get(name) for name in ("rows", "min", "max"))
    file = DataFile(section.name, path, encoded.size, encoded.hash, rows or 0, low, high)
    written = _open_section(vfs, directory, file, cold_cache())
    assert isinstance(written.arrays, MappedArrays)
    written.arrays.trust()
    return written


def _open_section(vfs: Vfs, directory: str, file: DataFile, cold: ColdCache) -> Section:
    path = f"{directory}/{file.path}"
    data = _data(vfs, path, cold)
    if len(data) != file.size:
        raise CorruptionError(
            f"{path} has {len(data)} bytes, its manifest says {file.size}.", file=path, offset_bytes=len(data)
        )
    if isinstance(data, PackedBytes):
        return decode_section(data, path + PACKED)
    return decode_section(data, path, file, vfs.map_over)


def _data(vfs: Vfs, path: str, cold: ColdCache) -> Data:
    """The bytes of a data file, which may be compressed.

    Raises:
        CorruptionError: it is not there.
    """
    if vfs.exists(path):
        return vfs.map(path)
    packed = path + PACKED
    if not vfs.exists(packed):
        raise CorruptionError(f"{path} is missing.", file=path)
    return PackedBytes(vfs.map(packed), packed, cold)


def open_checkpoint(
    vfs: Vfs, directory: str, manifest: Manifest, cold: ColdCache | None = None
) -> Mapping[str, Section]:
    """The sections of a checkpoint, mapped. Sizes and headers are checked here, arrays when they are first used.

    Of compressed files only what is used is decompressed; ``cold`` keeps it for whoever reads it next.

    Raises:
        CorruptionError: a file is missing, cut off, or has a damaged header.
    """
    cold = cold or cold_cache()
    return {file.section: _open_section(vfs, directory, file, cold) for file in manifest.files}


def verify_checkpoint(vfs: Vfs, directory: str, manifest: Manifest) -> list[CorruptionError]:
    """Every file against its hash: what is wrong, file by file."""
    found: list[CorruptionError] = []
    for file in manifest.files:
        path = f"{directory}/{file.path}"
        try:
            data = _data(vfs, path, cold_cache(0))
            hashed = digest(data if isinstance(data, memoryview) else data[:])
        except CorruptionError as error:
            found.append(error)
            continue
        except StorageError:
            found.append(CorruptionError(f"{path} is missing.", file=path))
            continue
        if hashed.hex() != file.hash:
            found.append(CorruptionError(f"{path} is not what its manifest says.", file=path))
    return found


# --- what stays


def collect(vfs: Vfs, directory: str, keep: Collection[int]) -> None:
    """Remove all manifests but those of the numbers in ``keep``, and the data files that none of them names.

    Other files are not ours to remove. Whatever a crash leaves is collected the next time: manifests go first, and
    their directory is synced before a data file goes.
    """
    numbers = manifest_numbers(vfs, directory)
    for number in numbers:
        if number not in keep:
            vfs.remove(f"{directory}/metadata/{manifest_name(number)}")
    vfs.sync_directory(f"{directory}/metadata")
    try:
        kept = [read_manifest(vfs, directory, number) for number in numbers if number in keep]
    except CorruptionError:
        return  # what a damaged manifest names is not known: its files stay until it is the oldest and goes
    named = {file.path for manifest in kept for file in manifest.files}
    for folder in FOLDERS:
        for name in vfs.list(f"{directory}/{folder}"):
            if _DATA_FILE.fullmatch(name) and f"{folder}/{name.removesuffix(PACKED)}" not in named:
                vfs.remove(f"{directory}/{folder}/{name}")


def pack_cold(vfs: Vfs, directory: str, numbers: Sequence[int], rest: Callable[[], None] = lambda: None) -> int:
    """Compress the files that none of the newest ``KEPT`` of these checkpoints names; returns how many.

    The compressed file is durable before the other goes.
    """
    manifests = [read_manifest(vfs, directory, number) for number in sorted(numbers)]
    warm = {file.path for manifest in manifests[-KEPT:] for file in manifest.files}
    cold = {file.path for manifest in manifests[:-KEPT] for file in manifest.files} - warm
    count = 0
    for path in sorted(cold):
        whole = f"{directory}/{path}"
        if vfs.exists(whole):
            vfs.write_atomically(whole + PACKED, pack(vfs.map(whole), rest))
            vfs.remove(whole)
            count += 1
            rest()
    return count
