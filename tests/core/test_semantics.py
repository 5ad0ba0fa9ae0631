"""The four relations over values, and three-valued logic, as laws."""

import itertools
import math
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memoradb.core import semantics
from memoradb.core.errors import ArgumentError, TypeMismatch
from memoradb.core.semantics import (
    and_,
    check_storable,
    compare,
    compare_order,
    equals,
    equivalence_key,
    greater,
    greater_equal,
    in_list,
    less,
    less_equal,
    not_,
    not_equals,
    or_,
    order_key,
    type_name,
    xor_,
)
from memoradb.core.temporal import Date, Duration
from memoradb.core.values import NodeRef, PathRef, RelationshipRef

sys.path.insert(0, str(Path(__file__).parent))
from core_values import alike, numbers, points, storable, temporals, values

NAN = float("nan")
TRUTHS = (True, False, None)
pairs = st.one_of(st.tuples(values, values), st.tuples(alike, alike), values.map(lambda v: (v, v)))


def has_null_or_nan(value: object) -> bool:
    if isinstance(value, list):
        return any(map(has_null_or_nan, value))
    if isinstance(value, dict):
        return any(map(has_null_or_nan, value.values()))
    return value is None or (isinstance(value, float) and math.isnan(value))


# --- logic


@pytest.mark.parametrize(("a", "b"), list(itertools.product(TRUTHS, TRUTHS)))
def test_logic_is_kleenes(a, b):
    def kleene(value):
        return {True: 1.0, None: 0.5, False: 0.0}[value]

    assert kleene(and_(a, b)) == min(kleene(a), kleene(b))
    assert kleene(or_(a, b)) == max(kleene(a), kleene(b))
    assert kleene(not_(a)) == 1 - kleene(a)
    assert xor_(a, b) == or_(and_(a, not_(b)), and_(not_(a), b))


@pytest.mark.parametrize("operation", [and_, or_, xor_])
def test_logic_takes_truth_values_alone(operation):
    with pytest.raises(TypeMismatch, match="must be true, false or null, not INTEGER"):
        operation(True, 1)
    with pytest.raises(TypeMismatch):
        not_("true")


# --- equality


@given(pairs)
def test_equality_is_symmetric(pair):
    a, b = pair
    assert equals(a, b) is equals(b, a)


@given(values)
def test_a_value_equals_itself_unless_null_or_nan_is_in_it(value):
    same = equals(value, value)
    if has_null_or_nan(value):
        assert same is not True
    else:
        assert same is True


@given(st.tuples(alike, alike, alike))
def test_equality_is_transitive_where_it_is_true(triple):
    a, b, c = triple
    if equals(a, b) and equals(b, c):
        assert equals(a, c) is True


@given(pairs)
def test_inequality_is_the_negation_of_equality(pair):
    a, b = pair
    assert not_equals(a, b) == not_(equals(a, b))


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        (None, None, None),
        (None, 1, None),
        (1, 1.0, True),
        (2**53 + 1, float(2**53), False),
        (1, True, False),
        ("1", 1, False),
        (NAN, NAN, False),
        (0.0, -0.0, True),
        ([], [None], False),
        ([1, None], [1, 2], None),
        ([1, None], [2, None], False),
        ([None], [None], None),
        ([[1]], [[1.0]], True),
        ({}, {}, True),
        ({"a": None}, {"a": None}, None),
        ({"a": None}, {"b": None}, False),
        ({"a": 1}, {"a": 1.0}, True),
        ([1], {"a": 1}, False),
        (NodeRef(1), NodeRef(1), True),
        (NodeRef(1), RelationshipRef(1), False),
        (PathRef((0,), ()), PathRef((0,), ()), True),
        (Duration(0, 1), Duration(0, 0, 86_400), False),
        (Duration(12), Duration(12), True),
        (Date(0), 0, False),
    ],
)
def test_equality_by_example(a, b, expected):
    assert equals(a, b) is expected


