"""The fingerprint means what its text means, ignores what does not matter, and leads spans back."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import memoradb
from memoradb.core.errors import MemoraDBError
from memoradb.core.spans import Span
from memoradb.memql.syntax.fingerprint import PREFIX, fingerprint, in_text
from memoradb.memql.syntax.tokens import Token, tokenize

sys.path.insert(0, str(Path(__file__).parents[2] / "kit"))
from kit_queries import kit_queries  # pyright: ignore[reportMissingImports]


@pytest.mark.parametrize(
    ("text", "lifted"),
    [
        ("MATCH (n {id: 7}) RETURN n", {"  0i": 7}),
        ("MATCH (n) WHERE n.x = 'a' AND n.y >= 1.5 RETURN n", {"  0s": "a", "  1f": 1.5}),
        ("MATCH (n) WHERE n.x STARTS  WITH 'a' RETURN n", {"  0s": "a"}),
        ("MATCH (n) SET n.x = -3", {"  0i": -3}),
        ("CREATE (n:A {k: 'it is'})", {"  0s": "it is"}),
        ("MERGE (n {k: 1}) ON CREATE SET n.x = 2 ON MATCH SET n.y = 3", {"  0i": 1, "  1i": 2, "  2i": 3}),
    ],
)
def test_literals_in_a_values_place_are_lifted(text: str, lifted: dict[str, object]) -> None:
    assert fingerprint(text).parameters == lifted


@pytest.mark.parametrize(
    "text",
    [
        "RETURN 1, 'a', n.x = 2",
        "MATCH (n) RETURN n SKIP 1 LIMIT 2",
        "MATCH (a)-[:T*1..3]->(b) RETURN b",
        "CALL db.index.fulltext.queryNodes('i', 'x')",
        "MATCH (n) RETURN n.set = 5, n.match = 'x', n.where <> 1",
        "MATCH (n) RETURN CASE WHEN n.x = 1 THEN 2 END",
        "MATCH (n) WHERE n.x = 0x1F RETURN n",
        "MATCH (n) WHERE n.x = 9223372036854775808 RETURN n",
        "MATCH (n) WHERE n.x = 'a\\'b' RETURN n",
        "CREATE VECTOR INDEX i FOR (n:A) ON (n.e) OPTIONS {indexConfig: {`vector.dimensions`: 3}}",
    ],
)
def test_literals_that_decide_or_name_something_stay(text: str) -> None:
    assert fingerprint(text).parameters == {}


@pytest.mark.parametrize(
    "other",
    [
        "  MATCH (n:A {x: 1})\n  WHERE n.y = 2\n  RETURN n.z AS z\n  ORDER BY z\n",
        "MATCH (n:A {x:1}) /* all */ WHERE n.y=2 // here\nRETURN n.z AS z ORDER BY z",
        "MATCH (n:A { x : 7 } ) WHERE n.y  =  8 RETURN   n.z AS z ORDER    BY z",
    ],
)
def test_white_space_comments_and_literals_do_not_miss_the_cache(other: str) -> None:
    assert fingerprint(other).key == fingerprint("MATCH (n:A {x: 1}) WHERE n.y = 2 RETURN n.z AS z ORDER BY z").key


def test_white_space_inside_an_item_is_its_name_and_stays() -> None:
    key = fingerprint("MATCH (n)  RETURN   count( * ) ,  n.x   +   1  AS  y").key
    assert "count( * )" in key
    assert "n.x   +   1" in key
    with memoradb.open(None) as db:
        assert db.execute("UNWIND [1]  AS  x  RETURN   count( * ) ,  x   +   1").columns == ("count( * )", "x   +   1")


def test_types_of_literals_are_part_of_the_key() -> None:
    keys = {fingerprint(f"MATCH (n {{x: {v}}}) RETURN n").key for v in ("1", "1.0", "'1'")}
    assert len(keys) == 3


def test_comments_and_strings_are_told_apart() -> None:
    text = "MATCH (n) WHERE n.url = 'http://x' AND n.y = '/* no */' RETURN n // n.z = 3"
    assert fingerprint(text).parameters == {"  0s": "http://x", "  1s": "/* no */"}


def lifted(token: Token) -> bool:
    return token.type == "PARAM" and token.value.startswith(f"$`{PREFIX}")


def check_places(text: str) -> None:
    """Every token of the key stands in the text where ``in_text`` says."""
    key = fingerprint(text).key
    for token in tokenize(key):
        span = in_text(text, Span(token.start_pos, token.end_pos))
        found = text[span.start : span.end]
        if lifted(token):
            assert found.strip()[0] in "'\"-0123456789"
        else:
            assert found.strip() == token.value


def test_spans_lead_back_into_the_text_as_written() -> None:
    check_places(
        "  // one\nMATCH   (n {x:   1,y:'a'})  /* c */ WHERE n.z  =  'b'  RETURN  n.x  +  1 AS y ,  count( * )\n"
    )


@pytest.mark.skipif(not kit_queries(), reason="the openCypher kit is not beside this checkout")
def test_spans_lead_back_in_every_query_of_the_kit() -> None:
    for query in kit_queries()[::9]:
        try:
            tokenize(query.text)
        except MemoraDBError:
            continue
        check_places(query.text)


@pytest.mark.skipif(not kit_queries(), reason="the openCypher kit is not beside this checkout")
def test_a_key_has_the_tokens_of_its_text() -> None:
    for query in kit_queries():
        try:
            tokens = [t.value for t in tokenize(query.text)]
        except MemoraDBError:
            continue
        made = fingerprint(query.text)
        values = iter(made.parameters.values())
        rebuilt: list[str] = []
        for token in tokenize(made.key):
            if lifted(token):
                value = next(values)
                rebuilt += ["-"] * (not isinstance(value, str) and value < 0)  # pyright: ignore[reportOperatorIssue]
                rebuilt.append("?")
            else:
                rebuilt.append(token.value)
        assert len(rebuilt) == len(tokens), query.text
        assert all(a in ("?", b) for a, b in zip(rebuilt, tokens, strict=True)), query.text


@given(st.text(st.sampled_from("aMATCHwhere'\"`{}()[]:,=<> \n/*1-.$n"), max_size=40))
def test_any_text_has_a_fingerprint_and_places(text: str) -> None:
    key = fingerprint(text).key
    span = in_text(text, Span(0, len(key)))
    assert 0 <= span.start <= span.end <= len(text)


def test_another_literal_or_layout_is_not_parsed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    with memoradb.open(None) as db:
        db.execute("MATCH (n {x: 1}) WHERE n.y > 2 RETURN n")
        from memoradb.memql.syntax import parser

        def parse(text: str) -> None:
            raise AssertionError(f"parsed: {text}")

        monkeypatch.setattr(parser, "parse", parse)
        db.execute("MATCH (n {x: 7}) WHERE n.y > 8 RETURN n")
        db.execute("MATCH (n {x: 7})  // other\n  WHERE n.y > 8\n  RETURN n\n")


def test_an_error_points_into_its_own_text_though_the_plan_is_shared() -> None:
    with memoradb.open(None) as db:
        db.execute("CREATE (:A {x: 5})")
        for text in (
            "MATCH (n:A) WHERE n.x = 5 AND n.x / 0 > 1 RETURN n",
            "MATCH (n:A)\n\n WHERE n.x=5 AND n.x /0>1 RETURN n",
        ):
            with pytest.raises(MemoraDBError) as caught:
                db.execute(text)
            position = caught.value.position
            assert position is not None
            assert text[position.offset :].startswith("n.x /")
