"""README keeps what it promises: the sample's questions, and no figure that nobody measured."""

import re

from doc_blocks import read_page
from doc_runner import ROOT

from memoradb.sample.queries import QUESTIONS

README = ROOT / "README.md"


def test_the_questions_are_those_of_the_sample() -> None:
    shown = [b.text for b in read_page(README).examples if b.language == "memql"]
    assert shown == [q.query for q in QUESTIONS]
    words = " ".join(README.read_text("utf-8").split())
    assert [q.title for q in QUESTIONS if q.title not in words] == []


def test_the_picture_is_there_and_drawn_by_a_script() -> None:
    assert (ROOT / "docs/images/asyncio-imports.svg").read_text("utf-8").startswith("<svg")
    assert "asyncio-imports.svg" in (ROOT / "docs/images/draw_imports.py").read_text("utf-8")


def test_figures_stand_in_the_results_of_benchmarks() -> None:
    """Every number between the marks occurs in a file of ``bench/results``."""
    found = re.search(r"<!-- figures: begin.*?-->(.*)<!-- figures: end -->", README.read_text("utf-8"), re.DOTALL)
    assert found is not None
    results = "\n".join(p.read_text("utf-8") for p in sorted((ROOT / "bench" / "results").rglob("*")) if p.is_file())
    known = set(re.findall(r"\d+(?:[.,]\d+)*", results))
    assert [n for n in re.findall(r"\d+(?:[.,]\d+)*", found[1]) if n not in known] == []
