"""Any text gets a result or an error with a place; never a traceback, a hang or a recursion failure."""

from __future__ import annotations

import datetime
import decimal
import enum
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import memoradb
from memoradb.core.errors import (
    ArithmeticOverflow,
    LimitError,
    MemoraDBError,
    MemQLError,
    MemQLSyntaxError,
    QueryTooComplex,
    TypeMismatch,
)
from memoradb.core.limits import PARAMETERS_MAX, QUERY_TEXT_MAX, TOKENS_MAX
from memoradb.memql.parameters import normalise_parameters


@pytest.fixture(scope="module")
def database() -> Iterator[memoradb.Database]:
    db = memoradb.open(None)
    db.execute("CREATE (:Person {name: 'Ada'})-[:KNOWS]->(:Person {name: 'Bo'})")
    yield db
    db.close()


def refused(database: memoradb.Database, text: Any, parameters: dict[str, Any] | None = None) -> MemoraDBError:
    with pytest.raises(MemoraDBError) as caught:
        database.execute(text, parameters)
    str(caught.value).encode()  # what it says can be shown and sent
    return caught.value


def outcome(database: memoradb.Database, text: str) -> MemoraDBError | None:
    """The error of a statement, None where it runs; nothing of it stays."""
    transaction = database.begin()
    try:
        transaction.execute(text)
    except MemoraDBError as error:
        return error
    finally:
        transaction.rollback()
    return None


# --- nesting and length

DEEP = {
    "parentheses": ("RETURN ", "(", "1", ")"),
    "lists": ("RETURN ", "[", "1", "]"),
    "maps": ("RETURN ", "{a: ", "1", "}"),
    "CASE": ("RETURN ", "CASE WHEN true THEN ", "1", " END"),
    "CASE in parentheses": ("RETURN ", "(CASE 1 WHEN 1 THEN ", "1", " END)"),
    "NOT": ("RETURN ", "NOT ", "true", ""),
    "minus": ("RETURN ", "-", "1", ""),
    "minus before a variable": ("WITH 1 AS x RETURN ", "- ", "x", ""),
    "subqueries": ("RETURN ", "EXISTS { MATCH (n) WHERE ", "true", " }"),
    "CALL": ("", "CALL { ", "RETURN 1 AS x", " } RETURN 1 AS x"),
    "functions": ("RETURN ", "abs(", "1", ")"),
    "comprehensions": ("RETURN ", "[x IN ", "[1]", " | x]"),
    "pattern comprehensions": ("MATCH (a) RETURN ", "[(a)-->(b) | ", "1", "]"),
    "labels": ("MATCH (n:", "(", "A", ")"),
    "negated labels": ("MATCH (n:", "!", "A", ") RETURN n"),
    "indexes": ("WITH [1] AS a RETURN ", "a[", "0", "]"),
    "paths": ("MATCH ", "(", "(a)-->(b)", ")"),
    "foreach": ("", "FOREACH (x IN [1] | ", "CREATE (:A)", ")"),
}


@pytest.mark.parametrize("shape", DEEP)
def test_ten_thousand_levels_are_refused_with_a_place(database: memoradb.Database, shape: str) -> None:
    lead, opening, middle, closing = DEEP[shape]
    error = refused(database, lead + opening * 10_000 + middle + closing * 10_000)
    assert isinstance(error, (QueryTooComplex, MemQLSyntaxError))
    assert error.position is not None


@pytest.mark.parametrize("shape", DEEP)
def test_ten_levels_are_no_matter_of_depth(database: memoradb.Database, shape: str) -> None:
    lead, opening, middle, closing = DEEP[shape]
    found = outcome(database, lead + opening * 10 + middle + closing * 10)
    assert not isinstance(found, QueryTooComplex)


CHAINS = {
    "+": "RETURN " + " + ".join("1" * 3_000),
    "properties": "WITH {a: 1} AS a RETURN a" + ".b" * 3_000,
    "indexes": "WITH [1] AS a RETURN a" + "[0]" * 3_000,
    "comparisons": "RETURN " + " < ".join("1" * 3_000),
    "IS NULL": "RETURN 1" + " IS NULL" * 3_000,
    "WITH": "WITH 1 AS x " * 3_000 + "RETURN x",
    "MATCH": "MATCH (n) " * 3_000 + "RETURN n",
    "UNION": " UNION ".join(["RETURN 1 AS x"] * 3_000),
    "CREATE": "CREATE ()-[:T]->() " * 3_000,
    "labels": "MATCH (n" + ":A" * 3_000 + ") RETURN n",
    "path": "MATCH (n)" + "-->()" * 10_000 + " RETURN n",
    "created path": "CREATE (n)" + "-[:T]->()" * 10_000,
    "patterns": "MATCH " + ", ".join(["(n)-->()"] * 3_000) + " RETURN n",
    "parameters": "RETURN [" + ", ".join(f"$p{i}" for i in range(3_000)) + "]",
    "columns": "RETURN " + ", ".join(f"{i} AS c{i}" for i in range(3_000)),
    "a list": "RETURN [" + ", ".join(map(str, range(50_000))) + "]",
    "WHEN": "RETURN CASE 1 " + "WHEN 2 THEN 3 " * 3_000 + "END",
}


