"""Cutting a script into statements."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memoradb.cli.script import split_script


@pytest.mark.parametrize(
    ("text", "statements", "rest"),
    [
        ("", [], ""),
        (";;", [], ""),
        ("RETURN 1", [], "RETURN 1"),
        ("RETURN 1; RETURN 2;", ["RETURN 1", "RETURN 2"], ""),
        ("RETURN ';'; x", ["RETURN ';'"], "x"),
        ('RETURN "a\\";b"; x', ['RETURN "a\\";b"'], "x"),
        ("RETURN `a``;b`;", ["RETURN `a``;b`"], ""),
        ("RETURN 1 // not; here\n;", ["RETURN 1 // not; here"], ""),
        ("RETURN /* not; here */ 1;", ["RETURN /* not; here */ 1"], ""),
        ("RETURN 4 / 2;", ["RETURN 4 / 2"], ""),
        ("RETURN 'open; RETURN 2;", [], "RETURN 'open; RETURN 2;"),
        ("RETURN 1; /* open;", ["RETURN 1"], "/* open;"),
    ],
)
def test_semicolons_count_outside_quotes_and_comments(text: str, statements: list[str], rest: str) -> None:
    assert split_script(text) == (statements, rest)


@given(st.text(alphabet="ab;'\"`/*\\ \n"))
def test_any_text_is_cut_somehow_and_nothing_is_lost(text: str) -> None:
    statements, rest = split_script(text)
    kept = "".join(statements) + rest
    for letter in "ab":
        assert kept.count(letter) == text.count(letter)
