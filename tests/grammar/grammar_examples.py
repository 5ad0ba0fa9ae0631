"""The example files of the grammar: blocks between blank lines, a comment and a text each."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

EXAMPLES = Path(__file__).parents[2] / "grammar" / "examples"


@dataclass(frozen=True)
class Example:
    """``comment`` without its slashes; ``text`` as it would be sent."""

    file: str
    comment: str
    text: str


def examples(pattern: str) -> list[Example]:
    """Every block of the files that match; a block without a text is a heading."""
    found = []
    for path in sorted(EXAMPLES.glob(pattern)):
        for block in path.read_text("utf-8").split("\n\n"):
            lines = block.strip("\n").split("\n")
            comment = [line for line in lines if line.startswith("//")]
            text = "\n".join(line for line in lines if not line.startswith("//"))
            if text:
                found.append(Example(path.name, "\n".join(line[2:].strip() for line in comment), text))
    return found
