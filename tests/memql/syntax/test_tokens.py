"""Text to tokens: what each looks like, and where it stands."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memoradb.core.errors import MemoraDBError, MemQLSyntaxError
from memoradb.memql.syntax.parser import split_statements
from memoradb.memql.syntax.tokens import tokenize


def types(text: str) -> list[str]:
    return [token.type for token in tokenize(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("match Match MATCH", ["MATCH"] * 3),
        ("a `b c` _d für", ["IDENT"] * 4),
        ("1 0x1F 0o17 1_000 007", ["INT"] * 5),
        ("1.5 .5 1e9 1.5e-3 6.02E23", ["FLOAT"] * 5),
        ("'a' \"b\" 'it\\'s' ''", ["STRING"] * 4),
        ("$a $1 $`b c`", ["PARAM"] * 3),
        ("1..3", ["INT", "DOTDOT", "INT"]),
        ("a.b", ["IDENT", "DOT", "IDENT"]),
        ("a<-b", ["IDENT", "LT", "MINUS", "IDENT"]),
        ("a<=b<>c>=d=~e", ["IDENT", "LE", "IDENT", "NE", "IDENT", "GE", "IDENT", "REGEX", "IDENT"]),
        ("a||b|c", ["IDENT", "CONCAT", "IDENT", "BAR", "IDENT"]),
        ("a // b\nc /* d\n */ e", ["IDENT"] * 3),
        ("ascending DESCENDING", ["ASC", "DESC"]),
        ("a+=b::c", ["IDENT", "PLUSEQ", "IDENT", "DCOLON", "IDENT"]),
    ],
)
def test_what_a_token_is(text: str, expected: list[str]) -> None:
    assert types(text) == expected


@pytest.mark.parametrize("text", ["0x", "0xG", "1abc", "0o8", "1_", "12e", "0b11"])
def test_what_begins_as_a_number_ends_as_one(text: str) -> None:
    with pytest.raises(MemQLSyntaxError) as caught:
        tokenize(f"RETURN {text}")
    assert caught.value.detail == "InvalidNumberLiteral"


@given(st.text(max_size=30))
def test_tokens_are_their_texts_in_order_or_the_text_is_refused(text: str) -> None:
    try:
        tokens = tokenize(text)
    except MemoraDBError as error:
        refused = error
        tokens = []
    else:
        refused = None
    assert refused is None or refused.span is not None
    at = 0
    for token in tokens:
        assert at <= token.start_pos < token.end_pos
        assert text[token.start_pos : token.end_pos] == token.value
        at = token.end_pos


def test_a_script_is_cut_at_semicolons_outside_strings_and_comments() -> None:
    script = "RETURN ';' AS a; // one; two\nRETURN 2;\n\n;"
    assert split_statements(script) == ["RETURN ';' AS a", "// one; two\nRETURN 2"]
