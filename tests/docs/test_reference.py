"""The pages made from declarations are up to date; ``--rewrite-golden`` makes them anew."""

import os
from pathlib import Path

import pytest
from doc_function_examples import EXAMPLES
from doc_reference import FAMILIES, family_of, functions, pages
from doc_runner import ROOT, steady_database

from memoradb.memql.notifications import NotificationKind

PAGES = pages()


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_page_says_what_the_code_declares(page: Path) -> None:
    made = PAGES[page]()
    if os.environ.get("MEMORADB_REWRITE_GOLDEN"):
        page.write_text(made, "utf-8")
    assert page.is_file() and page.read_text("utf-8") == made, "run pytest --rewrite-golden tests/docs"


def test_every_kind_of_notification_is_on_its_page() -> None:
    page = (ROOT / "docs/memql/notifications.md").read_text("utf-8")
    codes = {kind.value.code.rpartition(".")[2]: kind.value.gqlstatus for kind in NotificationKind}
    assert [c for c, status in codes.items() if f"| `{c}` | {status} |" not in page] == []


def test_every_function_has_a_page_and_an_example() -> None:
    known = list(functions(steady_database()))
    assert {family_of(f) for f, _ in known} == set(FAMILIES)
    assert {f.name for f, _ in known} - set(EXAMPLES) == set()
