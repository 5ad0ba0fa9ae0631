"""Checkpoints: a manifest that names immutable data files, at a log position.

``metadata/snapshot-000001.json`` lists every file with size and hash. A file's name holds the hash of its content, so
an unchanged section is the same file in the next checkpoint. The manifest is written last and atomically;
the newest one that is whole counts. Two are kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from memoradb.core.codec import digest
from memoradb.core.errors import CorruptionError, ForeignDirectory

from ..section import Section
from ..vfs import Vfs
from .container import decode_section, encode_section

FORMAT = 1
KEPT = 2


class DataFile(msgspec.Struct, frozen=True):
    """One immutable file; ``path`` is below the data directory."""

    section: str
    path: str
    size: int
    hash: str


class Manifest(msgspec.Struct, frozen=True):
    """A checkpoint."""

    format: int
    number: int
    database: str
    position: int
    transaction: int
    last_crc: int
    files: list[DataFile]


def manifest_name(number: int) -> str:
    """``snapshot-000001.json``."""
    return f"snapshot-{number:06d}.json"


def manifest_numbers(vfs: Vfs, directory: str) -> list[int]:
    """The numbers of all manifests, ascending."""
    found = []
    for name in vfs.list(f"{directory}/metadata"):
        if name.startswith("snapshot-") and name.endswith(".json") and name[9:-5].isdigit():
            found.append(int(name[9:-5]))
    return sorted(found)


def read_manifest(vfs: Vfs, directory: str, number: int) -> Manifest:
    """One manifest; CorruptionError or ForeignDirectory where it cannot be read."""
    path = f"{directory}/metadata/{manifest_name(number)}"
    try:
        manifest = msgspec.json.decode(vfs.read(path), type=Manifest)
    except msgspec.MsgspecError as error:
        raise CorruptionError(f"{path} is damaged: {error}.", file=path) from error
    if manifest.format != FORMAT:
        raise ForeignDirectory(f"{path} has format {manifest.format}; this version reads {FORMAT}.")
    return manifest


def write_checkpoint(
    vfs: Vfs, directory: str, sections: Iterable[Section], database: str, position: int, transaction: int, last_crc: int
) -> Manifest:
    """Write all sections and the manifest; then remove what no kept manifest names."""
    numbers = manifest_numbers(vfs, directory)
    number = numbers[-1] + 1 if numbers else 1
    files: list[DataFile] = []
    for section in sections:
        data = encode_section(section)
        hashed = digest(data).hex()
        path = f"{section.name}-{hashed[:16]}.bin"
        vfs.make_directory(f"{directory}/{path.rpartition('/')[0]}")
        if not vfs.exists(f"{directory}/{path}"):
            vfs.write_atomically(f"{directory}/{path}", data)
        files.append(DataFile(section.name, path, len(data), hashed))
    manifest = Manifest(FORMAT, number, database, position, transaction, last_crc, files)
    vfs.make_directory(f"{directory}/metadata")
    raw = msgspec.json.format(msgspec.json.encode(manifest), indent=1)
    vfs.write_atomically(f"{directory}/metadata/{manifest_name(number)}", raw)
    _collect(vfs, directory)
    return manifest


def _collect(vfs: Vfs, directory: str) -> None:
    numbers = manifest_numbers(vfs, directory)
    for number in numbers[:-KEPT]:
        vfs.remove(f"{directory}/metadata/{manifest_name(number)}")
    kept = {f.path for n in numbers[-KEPT:] for f in read_manifest(vfs, directory, n).files}
    for folder in ("nodes", "edges", "vectors", "text"):
        for name in vfs.list(f"{directory}/{folder}"):
            if f"{folder}/{name}" not in kept:
                vfs.remove(f"{directory}/{folder}/{name}")


def open_checkpoint(vfs: Vfs, directory: str, manifest: Manifest, verify: bool = False) -> Mapping[str, Section]:
    """The sections of a checkpoint, mapped. Sizes are always checked, hashes where ``verify``."""
    sections: dict[str, Section] = {}
    for file in manifest.files:
        path = f"{directory}/{file.path}"
        if not vfs.exists(path):
            raise CorruptionError(f"{path} is missing.", file=path)
        data = vfs.map(path)
        if len(data) != file.size or (verify and digest(data).hex() != file.hash):
            raise CorruptionError(f"{path} is not what its manifest says.", file=path)
        sections[file.section] = decode_section(data, path)
    return sections