@given(values, st.lists(values, max_size=4))
def test_in_is_a_disjunction_of_equalities(value, items):
    expected = False
    for item in items:
        expected = or_(expected, equals(value, item))
    assert in_list(value, items) is expected


def test_in_wants_a_list():
    with pytest.raises(TypeMismatch, match="IN takes a list"):
        in_list(1, "abc")


# --- comparability


@given(pairs)
def test_comparison_is_antisymmetric(pair):
    a, b = pair
    order, back = compare(a, b), compare(b, a)
    assert (order is None) == (back is None)
    if order is not None and back is not None:
        assert order == -back


@given(pairs)
def test_the_four_operators_agree_with_each_other(pair):
    a, b = pair
    assert less(a, b) is greater(b, a)
    assert less_equal(a, b) is greater_equal(b, a)
    if less(a, b):
        assert less_equal(a, b) is True
        assert greater(a, b) is False
    if less_equal(a, b) and greater_equal(a, b):
        assert compare(a, b) == 0


@given(pairs)
def test_what_compares_as_equal_is_equal(pair):
    a, b = pair
    if compare(a, b) == 0:
        assert equals(a, b) is True


@given(st.one_of(numbers, st.text(max_size=3), temporals), st.data())
def test_orderability_extends_comparability(a, data):
    kind = type(a)
    b = data.draw(numbers if kind in (int, float) else st.text(max_size=3) if kind is str else temporals)
    order = compare(a, b)
    if order is not None:
        assert compare_order(a, b) == order


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        (1, 1.5, True),
        (2**53, float(2**53 + 2), True),
        (NAN, 1, False),
        (1, NAN, False),
        (NAN, NAN, False),
        (None, 1, None),
        ("a", 1, None),
        ("a", "b", True),
        (False, True, True),
        ([1, 2], [1, 3], True),
        ([1], [1, None], True),
        ([1, None], [1, 2], None),
        ({"a": 1}, {"a": 2}, None),
        (Duration(0, 1), Duration(0, 2), None),
        (NodeRef(1), NodeRef(2), None),
    ],
)
def test_less_by_example(a, b, expected):
    assert less(a, b) is expected


@given(points, points)
def test_points_compare_only_where_all_coordinates_agree(a, b):
    if less(a, b):
        assert a.srid == b.srid
        assert all(x <= y for x, y in zip(a.coordinates, b.coordinates, strict=True))


# --- orderability


def _sorted_from_the_end(items: list) -> list:
    """Sorting is stable: what ties would come out the wrong way round."""
    backwards = items[::-1]
    backwards.sort(key=order_key)
    return backwards


@given(pairs)
def test_any_two_values_have_an_order(pair):
    a, b = pair
    assert compare_order(a, b) == -compare_order(b, a)


@given(st.lists(values, max_size=6))
def test_the_order_is_total(items):
    ordered = sorted(items, key=order_key)
    for i, j in itertools.combinations(range(len(ordered)), 2):
        assert compare_order(ordered[i], ordered[j]) <= 0


@given(pairs)
def test_only_equivalent_values_tie(pair):
    a, b = pair
    assert (compare_order(a, b) == 0) == (equivalence_key(a) == equivalence_key(b))


def test_types_stand_in_openciphers_order():
    ladder = [{}, NodeRef(0), RelationshipRef(0), [], PathRef((0,), ()), "a", False, True, -1, 0.5, math.inf, NAN, None]
    assert _sorted_from_the_end(ladder) == ladder


@pytest.mark.parametrize(
    "ladder",
    [
        [[], [["a"]], ["a"], ["a", 1], [1], [1, "a"], [1, 1], [1, None], [2], [None]],
        [{}, {"a": 1}, {"a": 1, "b": 1}, {"a": 2}, {"b": 0}],
        [{"a": 1}, {"a": None}],
    ],
)
def test_lists_and_maps_order_element_by_element(ladder):
    assert _sorted_from_the_end(ladder) == ladder


# --- equivalence


