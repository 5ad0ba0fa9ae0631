"""The query language of full-text search: any text is a query or an error that says where."""

import contextlib

from hypothesis import given
from hypothesis import strategies as st

from memoradb.core.errors import ArgumentError
from memoradb.storage.text.query_syntax import Group, Term, parse


@given(st.text('ab +-"()*:^1ANDORT', max_size=25))
def test_any_text_is_a_query_or_an_argument_error(text: str) -> None:
    with contextlib.suppress(ArgumentError):  # any other error fails the test
        assert isinstance(parse(text), Group)


def test_operators_bind_what_stands_beside_them() -> None:
    assert parse("a AND b c") == Group(must=(Term("a"), Term("b")), should=(Term("c"),))
    assert parse("a OR b") == parse("a b") == Group(should=(Term("a"), Term("b")))
    assert parse("a NOT b") == parse("a -b") == Group(should=(Term("a"),), must_not=(Term("b"),))
    assert parse("name:par*^2 x") == Group(should=(Term("par*^2"[:3], "name", prefix=True, boost=2.0), Term("x")))
    assert parse('x:"a b"').should == (Term("a b", "x", phrase=True),)
    assert parse("well-known").should == (Term("well-known"),)
