"""Names in sight, the columns they get, and what is said of a name that is none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memoradb.core.errors import SemanticError, UndefinedVariable
from memoradb.core.spans import NOWHERE
from memoradb.memql.bind.scope import BoundVariable, Names, Scope, type_conflict
from memoradb.memql.bind.types import Type, literal_type, require, type_text


@given(st.lists(st.sampled_from(["x", "x@2", "y", "x@2@2"]), max_size=30))
def test_no_two_columns_are_the_same(asked: list[str]) -> None:
    names = Names()
    columns = [names.user(name) for name in asked] + [names.fresh("x") for _ in range(3)]
    assert len(columns) == len(set(columns))


def test_a_users_name_is_its_column_where_it_is_free() -> None:
    names = Names()
    assert [names.user("x") for _ in range(3)] == ["x", "x@2", "x@3"]
    assert names.fresh("x").startswith(" ")


def test_many_columns_of_one_name_are_given_at_once() -> None:
    names = Names()
    assert [names.user("x") for _ in range(20_000)][-1] == "x@20000"


def test_an_inner_scope_sees_the_outer_one_and_hides_it() -> None:
    outer = Scope()
    outer.add("a", BoundVariable("a", Type.NODE))
    outer.add("b", BoundVariable("b"))
    inner = Scope(outer)
    inner.add("a", BoundVariable("a@2", Type.INTEGER))
    assert inner.need("a", NOWHERE).column == "a@2"
    assert inner.need("b", NOWHERE).column == "b"
    assert outer.need("a", NOWHERE).column == "a"
    assert list(inner.names()) == ["a", "b"]
    assert inner.copy().columns() == ("a@2", "b")


def hint_of(scope: Scope, name: str, hint: str | None = None) -> str:
    with pytest.raises(UndefinedVariable) as caught:
        scope.need(name, NOWHERE, hint)
    return caught.value.hint or ""


def test_an_unknown_name_is_answered_by_what_may_have_been_meant() -> None:
    scope = Scope()
    scope.add("friend", BoundVariable("friend"))
    assert hint_of(scope, "freind") == "Did you mean `friend`?"
    assert "'Ada'" in hint_of(scope, "Ada")
    assert hint_of(scope, "Ada", "Do this.") == "Do this."
    scope.lose(["person", "friend"], "`{}` is gone.")
    assert hint_of(scope, "person") == "`person` is gone."
    assert hint_of(Scope(scope.copy()), "person") == "`person` is gone."
    assert scope.get("friend") is not None


def test_a_conflict_of_types_names_both() -> None:
    error = type_conflict("x", NOWHERE, Type.INTEGER | Type.NULL, "a node")
    assert error.message == "`x` is an integer, but stands here for a node."


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (Type.NODE, "a node"),
        (Type.NUMBER, "a number"),
        (Type.INTEGER | Type.STRING, "an integer or a string"),
        (Type.TEMPORAL | Type.DURATION, "a date or time or a duration"),
        (Type.ANY, "a value"),
        (Type.NULL, "a value"),
    ],
)
def test_types_in_words(kind: Type, text: str) -> None:
    assert type_text(kind) == text


def test_a_type_is_refused_only_where_nothing_of_it_fits() -> None:
    require(Type.ANY, Type.LIST, "be sliced", NOWHERE)
    require(Type.NULL, Type.LIST, "be sliced", NOWHERE)
    require(Type.LIST | Type.NULL, Type.LIST, "be sliced", NOWHERE)
    with pytest.raises(SemanticError) as caught:
        require(Type.INTEGER | Type.NULL, Type.LIST, "be sliced", NOWHERE)
    assert (caught.value.message, caught.value.hint) == ("An integer cannot be sliced.", "Expected a list.")
    assert caught.value.detail == "InvalidArgumentType"


def test_the_types_of_literals() -> None:
    values = [None, True, 1, 1.5, "a"]
    kinds = [Type.NULL, Type.BOOLEAN, Type.INTEGER, Type.FLOAT, Type.STRING]
    assert [literal_type(v) for v in values] == kinds
