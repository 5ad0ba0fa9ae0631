"""What kernels remember of strings and constants during a run is what they would find out anew."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import memoradb
from memoradb.core.columns import Column, ConstantColumn, ListColumn, StringColumn, lift
from memoradb.core.errors import ArgumentError, MemQLError
from memoradb.memql.functions.registry import lookup
from memoradb.memql.kernels import compare, lists, per_string, strings
from memoradb.memql.kernels.compare import Members
from memoradb.memql.kernels.compile import apply_scalar
from memoradb.memql.kernels.per_string import ENTRIES_MAX, DerivedDictionary, Memo, Results

words = st.one_of(st.sampled_from(["", "a", "ab", "b", "A", "ß", "Ⅳ", "a\nb", "1"]), st.text("ab", max_size=3))
batches = st.lists(st.lists(st.one_of(st.none(), words), min_size=1, max_size=8), min_size=1, max_size=5)
wholes = st.one_of(st.integers(-5, 5), st.sampled_from([-(1 << 63), (1 << 63) - 1, 1 << 40, (1 << 40) + 7]))

REMEMBERING = {
    **{name: compare.KERNELS[name] for name in compare.REMEMBERING if name != "IN"},
    **{name: kernel for name, kernel in strings.KERNELS.items() if not name.islower()},
}
OF_STRINGS = {name: kernel for name, kernel in strings.KERNELS.items() if name.islower()} | {"size": lists.size}


def coded(items: list[str | None], dictionary: DerivedDictionary) -> StringColumn:
    """A batch of a column whose dictionary grows as batches come."""
    texts = [item for item in items if item is not None]
    codes = iter(dictionary.intern_all(texts).tolist())
    return StringColumn(np.array([-1 if s is None else next(codes) for s in items], np.int32), dictionary)


def law(name: str, *columns: Column) -> list:
    definition = lookup(name)
    assert definition is not None
    return list(apply_scalar(definition, list(columns), len(columns[0]), None).values())  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("name", sorted(REMEMBERING))
@given(batches=batches, constants=st.lists(words, min_size=1, max_size=2), flipped=st.booleans())
def test_a_predicate_is_the_law_in_every_batch_of_a_run(name, batches, constants, flipped):
    memo: Memo = {}
    dictionary = DerivedDictionary(["unused", "a"])
    for items in batches:
        column = coded(items, dictionary)
        for constant in constants:
            operands: list[Column] = [column, ConstantColumn(constant, len(items))]
            if flipped:
                operands.reverse()
            try:
                expected = law(name, *operands)
            except MemQLError:
                continue
            found = REMEMBERING[name](*operands, memo=memo)
            if found is not None:
                assert found.values() == expected


@pytest.mark.parametrize("name", sorted(OF_STRINGS))
@given(batches=batches)
def test_a_function_of_strings_is_the_law_in_every_batch_of_a_run(name, batches):
    memo: Memo = {}
    dictionary = DerivedDictionary(["unused"])
    made = []
    for items in batches:
        found = OF_STRINGS[name](coded(items, dictionary), memo=memo)
        assert found is not None
        assert found.values() == law(name, ListColumn(list(items)))
        made.append(found)
    if isinstance(made[0], StringColumn):
        assert len({column.dictionary for column in made}) == 1, "one dictionary for the whole run"


@given(batches, st.lists(words, min_size=1, max_size=4), st.lists(wholes, min_size=1, max_size=5), st.data())
def test_in_is_the_law_in_every_batch_of_a_run(batches, texts, numbers, data):
    memo: Memo = {}
    dictionary = DerivedDictionary()
    for items in batches:
        for column, constant in (
            (coded(items, dictionary), texts),
            (lift(data.draw(st.lists(st.one_of(wholes, st.none()), min_size=1, max_size=8))), numbers),
        ):
            found = lists.in_list(column, ConstantColumn(constant, len(column)), memo=memo)
            if found is not None:
                assert found.values() == law("IN", column, ConstantColumn(constant, len(column)))


@given(st.lists(wholes, min_size=1, max_size=9), st.lists(wholes, max_size=20))
def test_members_are_those_of_the_set_whether_they_lie_close_together_or_not(members, asked):
    found = Members(np.unique(np.array(members, np.int64))).contain(np.array(asked, np.int64))
    assert found.tolist() == [n in members for n in asked]


@pytest.mark.parametrize("name", ["<", "<=", ">", ">=", "=", "<>"])
@given(st.lists(st.tuples(st.one_of(st.none(), words), st.one_of(st.none(), words)), min_size=1, max_size=12))
def test_two_columns_of_one_dictionary_compare_as_their_strings(name, rows):
    dictionary = DerivedDictionary()
    left, right = (coded(list(side), dictionary) for side in zip(*rows, strict=True))
    found = compare.KERNELS[name](left, right)
    if found is not None:
        assert found.values() == law(name, left, right)


@pytest.mark.parametrize("name", ["CONTAINS", "STARTS WITH", "ENDS WITH", "=~", "=", "<", ">="])
@given(st.lists(st.one_of(st.none(), words), min_size=1, max_size=9), st.sampled_from(["", "a", "ab", "A"]))
def test_strings_without_a_dictionary_have_kernels_too(name, items, constant):
    kernel = {**compare.KERNELS, **strings.KERNELS}[name]
    operands = (ListColumn(list(items)), ConstantColumn(constant, len(items)))
    found = kernel(*operands)
    if found is not None:
        assert found.values() == law(name, *operands)
    else:
        assert all(item is None for item in items)


def test_each_string_is_asked_once_a_run_and_few_of_a_large_dictionary():
    asked: list[str] = []

    def compute(texts):
        asked.extend(texts)
        return np.ones(len(texts), np.bool_)

    dictionary = DerivedDictionary([str(i) for i in range(1_000)])
    results = Results(dictionary, compute, False)
    for _ in range(3):
        assert results.of(np.array([5, -1, 7, 5], np.int32)).tolist() == [True, False, True, True]
    assert sorted(asked) == ["5", "7"]
    results.of(np.arange(400, dtype=np.int32))
    assert len(asked) == len(set(asked)) == 1_000, "where a batch shows many, all are computed at once"
    dictionary.intern_all(["new"])
    assert results.of(np.array([1_000, -1], np.int32)).tolist() == [True, False]
    assert asked[1_000:] == ["new"]


@given(batches)
def test_strings_of_a_very_large_dictionary_are_asked_batch_by_batch(batches):
    dictionary = DerivedDictionary()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(per_string, "KEPT_MAX", -1)
        memo: Memo = {}
        for items in batches:
            column = coded(items, dictionary)
            for name in ("CONTAINS", "=~", "<"):
                operands = (column, ConstantColumn("a", len(items)))
                found = REMEMBERING[name](*operands, memo=memo)
                assert found is not None and found.values() == law(name, *operands)
            for name in ("tolower", "size"):
                found = OF_STRINGS[name](column, memo=memo)
                assert found is not None and found.values() == law(name, column)


def test_what_is_remembered_is_bounded():
    memo: Memo = {}
    dictionary = DerivedDictionary(["a", "b"])
    for i in range(2 * ENTRIES_MAX):
        column = coded(["a", "b"], dictionary)
        found = strings.KERNELS["CONTAINS"](column, ConstantColumn("a" * i, 2), memo=memo)
        assert found is not None and found.values() == [i < 2, i < 1]
        assert len(memo) <= ENTRIES_MAX


@pytest.fixture(scope="module")
def db():
    with memoradb.open(None) as database:
        database.execute("UNWIND range(1, 300) AS i CREATE (:P {n: i, s: 'text ' + toString(i % 7)})")
        yield database


def test_a_constant_is_folded_once_and_another_run_sees_its_own(db):
    query = "MATCH (p:P) WHERE p.s ENDS WITH toLower(' ' + $x) AND p.n IN [$a, $b + 1] RETURN count(*)"
    assert db.execute(query, {"x": "3", "a": 3, "b": 9}).value() == 2
    assert db.execute(query, {"x": "4", "a": 3, "b": 3}).value() == 1
    assert db.execute("MATCH (p:P) WHERE p.n > 1 / ($x - 1) RETURN count(*)", {"x": 2}).value() == 299
    with pytest.raises(MemQLError):
        db.execute("MATCH (p:P) WHERE p.n > 1 / ($x - 1) RETURN count(*)", {"x": 1})
    assert db.execute("MATCH (p:Q) WHERE p.n > 1 / ($x - 1) RETURN count(*)", {"x": 1}).value() == 0


def test_an_invalid_expression_is_an_error_where_a_row_has_a_string_and_nowhere_else(db):
    with pytest.raises(ArgumentError):
        db.execute("MATCH (p:P) WHERE p.s =~ '(' RETURN count(*)")
    assert db.execute("MATCH (p:P) WHERE p.missing =~ '(' RETURN count(*)").value() == 0


def test_strings_written_by_the_statement_itself_are_found(db):
    query = "MATCH (p:P) WHERE p.s CONTAINS 'new' RETURN count(*)"
    with db.transaction() as transaction:
        assert transaction.execute(query).value() == 0
        transaction.execute("MATCH (p:P) WHERE p.n < 100 SET p.s = 'new ' + toString(p.n)")
        assert transaction.execute(query).value() == 99
        transaction.rollback()
    assert db.execute(query).value() == 0
