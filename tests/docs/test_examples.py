"""Every example of README and docs runs, and prints what the page shows; ``--rewrite-golden`` shows it anew."""

import os
from collections import Counter
from pathlib import Path

import pytest
from doc_blocks import Block, Page, parse_page, read_page
from doc_reference import NOTE
from doc_rendering import agrees
from doc_runner import ROOT, ExampleError, PageRun

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
NOT_RUN_MAX = 10
"""Examples that may be left out; raise it only with a reason that a reader would accept."""


def page_names() -> list[str]:
    return [str(p.relative_to(ROOT)) for p in PAGES]


@pytest.mark.parametrize("name", page_names())
def test_the_examples_of_a_page_print_what_it_shows(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = read_page(ROOT / name)
    monkeypatch.chdir(tmp_path)
    failures: list[str] = []
    differences: list[str] = []
    edits: list[tuple[Block, str]] = []
    with PageRun(page, tmp_path) as run:
        for block in page.examples:
            if block.not_run is not None:
                continue
            where = f"{name}:{block.start + 1}"
            try:
                outcome = run.run(block)
            except ExampleError as error:
                failures.append(f"{where}: {error}")
                continue
            if not outcome.compared:
                continue
            if block.result is None:
                if not outcome.must_show:
                    continue
                differences.append(f"{where}: the result is not shown; it is\n{outcome.text}")
            elif agrees(block.result.text, outcome.text, outcome.ordered):
                continue
            else:
                shown = block.result.text
                differences.append(f"{where}: the page shows\n{shown}\nand the example prints\n{outcome.text}")
            edits.append((block, outcome.text))
    if os.environ.get("MEMORADB_REWRITE_GOLDEN") and NOTE not in page.lines:
        rewrite(page, edits)
        differences = []
    assert not failures + differences, "\n\n".join(failures + differences)


def rewrite(page: Page, edits: list[tuple[Block, str]]) -> None:
    """Put what the examples printed into the page."""
    lines = list(page.lines)
    for block, text in reversed(edits):
        body = text.rstrip().split("\n")
        if block.result is None:
            lines[block.end + 1 : block.end + 1] = ["", "```text", *body, "```"]
        else:
            lines[block.result.start + 1 : block.result.end] = body
    if edits:
        page.path.write_text("\n".join(lines), "utf-8")


def test_few_examples_are_left_out_and_each_says_why() -> None:
    left_out = [
        f"{page.path.relative_to(ROOT)}:{block.start + 1}: {block.not_run}"
        for page in map(read_page, PAGES)
        for block in page.examples
        if block.not_run is not None
    ]
    print("\n".join(left_out))
    assert len(left_out) <= NOT_RUN_MAX


def test_the_pages_hold_examples_of_every_kind() -> None:
    kinds = Counter(b.language for p in map(read_page, PAGES) for b in p.examples if b.not_run is None)
    print(dict(kinds))
    assert kinds["memql"] > 200 and kinds["python"] > 5 and kinds["bash"] > 12


# --- the runner itself -------------------------------------------------------


def run_page(text: str, directory: Path) -> list[str]:
    page = parse_page(text, Path("page.md"))
    with PageRun(page, directory) as run:
        return [run.run(block).text for block in page.examples]


def test_what_one_example_writes_the_next_one_sees(tmp_path: Path) -> None:
    text = "```memql\nCREATE (:A)\n```\n\n```memql\nMATCH (n) RETURN count(*) AS n\n```\n"
    assert run_page(text, tmp_path)[1] == "n\n-\n1"


def test_a_directive_begins_with_an_empty_database(tmp_path: Path) -> None:
    again = "<!-- database: empty -->\n\n```memql\nMATCH (n) RETURN count(*) AS n\n```\n"
    assert run_page("```memql\nCREATE (:A)\n```\n\n" + again, tmp_path)[1] == "n\n-\n0"


def test_parameters_are_given_as_in_the_shell(tmp_path: Path) -> None:
    assert run_page('```memql\n:param x [1, "a"]\nRETURN $x AS x\n```\n', tmp_path) == ["x\n" + "-" * 8 + "\n[1, 'a']"]


def test_an_example_that_fails_unannounced_is_reported(tmp_path: Path) -> None:
    with pytest.raises(ExampleError, match="the example fails"):
        run_page("```memql\nRETURN x\n```\n", tmp_path)


def test_an_example_that_should_fail_and_does_not_is_reported(tmp_path: Path) -> None:
    with pytest.raises(ExampleError, match="says that it fails"):
        run_page("```memql error\nRETURN 1\n```\n", tmp_path)


def test_a_result_that_differs_is_noticed() -> None:
    assert agrees("a\n-\n1", "a\n-\n1")
    assert not agrees("a\n-\n1", "a\n-\n2")
    assert not agrees("a\n-\n1\n2", "a\n-\n2\n1")
    assert agrees("a\n-\n1\n2", "a\n-\n2\n1", ordered=False)
    assert agrees("in ... ms", "in 0.3 ms") and not agrees("in ... ms", "in 0.3 s")


def test_a_fence_that_is_never_closed_is_an_error() -> None:
    with pytest.raises(ValueError, match="never closed"):
        parse_page("```memql\nRETURN 1", Path("page.md"))
