"""Arrow arrays as columns: against pyarrow's own conversion, whatever is sliced or null."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memoradb.core.calendar import DAY_NS
from memoradb.core.columns import Kind, TypedColumn
from memoradb.core.errors import ArgumentError
from memoradb.core.temporal import Date, LocalDateTime, LocalTime, at_instant
from memoradb.core.temporal_columns import TemporalColumn
from memoradb.storage.arrow import column_of

pyarrow = pytest.importorskip("pyarrow")

TYPES = {
    "int8": st.integers(-128, 127),
    "int16": st.integers(-(2**15), 2**15 - 1),
    "int64": st.integers(-(2**63), 2**63 - 1),
    "uint8": st.integers(0, 255),
    "uint64": st.integers(0, 2**63 - 1),
    "float32": st.floats(width=32, allow_nan=False),
    "float64": st.floats(allow_nan=False),
    "bool_": st.booleans(),
    "string": st.text(max_size=4),
    "binary": st.binary(max_size=4),
}


@given(st.sampled_from(sorted(TYPES)), st.data())
def test_a_slice_of_any_plain_array_is_its_values(name, data):
    items = data.draw(st.lists(st.one_of(st.none(), TYPES[name]), max_size=20))
    start, stop = sorted(data.draw(st.tuples(st.integers(0, len(items)), st.integers(0, len(items)))))
    array = pyarrow.array(items, getattr(pyarrow, name)())[start:stop]
    column = column_of(array, "x")
    assert list(column.values()) == items[start:stop]
    nulls = column.nulls()
    assert (np.zeros(stop - start, bool) if nulls is None else nulls).tolist() == [v is None for v in items[start:stop]]


@given(
    st.lists(st.one_of(st.none(), st.lists(st.one_of(st.none(), st.integers(0, 9)), max_size=3)), max_size=8), st.data()
)
def test_a_slice_of_lists_is_its_lists(items, data):
    start, stop = sorted(data.draw(st.tuples(st.integers(0, len(items)), st.integers(0, len(items)))))
    for kind in (pyarrow.list_(pyarrow.int64()), pyarrow.large_list(pyarrow.int64())):
        assert column_of(pyarrow.array(items, kind)[start:stop], "x").values() == items[start:stop]


@given(st.lists(st.one_of(st.none(), st.lists(st.integers(0, 9), min_size=2, max_size=2)), max_size=8), st.data())
def test_a_slice_of_lists_of_one_size_is_its_lists(items, data):
    start, stop = sorted(data.draw(st.tuples(st.integers(0, len(items)), st.integers(0, len(items)))))
    array = pyarrow.array(items, pyarrow.list_(pyarrow.int64(), 2))
    assert column_of(array[start:stop], "x").values() == items[start:stop]


def test_numbers_become_typed_columns():
    for array, kind in (
        (pyarrow.array([1], pyarrow.uint16()), Kind.INTEGER),
        (pyarrow.array([0.5], pyarrow.float16()), Kind.FLOAT),
        (pyarrow.array([True, None]), Kind.BOOLEAN),
    ):
        column = column_of(array, "x")
        assert isinstance(column, TypedColumn)
        assert column.kind == kind


def test_intervals_become_durations():
    array = pyarrow.array([(1, 2, 3), None], pyarrow.month_day_nano_interval())
    first, second = column_of(array, "x").values()
    assert (str(first), second) == ("P1M2DT0.000000003S", None)


def test_an_unknown_zone_is_refused():
    with pytest.raises(ArgumentError, match="Unknown time zone"):
        column_of(pyarrow.array([1], pyarrow.timestamp("s", "Mars/Base")), "x")


def test_reading_arrow_imports_no_pandas():
    import subprocess
    import sys

    code = (
        "import sys, pyarrow; from memoradb.storage.arrow import column_of;"
        "buffers = [None, pyarrow.py_buffer(bytes(16))];"
        "column_of(pyarrow.Array.from_buffers(pyarrow.int64(), 2, buffers), 'x');"
        "column_of(pyarrow.Array.from_buffers(pyarrow.date32(), 2, buffers), 'x');"
        "column_of(pyarrow.Array.from_buffers(pyarrow.bool_(), 2, buffers), 'x');"
        "assert 'pandas' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": ":".join(sys.path)}, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()


UNITS = {"s": 10**9, "ms": 10**6, "us": 1000, "ns": 1}


def moment(count, size, zone):
    return LocalDateTime(*divmod(count * size, DAY_NS)) if zone is None else at_instant(count * size, zone)


TEMPORAL = [
    (pyarrow.date32(), st.integers(-(2**31), 2**31 - 1), Date),
    (pyarrow.date64(), st.integers(-(2**62), 2**62), lambda ms: Date(ms // 86_400_000)),
    *(
        (
            pyarrow.time32(unit) if unit in ("s", "ms") else pyarrow.time64(unit),
            st.integers(0, DAY_NS // size - 1),
            lambda n, size=size: LocalTime(n * size),
        )
        for unit, size in UNITS.items()
    ),
    *(
        (
            pyarrow.timestamp(unit, name),
            st.one_of(st.integers(-(2**40), 2**40), st.integers(-(10**16), 10**16)),
            lambda n, size=size, zone=zone: moment(n, size, zone),
        )
        for unit, size in UNITS.items()
        for name, zone in ((None, None), ("UTC", 0), ("+02:00", 7200), ("Europe/Stockholm", "Europe/Stockholm"))
    ),
]


@given(st.sampled_from(range(len(TEMPORAL))), st.data())
def test_dates_and_times_become_typed_columns_of_the_same_values(which, data):
    kind, counts, make = TEMPORAL[which]
    numbers = data.draw(st.lists(st.one_of(st.none(), counts), max_size=12))
    whole = pyarrow.array(numbers, pyarrow.int32() if kind.bit_width == 32 else pyarrow.int64())
    array = pyarrow.Array.from_buffers(kind, len(numbers), whole.buffers())[1:]
    column = column_of(array, "x")
    assert isinstance(column, TemporalColumn)
    assert column.values() == [None if v is None else make(v) for v in numbers[1:]]


@pytest.mark.parametrize(
    ("kind", "number"),
    [
        (pyarrow.timestamp("s"), 2**62),
        (pyarrow.timestamp("s", "UTC"), -(2**62)),
        (pyarrow.timestamp("s", "Europe/Stockholm"), 2**63 - 1),
        (pyarrow.time64("us"), 86_400_000_000),
        (pyarrow.time64("us"), 2**63 - 1),
        (pyarrow.time64("ns"), -1),
    ],
)
def test_what_no_date_or_time_can_be_is_refused(kind, number):
    array = pyarrow.Array.from_buffers(kind, 1, pyarrow.array([number], pyarrow.int64()).buffers())
    with pytest.raises(ArgumentError, match="Column `x`"):
        column_of(array, "x")


def test_what_a_null_hides_is_no_concern():
    numbers = pyarrow.array([1, 2**62], pyarrow.int64())
    validity = pyarrow.py_buffer(b"\x01")
    array = pyarrow.Array.from_buffers(pyarrow.timestamp("s"), 2, [validity, numbers.buffers()[1]])
    assert column_of(array, "x").values() == [LocalDateTime(0, 10**9), None]
