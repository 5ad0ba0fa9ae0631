"""Hypothesis strategies for every value that a protocol carries."""

from __future__ import annotations

import struct

from hypothesis import strategies as st

from memoradb.core.calendar import DAY_NS
from memoradb.core.spatial import CARTESIAN, CARTESIAN_3D, WGS_84, WGS_84_3D, Point
from memoradb.core.temporal import Date, DateTime, Duration, LocalDateTime, LocalTime, Time
from memoradb.core.values import INTEGER_MAX, INTEGER_MIN, Node, Path, Relationship, Value
from memoradb.core.vectors import Vector

integers = st.integers(INTEGER_MIN, INTEGER_MAX)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
floats = st.floats(allow_nan=False)
days = st.integers(-3_000_000, 3_000_000)
day_ns = st.integers(0, DAY_NS - 1)
offsets = st.integers(-64_800, 64_800)


def single(x: float) -> float:
    """The nearest number of single precision."""
    return struct.unpack("f", struct.pack("f", x))[0]


points = st.one_of(
    *(
        st.builds(Point, st.just(srid), st.tuples(*([st.floats(-90, 90)] * size)))
        for srid, size in ((WGS_84, 2), (WGS_84_3D, 3), (CARTESIAN, 2), (CARTESIAN_3D, 3))
    )
)
vectors = st.lists(st.floats(-1e6, 1e6, width=32).map(single), min_size=1, max_size=5).map(tuple).map(Vector)
temporals = st.one_of(
    st.builds(Date, days),
    st.builds(LocalTime, day_ns),
    st.builds(Time, day_ns, offsets),
    st.builds(LocalDateTime, days, day_ns),
    st.builds(DateTime, days, day_ns, offsets, st.sampled_from([None, "Europe/Berlin"])),
    st.builds(Duration, st.integers(-99, 99), integers, st.integers(-999, 999), st.integers(0, 999_999_999)),
)
scalars = st.one_of(
    st.none(), st.booleans(), integers, floats, texts, st.binary(max_size=5), temporals, points, vectors
)
storable: st.SearchStrategy[Value] = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(texts, inner, max_size=3)),
    max_leaves=8,
)
"""What a parameter may be."""

properties = st.dictionaries(texts, storable, max_size=2)
nodes = st.builds(Node, integers, st.lists(st.text(max_size=3), max_size=2).map(tuple), properties, st.just("n:x:1"))
relationships = st.builds(Relationship, integers, st.text(max_size=3), integers, integers, properties, st.just("r"))
paths = st.builds(
    Path,
    st.lists(nodes, min_size=1, max_size=3).map(tuple),
    st.lists(relationships, max_size=2).map(tuple),
)
values = st.one_of(storable, nodes, relationships, paths, st.lists(st.one_of(nodes, paths), max_size=2))
"""What a result may hold."""


def same(a: Value, b: Value) -> bool:
    """Equal in type and in every part: elements compare by id alone, and 1 is 1.0 in Python."""
    if type(a) is not type(b):
        return False
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, Node):
        return (a.id, a.labels, a.element_id) == (b.id, b.labels, b.element_id) and same(a.properties, b.properties)
    if isinstance(a, Relationship):
        ends = (a.id, a.type, a.start, a.end, a.element_id) == (b.id, b.type, b.start, b.end, b.element_id)
        return ends and same(a.properties, b.properties)
    if isinstance(a, Path):
        return same(a.nodes, b.nodes) and same(a.relationships, b.relationships)
    return bool(a == b) or (a != a and b != b)
