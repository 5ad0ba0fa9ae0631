"""The point index where the Earth is round: the seam, the poles, heights, and distances that mean everything."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from memoradb.core.columns import ListColumn
from memoradb.core.spatial import CARTESIAN_3D, WGS_84, WGS_84_3D, Point
from memoradb.storage.index.condition import InBox, Near
from memoradb.storage.index.point_index import PointIndex
from memoradb.storage.view import Element, IndexDefinition, IndexKind

DEFINITION = IndexDefinition("i", IndexKind.POINT, Element.NODE, ("A",), ("p",))

longitudes = st.one_of(st.floats(-180, 180), st.sampled_from((-180.0, 180.0, 179.9, -179.9, 540.0, -200.0)))
latitudes = st.one_of(st.floats(-90, 90), st.sampled_from((-90.0, 90.0, 89.99, 0.0)))
heights = st.one_of(st.floats(-10_000, 10_000), st.sampled_from((0.0, -6_000_000.0, 400_000.0)))
flat = st.builds(lambda x, y: Point(WGS_84, (x, y)), longitudes, latitudes)
deep = st.builds(lambda x, y, z: Point(WGS_84_3D, (x, y, z)), longitudes, latitudes, heights)
sides = st.floats(-100, 100)
cube = st.builds(lambda x, y, z: Point(CARTESIAN_3D, (x, y, z)), sides, sides, sides)
radii = st.one_of(
    st.floats(0, 2.1e7),
    st.sampled_from((0.0, 1.0, 5.0, 1e9, float("inf"), float("nan"), -1.0, 6_000_000.0, 12_756_280.0)),
)


@given(
    st.one_of(*(st.tuples(st.lists(kind, min_size=1, max_size=12), kind, kind) for kind in (flat, deep, cube))),
    radii,
    st.booleans(),
)
def test_candidates_hold_all_that_are_near_or_in_a_box(points: tuple, radius: float, packed: bool) -> None:
    held, center, corner = points
    index = PointIndex(DEFINITION)
    index.add(np.arange(len(held)), [ListColumn(held)], 1)
    if packed:
        # So many others that all of them are packed.
        far = [Point(held[0].srid, (1.0, 1.0, *((0.0,) * (len(held[0].coordinates) - 2))))] * 300
        index.add(np.arange(100, 400), [ListColumn(far)], 1)
        assert not index._fresh
    for condition in (
        Near(center, radius, True),
        Near(held[0], radius, False),
        InBox(center, corner),
        InBox(corner, center),
    ):
        right = {slot for slot, point in enumerate(held) if condition.holds((point,))}
        assert right <= set(index.candidates(condition, 1).tolist())


def test_points_that_move_are_found_where_they_are_and_by_older_readers_where_they_were() -> None:
    index = PointIndex(DEFINITION)
    points = [Point(WGS_84, (i % 360 - 180.0, i % 170 - 85.0)) for i in range(2_000)]
    index.add(np.arange(2_000), [ListColumn(points)], 1)
    there = Near(points[77], 10.0, True)
    index.replace(77, [points[77]], [Point(WGS_84, (0.0, 0.0))], 5)
    assert 77 in index.candidates(there, 4) and 77 in index.candidates(Near(Point(WGS_84, (0.0, 0.0)), 1.0, True), 5)
    for i in range(1_000):  # packs everything again
        index.replace(i, [points[i]], [Point(WGS_84, (0.0, 0.0))], 6 + i) if i != 77 else None
    assert 77 not in index.candidates(there, 9_999) and len(index) == 2_000
    index.prune(None)
    assert 77 not in index.candidates(there, 4)


def test_few_points_are_looked_at_for_a_small_box() -> None:
    side = 200
    points = [Point(WGS_84, (x * 0.5, y * 0.25)) for x in range(side) for y in range(side)]
    index = PointIndex(DEFINITION)
    index.add(np.arange(len(points)), [ListColumn(points)], 1)
    box = InBox(Point(WGS_84, (10.0, 10.0)), Point(WGS_84, (12.0, 12.0)))
    assert len(index.candidates(box, 1)) == 5 * 9
