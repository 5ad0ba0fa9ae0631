"""Strategies for values of every type, for the property tests of core/."""

from hypothesis import strategies as st

from memoradb.core.calendar import DAY_MAX, DAY_MIN, DAY_NS
from memoradb.core.spatial import CARTESIAN, CARTESIAN_3D, WGS_84, WGS_84_3D, Point
from memoradb.core.temporal import Date, DateTime, Duration, LocalDateTime, LocalTime, Time, at_instant
from memoradb.core.values import INTEGER_MAX, INTEGER_MIN, NodeRef, PathRef, RelationshipRef
from memoradb.core.vectors import Vector

ZONES = ("Europe/Stockholm", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Apia", "Etc/UTC")
_SOME_DAY = 200 * 365  # the years around 1970 that zones have rules for

integers = st.one_of(st.integers(-3, 3), st.integers(INTEGER_MIN, INTEGER_MAX))
floats = st.one_of(st.sampled_from([0.0, -0.0, 1.0, float("nan"), float("inf")]), st.floats())
numbers = st.one_of(integers, floats)
strings = st.text(max_size=6)

days = st.one_of(st.integers(-_SOME_DAY, _SOME_DAY), st.integers(DAY_MIN, DAY_MAX))
nanoseconds = st.one_of(st.sampled_from([0, DAY_NS - 1]), st.integers(0, DAY_NS - 1))
offsets = st.integers(-18 * 60, 18 * 60).map(lambda minutes: minutes * 60)
zone_names = st.sampled_from(ZONES)

dates = st.builds(Date, days)
local_times = st.builds(LocalTime, nanoseconds)
times = st.builds(Time, nanoseconds, offsets)
local_datetimes = st.builds(LocalDateTime, days, nanoseconds)
moments_ns = st.integers(-_SOME_DAY * DAY_NS, _SOME_DAY * DAY_NS)
zoned_datetimes = st.builds(at_instant, moments_ns, zone_names)
offset_datetimes = st.builds(at_instant, moments_ns, offsets)
datetimes: st.SearchStrategy[DateTime] = st.one_of(zoned_datetimes, offset_datetimes)
durations = st.builds(
    Duration.of, st.integers(-5000, 5000), st.integers(-100_000, 100_000), st.integers(-(10**16), 10**16)
)
temporals = st.one_of(dates, local_times, times, local_datetimes, datetimes)

coordinates = st.floats(-90, 90)
points = st.one_of(
    st.builds(lambda x, y, srid: Point(srid, (x, y)), coordinates, coordinates, st.sampled_from([WGS_84, CARTESIAN])),
    st.builds(
        lambda x, y, z, srid: Point(srid, (x, y, z)),
        coordinates,
        coordinates,
        coordinates,
        st.sampled_from([WGS_84_3D, CARTESIAN_3D]),
    ),
)
vectors = st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=1, max_size=4).map(
    lambda elements: Vector(tuple(elements))
)
references = st.one_of(
    st.builds(NodeRef, st.integers(0, 3)),
    st.builds(RelationshipRef, st.integers(0, 3)),
    st.integers(0, 2).flatmap(
        lambda k: st.builds(
            PathRef,
            st.tuples(*[st.integers(0, 3)] * (k + 1)),
            st.tuples(*[st.integers(0, 3)] * k),
        )
    ),
)

scalars = st.one_of(
    st.none(), st.booleans(), numbers, strings, st.binary(max_size=4), temporals, durations, points, vectors
)


def nested(leaves):
    """``leaves``, and lists and maps of them."""
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(["a", "b", ""]), inner, max_size=2)
        ),
        max_leaves=6,
    )


storable = nested(scalars)
"""Everything but references."""

values = nested(st.one_of(scalars, references))
"""Everything the engine computes with."""

alike = nested(st.one_of(st.none(), st.integers(-1, 1), st.sampled_from([0.0, -0.0, 1.0, float("nan")]), st.booleans()))
"""Few values, so that equal pairs are common."""