@pytest.mark.parametrize("chain", CHAINS)
def test_a_long_chain_runs_or_is_refused_with_a_place(database: memoradb.Database, chain: str) -> None:
    found = outcome(database, CHAINS[chain])
    if found is not None:
        assert isinstance(found, (QueryTooComplex, MemQLError)), found
        assert found.position is not None


def test_a_chain_of_or_as_programs_write_it_runs(database: memoradb.Database) -> None:
    terms = " OR ".join(f"n.name = 'name {i}'" for i in range(2_000))
    assert database.execute(f"MATCH (n:Person) WHERE {terms} OR n.name = 'Ada' RETURN n.name").value() == "Ada"


def test_ten_megabytes_of_text_are_refused_at_once(database: memoradb.Database) -> None:
    error = refused(database, "RETURN '" + "x" * 10_000_000 + "'")
    assert isinstance(error, QueryTooComplex)
    assert error.limit == "QUERY_TEXT_MAX"
    assert "parameter" in (error.hint or "")


def test_a_text_of_the_greatest_length_is_read(database: memoradb.Database) -> None:
    text = "RETURN size('" + "x" * (QUERY_TEXT_MAX - 20) + "') AS n"
    assert database.execute(text).value() == QUERY_TEXT_MAX - 20


def test_too_many_tokens_are_refused(database: memoradb.Database) -> None:
    error = refused(database, "RETURN [" + "1," * TOKENS_MAX + "1]")
    assert isinstance(error, QueryTooComplex)


def test_a_very_long_name_is_no_long_message(database: memoradb.Database) -> None:
    assert len(str(refused(database, "MATCH (n) " + "x" * 100_000 + " RETURN n"))) < 1_000
    assert len(str(refused(database, "RETURN " + "9" * 3_000))) < 4_000
    assert len(str(refused(database, "RETURN " + "9" * 5_000))) < 1_000


# --- characters


@pytest.mark.parametrize("data", [b"RETURN '\xff'", b"\xfe\xff", b"MATCH (n) RETURN n\x80", b"RETURN '\xed\xa0\x80'"])
def test_bytes_that_are_not_utf_8_are_refused_with_their_place(database: memoradb.Database, data: bytes) -> None:
    error = refused(database, data)
    assert error.detail == "InvalidUnicodeCharacter"
    assert error.position is not None
    assert "offset" in error.message


def test_bytes_that_are_utf_8_are_a_statement(database: memoradb.Database) -> None:
    assert database.execute("RETURN 'für' AS x".encode()).value() == "für"  # pyright: ignore[reportArgumentType]


def test_half_of_a_surrogate_pair_is_refused_wherever_it_stands(database: memoradb.Database) -> None:
    for text in ("RETURN '\ud800'", "\udfff", "MATCH (n:`\ud83d`) RETURN n", "RETURN 1 // \ud800", r"RETURN '\ud800'"):
        error = refused(database, text)
        assert error.position is not None, text
    assert database.execute(r"RETURN '\uD83D\uDE00' AS x").value() == "\U0001f600"
    for parameters in ({"x": "\ud800"}, {"x": ["a", "\ud800"]}, {"x": {"k": "\ud800"}}, {"x": {"\ud800": 1}}):
        assert isinstance(refused(database, "RETURN $x", parameters), TypeMismatch)


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("RETURN \u2018x\u2019", "'"),
        ("RETURN \u201cx\u201d", '"'),
        ("MATCH (a)\u2013-(b) RETURN a", "-"),
        ("MATCH (a)\u2014(b) RETURN a", "-"),
        ("RETURN 1 \u2212 2", "-"),
        ("MATCH (a)\u2192(b) RETURN a", "->"),
        ("RETURN\u200b1", "space"),
        ("RETURN \uff081)", "("),
        ("RETURN 1 \u2260 2", "<>"),
    ],
)
def test_a_look_alike_is_named_with_the_plain_character(database: memoradb.Database, text: str, plain: str) -> None:
    error = refused(database, text)
    assert error.detail == "InvalidUnicodeCharacter"
    assert error.hint == f"Write the plain {plain} instead."
    assert "U+" in error.message


@pytest.mark.parametrize(
    ("text", "column"),
    [("RETURN 'abc", 8), ('RETURN "abc', 8), ("MATCH (`n) RETURN 1", 8), ("RETURN 1 /* x", 10), ("RETURN 'a\\'", 8)],
)
def test_what_is_never_closed_is_named_where_it_opens(database: memoradb.Database, text: str, column: int) -> None:
    error = refused(database, text)
    assert error.position is not None
    assert error.position.column == column
    assert "no end" in error.message


