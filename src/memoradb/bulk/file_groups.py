"""Which files belong together: what a caller may write, and what an exported directory holds."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any, Final

from memoradb.core.errors import ArgumentError, ConfigurationError

FileGroups = Mapping[str, Any] | Sequence[Any] | str | os.PathLike[str] | None
"""Files: one; or several groups of one; or, by label or type, the files of a group."""

NODES: Final = "nodes-"
RELATIONSHIPS: Final = "relationships-"
"""What the names of an exported directory's files begin with."""


def file_groups(given: FileGroups) -> list[tuple[tuple[str, ...], list[str]]]:
    """(labels or type, files) of each group.

    Raises:
        ConfigurationError: no path, and nothing that holds paths.

    >>> file_groups({"Person:Actor": ["a.csv", "b.csv"]}), file_groups(["c.csv", "d.csv"])
    ([(('Person', 'Actor'), ['a.csv', 'b.csv'])], [((), ['c.csv']), ((), ['d.csv'])])
    """
    if given is None:
        return []
    if isinstance(given, (str, os.PathLike)):
        return [((), [os.fspath(given)])]
    if isinstance(given, Mapping):
        return [(tuple(part for part in names.split(":") if part), paths_of(files)) for names, files in given.items()]
    groups: list[tuple[tuple[str, ...], list[str]]] = []
    for item in given:
        if isinstance(item, (str, os.PathLike, Mapping)):
            groups.extend(file_groups(item))
        else:
            groups.append(((), paths_of(item)))
    return groups


def paths_of(given: object) -> list[str]:
    """One path or several as texts; ConfigurationError for anything else, and for none."""
    if isinstance(given, (str, os.PathLike)):
        return [os.fspath(given)]
    if isinstance(given, Sequence) and given and all(isinstance(p, (str, os.PathLike)) for p in given):
        return [os.fspath(path) for path in given]
    raise ConfigurationError(f"Files are given as a path or a list of paths, not as {given!r}.")


def groups_in(
    directory: str | os.PathLike[str], endings: Sequence[str], nodes: FileGroups, relationships: FileGroups
) -> tuple[list[str], list[str]]:
    """The files of nodes and of relationships in a directory that an export wrote.

    Raises:
        ArgumentError: no such directory, or nothing in it.
        ConfigurationError: files are given, too.
    """
    if nodes is not None or relationships is not None:
        raise ConfigurationError("Give a directory, or files of nodes and relationships, not both.")
    place = os.fspath(directory)
    try:
        names = sorted(name for name in os.listdir(place) if name.endswith(tuple(endings)))
    except OSError as error:
        raise ArgumentError(f"{place} is not a directory that can be read: {error}.") from error
    found = [[os.path.join(place, n) for n in names if n.startswith(kind)] for kind in (NODES, RELATIONSHIPS)]
    if not any(found):
        raise ArgumentError(
            f"{place} holds no files {NODES}* or {RELATIONSHIPS}* that end in {' or '.join(endings)}.",
            hint="That is how an export calls them; give files of other names as `nodes` and `relationships`.",
        )
    return found[0], found[1]
