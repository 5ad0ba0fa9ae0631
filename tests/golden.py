"""Golden files: what the system says, written down and reviewed like code.

A file holds many cases. A case begins with its kind and options on a line, after an empty line or a comment::

    # Not through Sort: the first three of a sorted list are not the first three.
    explain  expect-not=push_limit_down
    MATCH (n:Person) RETURN n.name ORDER BY n.name LIMIT 3
    ----
    Top  3 by n.name
      ...

Comment lines right above belong to it; its text goes to the line of dashes, the expected answer to the next case.
``check`` runs every case of a file and compares; ``pytest --rewrite-golden`` writes the answers instead.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

DIRECTORY = Path(__file__).parent / "golden"
_HEAD = re.compile(r"[a-z]+(\s+[\w-]+=\S+)*")


@dataclass(frozen=True)
class Case:
    """``kind`` and ``options`` say what to do with ``text``; ``expected`` is what it answered when last written."""

    comment: str
    head: str
    text: str
    expected: str
    line: int

    @property
    def kind(self) -> str:
        """The first word of the head."""
        return self.head.split()[0]

    @property
    def options(self) -> dict[str, str]:
        """``key=value`` of the head."""
        return dict(word.split("=", 1) for word in self.head.split()[1:])

    def answered(self, answer: str) -> str:
        """The case as the file holds it, with this answer."""
        parts = [self.comment, self.head, self.text, "----", answer]
        return "".join(f"{part}\n" for i, part in enumerate(parts) if part or i == 2)


@dataclass(frozen=True)
class GoldenFile:
    """A file in its parts; ``title`` stands before the first case."""

    title: str
    cases: tuple[Case, ...]

    @classmethod
    def read(cls, path: Path) -> GoldenFile:
        """Read and cut."""
        lines = path.read_text("utf-8").split("\n")
        heads = [i for i, line in enumerate(lines) if _HEAD.fullmatch(line) and _may_begin(lines, i)]
        firsts = []
        for head in heads:
            first = head
            while first and lines[first - 1].startswith("#"):
                first -= 1
            firsts.append(first)
        cases = []
        for head, first, end in zip(heads, firsts, [*firsts[1:], len(lines)], strict=True):
            block = lines[head + 1 : end]
            dashes = block.index("----")
            text, expected = "\n".join(block[:dashes]), "\n".join(block[dashes + 1 :]).rstrip()
            cases.append(Case("\n".join(lines[first:head]), lines[head], text, expected, head + 1))
        return cls("\n".join(lines[: firsts[0]]).rstrip(), tuple(cases))

    def answered(self, answers: Sequence[str]) -> str:
        """The text of the file with these answers."""
        title = f"{self.title}\n\n" if self.title else ""
        return title + "\n".join(c.answered(a) for c, a in zip(self.cases, answers, strict=True))


def _may_begin(lines: list[str], i: int) -> bool:
    return i == 0 or not lines[i - 1] or lines[i - 1].startswith("#")


def check(path: Path, answer: Callable[[Case], str]) -> None:
    """Every case of ``path`` answers what the file says; with the flag the file is made to say what they answer."""
    golden = GoldenFile.read(path)
    assert golden.cases, f"{path} holds no case"
    answers = ["\n".join(map(str.rstrip, answer(case).rstrip().split("\n"))) for case in golden.cases]
    if os.environ.get("MEMORADB_REWRITE_GOLDEN"):
        path.write_text(golden.answered(answers), "utf-8")
        return
    wrong = []
    for case, found in zip(golden.cases, answers, strict=True):
        if found != case.expected:
            diff = difflib.unified_diff(case.expected.split("\n"), found.split("\n"), lineterm="", n=99)
            wrong.append(f"{path.name}:{case.line}: {case.text}\n" + "\n".join(list(diff)[3:]))
    assert not wrong, "\n\n".join([*wrong, "Is this meant? Run pytest --rewrite-golden and read the diff."])
