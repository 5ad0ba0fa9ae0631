"""What ARCHITECTURE.md and CONTRIBUTING.md name exists, and ARCHITECTURE.md leaves no package out."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = ("ARCHITECTURE.md", "CONTRIBUTING.md")
CONFIG = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]

_PLACE = re.compile(r"`([\w.<>-]+/[\w./<>-]*|[\w.-]+\.(?:py|md|toml|txt))`")
"""Something between backticks that has a slash, or is a file's name."""


def places(page: str) -> list[str]:
    """The files and folders that a page names. With ``<...>`` in it a name is a pattern, not a place."""
    found = _PLACE.findall((ROOT / page).read_text("utf-8"))
    return sorted({p for p in found if "<" not in p})


@pytest.mark.parametrize("page", PAGES)
def test_every_file_that_is_named_exists(page: str) -> None:
    named = places(page)
    assert len(named) > 20
    missing = [p for p in named if not any((base / p).exists() for base in (ROOT, ROOT / "src/memoradb"))]
    assert missing == []


def test_the_picture_of_the_layers_is_the_one_that_is_enforced() -> None:
    contract = next(c for c in CONFIG["importlinter"]["contracts"] if c["type"] == "layers")
    enforced = [layer for layer in contract["layers"] if layer != "__main__"]
    picture = (ROOT / "ARCHITECTURE.md").read_text("utf-8").split("```text\n")[1].split("```")[0]
    drawn = [line.strip().split("  ")[0] for line in picture.split("\n") if line.strip() not in ("", "|")]
    assert drawn == enforced


def test_every_package_has_its_paragraph() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text("utf-8")
    folders = sorted(p.name for p in ROOT.iterdir() if (p / "__init__.py").is_file() and p.name not in ("tests",))
    assert [f for f in folders if f"**{f}/**" not in text] == []


def test_every_stage_of_the_compiler_is_on_the_way_of_a_query() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text("utf-8").split("## Life of a query")[1].split("## Life of a write")[0]
    assert [s for s in ("syntax", "bind", "plan", "rewrite", "optimize", "exec") if f"`memql/{s}/" not in text] == []
