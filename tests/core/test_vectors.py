"""Vectors: rounding, limits, similarities."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memoradb.core.errors import ArgumentError, TypeMismatch
from memoradb.core.limits import VECTOR_DIMENSIONS_MAX
from memoradb.core.vectors import Vector, as_floats, cosine_similarity, euclidean_similarity

elements = st.lists(st.floats(-100, 100, width=32), min_size=3, max_size=3)


@given(st.lists(st.floats(-1e30, 1e30), min_size=1, max_size=5))
def test_a_vector_is_rounded_to_32_bits_once(items):
    once = Vector(tuple(items))
    assert Vector(once.elements) == once
    assert all(math.isclose(a, b, rel_tol=1e-6, abs_tol=1e-37) for a, b in zip(once, items, strict=True))


@pytest.mark.parametrize("items", [(), (math.nan,), (math.inf,), (1e39,), (0.0,) * (VECTOR_DIMENSIONS_MAX + 1)])
def test_what_is_no_vector_is_refused(items):
    with pytest.raises(ArgumentError):
        Vector(items)


@given(elements, elements)
def test_similarities_are_symmetric_and_between_zero_and_one(a, b):
    assert euclidean_similarity(a, b) == euclidean_similarity(b, a)
    assert 0 <= euclidean_similarity(a, b) <= 1
    if any(x * x > 0 for x in a) and any(x * x > 0 for x in b):
        similarity = cosine_similarity(a, b)
        assert similarity == pytest.approx(cosine_similarity(b, a))
        assert -1e-9 <= similarity <= 1 + 1e-9


def test_similarities_by_example():
    assert cosine_similarity([1, 0], [1, 0]) == 1.0
    assert cosine_similarity([1, 0], [-2, 0]) == 0.0
    assert cosine_similarity(Vector((1.0, 0.0)), [0, 3]) == 0.5
    assert euclidean_similarity([1, 1], [1, 1]) == 1.0
    assert euclidean_similarity([0], [3]) == 0.1


@pytest.mark.parametrize("similarity", [cosine_similarity, euclidean_similarity])
@pytest.mark.parametrize(
    ("a", "b", "error"),
    [
        ([1], [1, 2], ArgumentError),
        ([], [], ArgumentError),
        (["a"], [1], TypeMismatch),
        ([True], [1], TypeMismatch),
        ([None], [1], TypeMismatch),
        ("ab", [1], TypeMismatch),
    ],
)
def test_what_cannot_be_compared_is_refused(similarity, a, b, error):
    with pytest.raises(error):
        similarity(a, b)


def test_the_zero_vector_has_no_direction():
    with pytest.raises(ArgumentError, match="zero vector"):
        cosine_similarity([0, 0], [1, 0])


def test_numbers_of_a_vector_or_a_list():
    assert as_floats(Vector((1.0, 2.0)), "f()") == [1.0, 2.0]
    assert as_floats([1, 2.5], "f()") == [1.0, 2.5]
