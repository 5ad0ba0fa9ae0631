"""Errors: one table of faults, positions, carets, what protocols send."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from memoradb.core import errors
from memoradb.core.error_table import FAULTS, GQLSTATUS
from memoradb.core.errors import MemoraDBError, MemQLError, SemanticError, UndefinedVariable
from memoradb.core.spans import Position, Span, position_of, render_caret, shortened

ROOT = Path(__file__).parents[2]
PACKAGES = ("core", "memql", "memory", "storage", "server", "src/memoradb")
_RAISED = re.compile(r"an? (\w+) should be raised at (compile time|runtime): (\w+)")
KIT = ROOT.parent / "shared" / "tck" / "features"


def test_a_fault_stands_in_the_table_once() -> None:
    triples = [fault[:3] for fault in FAULTS]
    assert len(triples) == len(set(triples)) == len(GQLSTATUS)
    assert all(re.fullmatch(r"[0-9A-Z]{5}", fault.gqlstatus) for fault in FAULTS)


def test_every_detail_in_the_code_stands_in_the_table() -> None:
    known = {fault.detail for fault in FAULTS}
    missing = set()
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.keyword) and node.arg == "detail" and isinstance(node.value, ast.Constant):
                    if isinstance(node.value.value, str) and node.value.value not in known:
                        missing.add((str(path.relative_to(ROOT)), node.value.value))
    assert missing == set()


@pytest.mark.skipif(not KIT.exists(), reason="the openCypher kit is not beside this checkout")
def test_every_fault_of_the_kit_stands_in_the_table() -> None:
    wanted = set()
    for path in KIT.rglob("*.feature"):
        for found in re.finditer(
            r"an? (\w+) should be raised at (compile time|runtime): (\w+)", path.read_text("utf-8")
        ):
            wanted.add(found.groups())
    assert len(wanted) > 40
    assert wanted - set(GQLSTATUS) == set()


def test_every_class_has_codes() -> None:
    for name, kind in vars(errors).items():
        if isinstance(kind, type) and issubclass(kind, MemoraDBError):
            assert kind.code.startswith("Neo."), name
            assert re.fullmatch(r"[0-9A-Z]{5}", kind.gqlstatus), name


def test_the_table_gives_the_status_unless_the_error_names_one() -> None:
    assert SemanticError("x", detail="ColumnNameConflict").gqlstatus == "42N38"
    assert SemanticError("x", detail="ColumnNameConflict", gqlstatus="42N99").gqlstatus == "42N99"
    assert MemQLError("x").gqlstatus == MemQLError.gqlstatus


def test_an_error_reads_as_what_where_and_what_to_do() -> None:
    text = "MATCH (friend:Person) WHERE freind.age > 30"
    error = UndefinedVariable("Undefined variable `freind`.", span=Span(28, 34), hint="Did you mean `friend`?")
    assert str(error.located(text)).split("\n") == [
        "Undefined variable `freind`.",
        "  MATCH (friend:Person) WHERE freind.age > 30",
        "                              ^^^^^^",
        "Did you mean `friend`?  [Neo.ClientError.Statement.SyntaxError, 42N62]",
    ]
    assert error.to_dict()["position"] == {"offset": 28, "line": 1, "column": 29}


def test_an_error_is_located_once_in_the_innermost_text() -> None:
    error = SemanticError("x", span=Span(0, 1)).located("inner")
    error.located("outer text")
    assert "inner" in str(error)


@pytest.mark.parametrize(
    ("text", "offset", "expected"),
    [("abc", 2, (1, 3)), ("a\nbc", 2, (2, 1)), ("a\r\nbc", 4, (2, 2)), ("", 0, (1, 1)), ("a\n", 2, (2, 1))],
)
def test_a_position_counts_lines_and_columns_from_one(text: str, offset: int, expected: tuple[int, int]) -> None:
    found = position_of(text, offset)
    assert (found.line, found.column) == expected
    assert isinstance(found, Position)


def caret(text: str, start: int, end: int) -> list[str]:
    return render_caret(text, Span(start, end)).split("\n")


def test_a_caret_stands_under_its_span_whatever_stands_before() -> None:
    assert caret("RETURN x", 7, 8)[1].index("^") == 9
    assert caret("\tRETURN x", 8, 9) == ["   RETURN x", "          ^"]
    assert caret("'日本' x", 5, 6) == ["  '日本' x", "         ^"]
    assert caret("'e\u0301' x", 5, 6) == ["  'e\u0301' x", "      ^"]
    assert caret("one\ntwo three\nfour", 8, 13) == ["  two three", "      ^^^^^"]
    assert caret("ab\ncd", 0, 5)[1] == "  ^^"  # a span over lines: its first line
    assert caret("RETURN", 6, 6)[1] == "        ^"  # behind the end


def test_a_long_line_is_cut_around_its_span() -> None:
    shown, under = caret("x" * 500 + "HERE" + "y" * 500, 500, 504)
    assert len(shown) < 120
    assert shown.startswith("  ...") and shown.endswith("...")
    assert shown[under.index("^") : under.rindex("^") + 1] == "HERE"


def test_what_cannot_be_shown_is_replaced() -> None:
    shown, under = caret("a\x1b[31m\ud800 x", 8, 9)
    shown.encode()
    assert "\x1b" not in shown
    assert shown[under.index("^")] == "x"
    assert shortened("a\nb\x00c") == "a\ufffdb\ufffdc" or shortened("a\nb\x00c") == "a b\ufffdc"
    assert len(shortened("x" * 1000)) == 40
