"""parse(print(tree)) is the tree: over generated trees, over the kit, over the grammar's examples."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memoradb.core.errors import MemoraDBError
from memoradb.memql.syntax import ast as a
from memoradb.memql.syntax import ast_expr as e
from memoradb.memql.syntax.parser import parse, parse_expression
from memoradb.memql.syntax.printer import print_expression, print_statement

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parents[1] / "kit")]
from kit_queries import kit_queries  # noqa: E402  # pyright: ignore[reportMissingImports]
from trees import expressions, statements, texts  # noqa: E402  # pyright: ignore[reportMissingImports]


def same(left: Any, right: Any) -> None:
    """Equal up to spans, and of equal types: 1, 1.0 and true are three things, as repr tells them apart."""
    assert repr(left) == repr(right)


@pytest.mark.filterwarnings("ignore:Generating overly large repr")
@settings(max_examples=300)
@given(expressions)
def test_a_printed_expression_parses_to_itself(tree: Any) -> None:
    same(parse_expression(print_expression(tree)), tree)


@pytest.mark.filterwarnings("ignore:Generating overly large repr")
@settings(max_examples=200)
@given(statements)
def test_a_printed_statement_parses_to_itself(tree: a.Statement) -> None:
    same(parse(print_statement(tree)), tree)


@given(texts)
def test_any_string_survives_its_literal(text: str) -> None:
    same(parse_expression(print_expression(e.Literal(text))), e.Literal(text))


@given(st.integers() | st.floats(allow_nan=False, allow_infinity=False))
def test_any_number_survives_its_literal(number: float) -> None:
    same(parse_expression(print_expression(e.Literal(number))), e.Literal(number))


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=8))
def test_any_name_survives_as_variable_property_label_and_parameter(name: str) -> None:
    for tree in (e.Variable(name), e.Property(e.Variable(name), name), e.Parameter(name)):
        same(parse_expression(print_expression(tree)), tree)


def test_printing_twice_changes_nothing() -> None:
    once = print_statement(parse("match (n)where not(n.x=1)return n.x as y order by y skip 1"))
    assert print_statement(parse(once)) == once


def expressions_in(node: Any) -> list[Any]:
    """All projected expressions of a tree."""
    found = []
    if isinstance(node, a.ProjectionItem):
        found.append(node.expression)
    if isinstance(node, tuple):
        for part in node:
            found += expressions_in(part)
    elif isinstance(node, e.Syntax):
        for name in node.__dataclass_fields__:
            found += expressions_in(getattr(node, name))
    return found


@pytest.mark.skipif(not kit_queries(), reason="the openCypher kit is not beside this checkout")
def test_every_query_of_the_kit_survives_printing() -> None:
    parsed = 0
    for query in kit_queries():
        try:
            tree = parse(query.text)
        except MemoraDBError:
            assert query.fails, query.text
            continue
        parsed += 1
        same(parse(print_statement(tree)), tree)
        for expression in expressions_in(tree):
            same(parse_expression(print_expression(expression)), expression)
    assert parsed > 3_000


@pytest.mark.parametrize(
    ("written", "printed"),
    [
        ("(a or b) and not c", "(a OR b) AND NOT c"),
        ("not (a = b)", "NOT a = b"),
        ("(not a) = b", "(NOT a) = b"),
        ("a - (b - c) - d", "a - (b - c) - d"),
        ("(a ^ b) ^ c", "a ^ b ^ c"),
        ("a < b <= c", "a < b <= c"),
        ("(a < b) <= c", "(a < b) <= c"),
        ("-x.y", "-x.y"),
        ("(-1).x", "(-1).x"),
        ("(n:A|B)", "n:(A|B)"),
        ("n is not labeled A", "NOT n:A"),
        ("'it''s'", None),
        ('"it\'s"', "'it\\'s'"),
        ("[x in l where x:A | x]", "[x IN l WHERE x:A | x]"),
        ("exists { (a)-->(b) where a.x }", "EXISTS { (a)-->(b) WHERE a.x }"),
        ("0x1F + 1_000", "31 + 1000"),
    ],
)
def test_canonical_forms(written: str, printed: str | None) -> None:
    if printed is None:
        with pytest.raises(MemoraDBError):
            parse_expression(written)
    else:
        assert print_expression(parse_expression(written)) == printed


def test_a_value_without_a_literal_cannot_be_printed() -> None:
    with pytest.raises(ValueError, match="no literal"):
        print_expression(e.Literal(float("inf")))
    with pytest.raises(ValueError, match="no literal"):
        print_expression(e.Literal([1]))