@pytest.mark.parametrize("text", ["", " ", "\n", ";", "// x", "/**/", "\x00", "\x00RETURN 1", "\x1b[31m", "\u202e"])
def test_nearly_nothing_is_no_statement(database: memoradb.Database, text: str) -> None:
    assert isinstance(refused(database, text), MemQLSyntaxError)


@pytest.mark.parametrize("text", [None, 1, 1.5, ["RETURN 1"], {"query": "RETURN 1"}, object()])
def test_a_statement_is_text(database: memoradb.Database, text: Any) -> None:
    assert isinstance(refused(database, text), TypeMismatch)


# --- parameters


def test_a_hundred_thousand_parameters_are_taken_and_one_more_is_not(database: memoradb.Database) -> None:
    many = {f"p{i}": i for i in range(PARAMETERS_MAX)}
    assert database.execute("RETURN $p99999 AS x", many).value() == 99_999
    error = refused(database, "RETURN $p0", {**many, "more": 1})
    assert isinstance(error, LimitError)
    assert error.limit == "PARAMETERS_MAX"


def test_deep_values_are_refused(database: memoradb.Database) -> None:
    for wrap in (lambda v: [v], lambda v: {"k": v}):
        value: Any = 1
        for _ in range(10_000):
            value = wrap(value)
        error = refused(database, "RETURN $x", {"x": value})
        assert isinstance(error, LimitError)
    endless: list[Any] = []
    endless.append(endless)
    assert isinstance(refused(database, "RETURN $x", {"x": endless}), LimitError)


class Colour(enum.Enum):
    RED = 1


class Text(enum.StrEnum):
    A = "a"


@pytest.mark.parametrize(
    "value",
    [object(), decimal.Decimal("1.5"), 1j, Colour.RED, range, lambda: None, {1: 2}, {"a": {None: 1}}, [object()]],
)
def test_a_value_without_a_type_is_refused_by_its_path(database: memoradb.Database, value: Any) -> None:
    error = refused(database, "RETURN $x", {"x": value})
    assert isinstance(error, TypeMismatch)
    assert error.detail == "InvalidParameterType"
    assert "$x" in error.message


def test_integers_beyond_64_bits_are_refused(database: memoradb.Database) -> None:
    for value in (2**63, -(2**63) - 1, 10**5_000, [2**63]):
        error = refused(database, "RETURN $x", {"x": value})
        assert isinstance(error, ArithmeticOverflow)
        assert len(error.message) < 200


@pytest.mark.parametrize("parameters", [[1], "x", 5])
def test_parameters_are_a_map(database: memoradb.Database, parameters: Any) -> None:
    assert isinstance(refused(database, "RETURN 1", parameters), TypeMismatch)


def test_a_parameter_name_is_a_string(database: memoradb.Database) -> None:
    assert isinstance(refused(database, "RETURN 1", {1: 2}), TypeMismatch)  # pyright: ignore[reportArgumentType]


def test_values_of_other_libraries_become_ours() -> None:
    given = {
        "tuple": (1, 2),
        "set": {3, 1, 2},
        "mixed": {"a", 1},
        "enum": Text.A,
        "numpy": np.int64(5),
        "array": np.array([[1.5]]),
        "bytes": bytearray(b"x"),
        "date": datetime.date(2024, 2, 29),
    }
    found = normalise_parameters(given)
    assert found["tuple"] == [1, 2]
    assert found["set"] == [1, 2, 3]
    assert sorted(map(str, found["mixed"])) == ["1", "a"]  # pyright: ignore[reportArgumentType]
    assert found["enum"] == "a" and type(found["enum"]) is str
    assert found["numpy"] == 5 and type(found["numpy"]) is int
    assert found["array"] == [[1.5]]
    assert found["bytes"] == b"x"
    assert str(found["date"]) == "2024-02-29"


# --- values that a statement makes


def test_values_that_nest_without_end_are_refused_or_returned(database: memoradb.Database) -> None:
    for text in (
        "RETURN reduce(a = [], x IN range(1, 5000) | [a]) AS x",
        "WITH reduce(a = [], x IN range(1, 5000) | [a]) AS x RETURN x = x",
        "WITH reduce(a = [], x IN range(1, 5000) | [a]) AS x RETURN DISTINCT x",
        "WITH reduce(a = [], x IN range(1, 5000) | [a]) AS x CREATE (n {x: x})",
        "UNWIND [reduce(a = [], x IN range(1, 5000) | [a])] AS x RETURN toString(x)",
    ):
        outcome(database, text)


def test_an_error_leaves_nothing_behind(database: memoradb.Database) -> None:
    before = database.execute("MATCH (n) RETURN count(n)").value()
    refused(database, "CREATE (:X) WITH 1 AS x UNWIND [1, 0] AS d RETURN 1 / d")
    assert database.execute("MATCH (n) RETURN count(n)").value() == before
