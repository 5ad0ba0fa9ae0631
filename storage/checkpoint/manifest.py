"""Checkpoints: a manifest that names immutable data files, at a log position.

``metadata/snapshot-000001.json`` lists every file with size and hash, and the place in the log that the checkpoint
stands for. A file's name holds the hash of its content, so an unchanged section is the same file in the next
checkpoint. Data files are durable before the manifest is written, which happens atomically; the newest one that is
whole counts. Two are kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from memoradb.core.codec import crc32c, digest
from memoradb.core.errors import CorruptionError, ForeignDirectory

from ..log.reader import LogPlace
from ..section import Section
from ..vfs import Vfs
from .container import decode_section, encode_section

FORMAT = 1
KEPT = 2
FOLDERS = ("nodes", "edges", "vectors", "text")
"""Where data files are."""

_DATA_FILE = re.compile(r"[a-z]+(-\d+)?-[0-9a-f]{16}\.bin(\.tmp)?")
_MANIFEST = re.compile(r"snapshot-(\d{6,})\.json")


class DataFile(msgspec.Struct, frozen=True):
    """One immutable file; ``path`` is below the data directory."""

    section: str
    path: str
    size: int
    hash: str


class Manifest(msgspec.Struct, frozen=True):
    """A checkpoint; ``crc32c`` is of the manifest with zero in its place."""

    format: int
    number: int
    database: str
    place: LogPlace
    files: list[DataFile]
    crc32c: int = 0

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
        ForeignDirectory: a newer version wrote it.
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
    raise ForeignDirectory(
        f"{path} has format {version}; this version reads {FORMAT}.", hint="Open it with a newer MemoraDB."
    )


def write_checkpoint(vfs: Vfs, directory: str, sections: Iterable[Section], database: str, place: LogPlace) -> Manifest:
    """Write all sections that are not there yet, and the manifest; then remove what no kept manifest names."""
    number = (manifest_numbers(vfs, directory) or [0])[-1] + 1
    files: list[DataFile] = []
    changed: set[str] = set()
    for section in sections:
        data = encode_section(section)
        hashed = digest(data).hex()
        path = f"{section.name}-{hashed[:16]}.bin"
        folder = f"{directory}/{path.rpartition('/')[0]}"
        vfs.make_directory(folder)
        if not vfs.exists(f"{directory}/{path}"):
            vfs.write_atomically(f"{directory}/{path}", data, sync_directory=False)
            changed.add(folder)
        files.append(DataFile(section.name, path, len(data), hashed))
    for folder in sorted(changed):
        vfs.sync_directory(folder)
    manifest = Manifest(FORMAT, number, database, place, files)
    manifest = msgspec.structs.replace(manifest, crc32c=_checksum(msgspec.to_builtins(manifest)))
    vfs.make_directory(f"{directory}/metadata")
    raw = msgspec.json.format(msgspec.json.encode(manifest), indent=1)
    vfs.write_atomically(f"{directory}/metadata/{manifest_name(number)}", raw)
    _collect(vfs, directory)
    return manifest


def _collect(vfs: Vfs, directory: str) -> None:
    """Remove old manifests, and data files that none of the kept ones names; other files are not ours to remove."""
    numbers = manifest_numbers(vfs, directory)
    for number in numbers[:-KEPT]:
        vfs.remove(f"{directory}/metadata/{manifest_name(number)}")
    vfs.sync_directory(f"{directory}/metadata")
    try:
        kept = {file.path for number in numbers[-KEPT:] for file in read_manifest(vfs, directory, number).files}
    except CorruptionError:
        return  # what a damaged manifest names is not known: its files stay until it is the oldest and goes
    for folder in FOLDERS:
        for name in vfs.list(f"{directory}/{folder}"):
            if _DATA_FILE.fullmatch(name) and f"{folder}/{name}" not in kept:
                vfs.remove(f"{directory}/{folder}/{name}")


def open_checkpoint(vfs: Vfs, directory: str, manifest: Manifest) -> Mapping[str, Section]:
    """The sections of a checkpoint, mapped. Sizes and headers are checked here, arrays when they are first used.

    Raises:
        CorruptionError: a file is missing, cut off, or has a damaged header.
    """
    sections: dict[str, Section] = {}
    for file in manifest.files:
        path = f"{directory}/{file.path}"
        if not vfs.exists(path):
            raise CorruptionError(f"{path} is missing.", file=path)
        data = vfs.map(path)
        if len(data) != file.size:
            raise CorruptionError(
                f"{path} has {len(data)} bytes, its manifest says {file.size}.", file=path, offset_bytes=len(data)
            )
        sections[file.section] = decode_section(data, path)
    return sections


def verify_checkpoint(vfs: Vfs, directory: str, manifest: Manifest) -> list[CorruptionError]:
    """Every file against its hash: what is wrong, file by file."""
    found: list[CorruptionError] = []
    for file in manifest.files:
        path = f"{directory}/{file.path}"
        if not vfs.exists(path):
            found.append(CorruptionError(f"{path} is missing.", file=path))
        elif digest(vfs.map(path)).hex() != file.hash:
            found.append(CorruptionError(f"{path} is not what its manifest says.", file=path))
    return found
