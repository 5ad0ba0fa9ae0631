"""Markdown as its fenced blocks and the comments that steer them; just enough of Markdown for our own pages."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

RUNNABLE = frozenset(("memql", "python", "bash"))
"""Languages whose blocks are examples; every other block is either a result or a picture of something."""

RESULTS = frozenset(("text", "json"))

_FENCE = re.compile(r"^```(?P<info>.*)$")
_COMMENT = re.compile(r"^<!-- (?P<word>database|not run): (?P<rest>.+) -->$")


@dataclass(slots=True)
class Block:
    """A fenced block: ``start`` and ``end`` are the line numbers (from 0) of its fences."""

    language: str
    flags: frozenset[str]
    text: str
    start: int
    end: int
    not_run: str | None = None
    database: str | None = None
    result: Block | None = None


@dataclass(slots=True)
class Page:
    """A page: its lines, and its examples in order."""

    path: Path
    lines: list[str]
    examples: list[Block] = field(default_factory=list)


def read_page(path: Path) -> Page:
    """The page at ``path``.

    Raises:
        ValueError: a fence that is never closed.
    """
    return parse_page(path.read_text("utf-8"), path)


def parse_page(text: str, path: Path) -> Page:
    """The examples in ``text``, each with the block that shows its result, if one follows at once."""
    lines = text.split("\n")
    page = Page(path, lines)
    blocks: list[Block] = []
    not_run: str | None = None
    database: str | None = None
    i = 0
    while i < len(lines):
        comment = _COMMENT.match(lines[i])
        fence = _FENCE.match(lines[i])
        if comment and comment["word"] == "not run":
            not_run = comment["rest"]
        elif comment:
            database = comment["rest"]
        elif fence:
            end = i + 1
            while end < len(lines) and lines[end] != "```":
                end += 1
            if end == len(lines):
                raise ValueError(f"{path}:{i + 1}: a fence is never closed")
            words = fence["info"].split()
            body = "\n".join(lines[i + 1 : end])
            block = Block(words[0] if words else "", frozenset(words[1:]), body, i, end)
            if block.language in RUNNABLE:
                block.not_run, block.database = not_run, database
                not_run = database = None
            blocks.append(block)
            i = end
        i += 1
    for i, block in enumerate(blocks):
        if block.language not in RUNNABLE:
            continue
        following = blocks[i + 1] if i + 1 < len(blocks) else None
        if following is not None and following.language in RESULTS:
            if not any(line.strip() for line in lines[block.end + 1 : following.start]):
                block.result = following
        page.examples.append(block)
    return page