@given(values)
def test_equivalence_is_reflexive_and_hashable(value):
    key = equivalence_key(value)
    assert key == equivalence_key(value)
    assert hash(key) == hash(equivalence_key(value))


@given(pairs)
def test_equal_values_are_equivalent(pair):
    a, b = pair
    if equals(a, b) is True:
        assert equivalence_key(a) == equivalence_key(b)
        assert hash(equivalence_key(a)) == hash(equivalence_key(b))
    elif equals(a, b) is False and not has_null_or_nan(a):
        assert equivalence_key(a) != equivalence_key(b)


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        (NAN, NAN, True),
        (None, None, True),
        ([NAN, None], [NAN, None], True),
        ({"a": None}, {"a": None}, True),
        (1, 1.0, True),
        (0.0, -0.0, True),
        (True, 1, False),
        ("NaN", NAN, False),
        (["bool", True], True, False),
        (None, False, False),
    ],
)
def test_equivalence_by_example(a, b, expected):
    assert (equivalence_key(a) == equivalence_key(b)) is expected


@given(pairs)
def test_keys_of_different_types_never_meet(pair):
    a, b = pair
    if type_name(a) != type_name(b) and not {type(a), type(b)} <= {int, float}:
        assert equivalence_key(a) != equivalence_key(b)


# --- access and strings


@given(st.lists(st.integers(), max_size=4), st.integers(-6, 6))
def test_an_index_counts_from_either_end_and_misses_as_null(items, position):
    expected = items[position] if -len(items) <= position < len(items) else None
    assert semantics.index(items, position) == expected


@given(st.lists(st.integers(), max_size=4), st.integers(-6, 6), st.integers(-6, 6))
def test_a_slice_is_pythons(items, low, high):
    assert semantics.slice_list(items, low, high) == items[low:high]
    assert semantics.slice_list(items, low, None, has_high=False) == items[low:]
    assert semantics.slice_list(items, low, None) is None


@pytest.mark.parametrize(
    ("subject", "key", "detail"),
    [([1], "a", "InvalidArgumentType"), ({"a": 1}, 0, "MapElementAccessByNonString"), (1, 0, "InvalidArgumentType")],
)
def test_an_index_of_the_wrong_type_is_refused(subject, key, detail):
    with pytest.raises(TypeMismatch) as caught:
        semantics.index(subject, key)
    assert caught.value.detail == detail


def test_properties_are_of_maps_and_values_with_components():
    assert semantics.property_of({"a": 1}, "b") is None
    assert semantics.property_of(None, "a") is None
    assert semantics.property_of(Date(0), "year") == 1970
    with pytest.raises(TypeMismatch, match="INTEGER has no properties"):
        semantics.property_of(1, "a")


@given(st.text(max_size=5), st.text(max_size=2))
def test_string_predicates_agree(a, b):
    assert semantics.starts_with(a + b, a) is True
    assert semantics.ends_with(a + b, b) is True
    assert semantics.contains(a + b + a, b) is True
    assert semantics.contains(a, 1) is None


def test_a_regular_expression_matches_the_whole_string():
    assert semantics.matches("abc", "a.*") is True
    assert semantics.matches("xabc", "a.*") is False
    assert semantics.matches(None, "a") is None
    assert semantics.matches(1, "a") is None
    with pytest.raises(ArgumentError, match="Invalid regular expression"):
        semantics.matches("a", "(")
    with pytest.raises(TypeMismatch):
        semantics.matches("a", 1)


# --- what may be stored


@given(storable)
def test_a_property_is_a_scalar_or_a_list_of_one_type(value):
    inner = {type(v) for v in value} if isinstance(value, list) else set()
    fits = (
        not isinstance(value, dict)
        and not inner & {list, dict, type(None)}
        and (len(inner) <= 1 or inner <= {int, float})
    )
    if fits:
        check_storable(value)
    else:
        with pytest.raises(TypeMismatch) as caught:
            check_storable(value)
        assert caught.value.detail == "InvalidPropertyType"
