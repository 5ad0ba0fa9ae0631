"""Links between our pages lead somewhere."""

import re
from pathlib import Path

import pytest
from doc_runner import ROOT

NAMES = ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md")
PAGES = [ROOT / name for name in NAMES] + sorted((ROOT / "docs").rglob("*.md"))
_LINK = re.compile(r"\[[^\]\[]*\]\((?P<target>[^)\s]+)\)")
_FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`[^`\n]*`")


def prose(path: Path) -> str:
    """The page without its code."""
    return _CODE.sub("", _FENCED.sub("", path.read_text("utf-8")))


def anchors(path: Path) -> set[str]:
    """The anchors of the page's headings, as forges make them."""
    text = _FENCED.sub("", path.read_text("utf-8"))
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", t.lower()).replace(" ", "-") for t in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_of_a_page_lead_somewhere(page: Path) -> None:
    for match in _LINK.finditer(prose(page)):
        target, _, anchor = match["target"].partition("#")
        if target.startswith(("http://", "https://")):
            continue
        there = (page.parent / target).resolve() if target else page
        assert there.exists(), f"{match['target']} leads nowhere"
        if anchor:
            assert anchor in anchors(there), f"{match['target']}: no such heading"


def test_every_page_of_the_docs_can_be_reached_from_the_index() -> None:
    index = ROOT / "docs" / "index.md"
    seen, waiting = {index}, [index]
    while waiting:
        page = waiting.pop()
        for match in _LINK.finditer(prose(page)):
            target = match["target"].partition("#")[0]
            there = (page.parent / target).resolve()
            if target.endswith(".md") and there.is_file() and there not in seen:
                seen.add(there)
                waiting.append(there)
    lost = set((ROOT / "docs").rglob("*.md")) - seen
    assert not lost, f"no link leads to {sorted(str(p.relative_to(ROOT)) for p in lost)}"
