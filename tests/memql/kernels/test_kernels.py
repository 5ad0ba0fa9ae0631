"""Every vectorised kernel against scalar semantics: a kernel declines, or says what the law says on every row."""

import math

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from memoradb.core.columns import Column, ConstantColumn, ListColumn, StringColumn, lift
from memoradb.core.errors import ArithmeticOverflow, MemQLError
from memoradb.core.temporal import Date, at_instant
from memoradb.core.values import INTEGER_MAX, INTEGER_MIN, NodeRef, RelationshipRef
from memoradb.memql.functions.registry import lookup
from memoradb.memql.kernels import compare, strings
from memoradb.memql.kernels.arithmetic import arithmetic_kernel
from memoradb.memql.kernels.compile import apply_scalar
from memoradb.memql.kernels.per_string import DerivedDictionary

integers = st.one_of(
    st.integers(-3, 3),
    st.sampled_from([INTEGER_MAX, INTEGER_MIN, INTEGER_MAX - 1, 1 << 53, (1 << 53) + 1, -(1 << 53) - 1, 1 << 62]),
)
floats = st.one_of(
    st.sampled_from([0.0, -0.0, 1.0, 1.5, math.nan, math.inf, -math.inf, 2.0**53, 2.0**63, 1e308]), st.floats(-3, 3)
)
words = st.sampled_from(["", "a", "ab", "b", "A", "ß", "Ⅳ", "a\nb", "1"])
elements = st.one_of(st.builds(NodeRef, st.integers(0, 2)), st.builds(RelationshipRef, st.integers(0, 2)))
dates = st.builds(Date, st.integers(-1, 1))
moments = st.builds(at_instant, st.integers(-1, 1), st.sampled_from([0, 3600, "Europe/Berlin", "Europe/Stockholm"]))
kinds = [integers, floats, st.booleans(), words, st.builds(NodeRef, st.integers(0, 2)), dates, moments]
mixed = st.one_of(integers, floats, st.booleans(), words, elements, dates, moments, st.lists(integers, max_size=2))


def coded(items: list) -> Column:
    """A dictionary column, with strings in its dictionary that no row has, and some that a new one takes away."""
    distinct = sorted({s for s in items if s is not None} | {"unused", "a"}, reverse=True)
    codes = [-1 if s is None else distinct.index(s) for s in items]
    return StringColumn(np.array(codes, np.int32), DerivedDictionary(distinct))


@st.composite
def columns(draw, length: int) -> Column:
    """A column in any form: typed, coded, constant, or a list of mixed values."""
    form = draw(st.sampled_from(["typed", "typed", "coded", "constant", "list"]))
    if form == "constant":
        return ConstantColumn(
            draw(st.one_of(st.none(), mixed, st.lists(st.one_of(words, integers), max_size=3))), length
        )
    if form == "list":
        return ListColumn(draw(st.lists(st.one_of(st.none(), mixed), min_size=length, max_size=length)))
    kind = words if form == "coded" else draw(st.sampled_from(kinds))
    null = st.none() if draw(st.booleans()) else kind
    items = draw(st.lists(st.one_of(kind, null), min_size=length, max_size=length))
    return coded(items) if form == "coded" else lift(items)


pairs = st.integers(1, 6).flatmap(lambda n: st.tuples(columns(n), columns(n)))


def same(a, b) -> bool:
    if isinstance(a, float) and isinstance(b, float) and math.isnan(a):
        return math.isnan(b)
    return type(a) is type(b) and a == b


def assert_is_law(name: str, kernel, *operands: Column) -> None:
    definition = lookup(name)
    assert definition is not None
    try:
        expected = apply_scalar(definition, list(operands), len(operands[0]), None).values()  # pyright: ignore[reportArgumentType]
    except MemQLError:
        try:
            found = kernel(*operands)
        except MemQLError:
            return
        assert found is None, f"{name} is an error, and the kernel gives {found}"
        return
    found = kernel(*operands)
    if found is not None:
        assert len(found) == len(operands[0])
        assert all(map(same, found.values(), expected)), f"{name}{operands} is {expected}, not {found.values()}"


BINARY = {name: k for name, k in {**compare.KERNELS, **strings.KERNELS}.items() if name not in ("NOT",)}
UNARY = {"NOT": compare.KERNELS["NOT"], **{n: k for n, k in strings.KERNELS.items() if n.islower()}}
for unary in UNARY:
    BINARY.pop(unary, None)


@pytest.mark.parametrize("name", sorted(BINARY))
@given(pairs)
def test_a_binary_kernel_says_what_the_law_says(name, operands):
    assert_is_law(name, BINARY[name], *operands)


@pytest.mark.parametrize("name", sorted(UNARY))
@given(st.integers(1, 6).flatmap(columns))
def test_a_unary_kernel_says_what_the_law_says(name, operand):
    assert_is_law(name, UNARY[name], operand)


@pytest.mark.parametrize("name", ["+", "-", "*"])
@given(pairs)
@example((lift([INTEGER_MAX, 1]), lift([1, 1])))
@example((lift([INTEGER_MIN, None]), ConstantColumn(-1, 2)))
@example((lift([1 << 32]), lift([1 << 31])))
def test_an_arithmetic_kernel_says_what_the_law_says_and_leaves_overflow_to_it(name, operands):
    assert_is_law(name, arithmetic_kernel(name), *operands)


@pytest.mark.parametrize(("name", "a", "b"), [("+", INTEGER_MAX, 1), ("-", INTEGER_MIN, 1), ("*", 1 << 62, 2)])
def test_an_overflow_in_one_row_of_many_is_an_error(name, a, b):
    rows = [1] * 99
    definition = lookup(name)
    assert definition is not None
    kernel = arithmetic_kernel(name)
    assert kernel is not None
    operands = [lift([*rows, a]), lift([*rows, b])]
    assert kernel(*operands) is None
    with pytest.raises(ArithmeticOverflow):
        apply_scalar(definition, operands, 100, None)  # pyright: ignore[reportArgumentType]


def test_kernels_do_serve_what_they_are_for():
    """Declining is always right; this says where it would be a loss."""
    numbers, more, names = lift([1, 2, None]), lift([1.5, 2.0, 3.0]), coded(["a", None, "b"])
    three = ConstantColumn(3, 3)
    for name in ("=", "<>", "<", "<=", ">", ">="):
        assert compare.KERNELS[name](numbers, three) is not None
        assert compare.KERNELS[name](numbers, more) is not None
        assert compare.KERNELS[name](names, ConstantColumn("a", 3)) is not None
    for name in ("STARTS WITH", "ENDS WITH", "CONTAINS", "=~"):
        assert strings.KERNELS[name](names, ConstantColumn("a", 3)) is not None
    for name in ("+", "-", "*"):
        kernel = arithmetic_kernel(name)
        assert kernel is not None and kernel(numbers, three) is not None
    days = lift([Date(1), None, Date(2)])
    for name in ("=", "<>", "<", "<=", ">", ">="):
        assert compare.KERNELS[name](days, ConstantColumn(Date(1), 3)) is not None
    assert compare.KERNELS["IN"](days, ConstantColumn([Date(1)], 3)) is not None
    assert compare.KERNELS["IN"](numbers, ConstantColumn([1, 2], 3)) is not None
    assert compare.KERNELS["IN"](names, ConstantColumn(["a"], 3)) is not None
    assert strings.KERNELS["tolower"](names) is not None
