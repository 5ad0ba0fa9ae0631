"""Every file carries the version of its format."""

from __future__ import annotations

from typing import Any

from memoradb.core.errors import ForeignDirectory


def other_format(path: str, found: Any, known: int) -> ForeignDirectory:
    """What is said of a file that another version of MemoraDB wrote."""
    return ForeignDirectory(
        f"{path} has format {found}; this version of MemoraDB reads {known}.",
        hint="Open it with the version that wrote it.",
    )
