"""Points and distances."""

import math
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memoradb.core.errors import ArgumentError, TypeMismatch
from memoradb.core.spatial import (
    CARTESIAN,
    CARTESIAN_3D,
    WGS_84,
    WGS_84_3D,
    Point,
    distance,
    point_from_map,
    within_box,
)

sys.path.insert(0, str(Path(__file__).parent))
from core_values import points


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ({"x": 1, "y": 2.5}, Point(CARTESIAN, (1.0, 2.5))),
        ({"x": 1, "y": 2, "z": 3}, Point(CARTESIAN_3D, (1.0, 2.0, 3.0))),
        ({"longitude": 12, "latitude": 56}, Point(WGS_84, (12.0, 56.0))),
        ({"longitude": 12, "latitude": 56, "height": 9}, Point(WGS_84_3D, (12.0, 56.0, 9.0))),
        ({"x": 12, "y": 56, "crs": "WGS-84"}, Point(WGS_84, (12.0, 56.0))),
        ({"x": 1, "y": 2, "srid": 7203}, Point(CARTESIAN, (1.0, 2.0))),
        ({"x": None, "y": 2}, None),
        ({"longitude": 1, "latitude": None}, None),
    ],
)
def test_a_point_from_a_map(parts, expected):
    assert point_from_map(parts) == expected


@pytest.mark.parametrize(
    ("parts", "error", "message"),
    [
        ({}, ArgumentError, "needs x and y"),
        ({"longitude": 1}, ArgumentError, "needs longitude and latitude"),
        ({"x": "1", "y": 2}, TypeMismatch, "are numbers"),
        ({"x": True, "y": 2}, TypeMismatch, "are numbers"),
        ({"x": 1, "y": 2, "crs": "moon"}, ArgumentError, "Unknown coordinate reference system"),
        ({"x": 1, "y": 2, "srid": 4979}, ArgumentError, "does not fit"),
        ({"x": 1, "y": 2, "z": 3, "srid": 4326}, ArgumentError, "does not fit"),
        ({"x": 1, "y": 2, "srid": 1}, ArgumentError, "does not fit"),
        ({"longitude": 0, "latitude": 91}, ArgumentError, "outside -90 to 90"),
        ({"x": math.nan, "y": 2}, ArgumentError, "finite"),
        ({"x": math.inf, "y": 2}, ArgumentError, "finite"),
    ],
)
def test_a_map_that_is_no_point(parts, error, message):
    with pytest.raises(error, match=message):
        point_from_map(parts)


@given(points)
def test_a_point_is_made_again_from_its_components(point):
    names = ("x", "y", "z")[: len(point.coordinates)]
    assert point_from_map({**{n: point.component(n) for n in names}, "crs": point.component("crs")}) == point
    assert point.component("srid") == point.srid
    assert point.component("w") is None


@given(points, points)
def test_distance_is_a_metric(a, b):
    there, back = distance(a, b), distance(b, a)
    assert (there is None) == (a.srid != b.srid)
    if there is not None and back is not None:
        assert there >= 0
        assert there == pytest.approx(back)
        assert distance(a, a) == 0


@given(st.tuples(*[st.builds(lambda x, y: Point(CARTESIAN, (x, y)), st.floats(-1e3, 1e3), st.floats(-1e3, 1e3))] * 3))
def test_no_detour_is_shorter(triple):
    a, b, c = triple
    direct, first, second = distance(a, c), distance(a, b), distance(b, c)
    assert direct is not None and first is not None and second is not None
    assert direct <= first + second + 1e-9


def test_distances_on_the_globe_are_metres():
    malmo, copenhagen = Point(WGS_84, (13.0, 55.6)), Point(WGS_84, (12.56, 55.67))
    metres = distance(malmo, copenhagen)
    assert metres == pytest.approx(28_750, rel=0.01)
    pole, antipode = Point(WGS_84, (0.0, 90.0)), Point(WGS_84, (0.0, -90.0))
    assert distance(pole, antipode) == pytest.approx(math.pi * 6_378_140)
    low, high = Point(WGS_84_3D, (0.0, 0.0, 0.0)), Point(WGS_84_3D, (0.0, 0.0, 100.0))
    assert distance(low, high) == pytest.approx(100.0)


def test_a_box_holds_its_corners_and_what_lies_between():
    low, high = Point(CARTESIAN, (0.0, 0.0)), Point(CARTESIAN, (2.0, 1.0))
    assert within_box(low, low, high) is True
    assert within_box(Point(CARTESIAN, (1.0, 1.0)), low, high) is True
    assert within_box(Point(CARTESIAN, (1.0, 1.1)), low, high) is False
    assert within_box(Point(WGS_84, (1.0, 0.5)), low, high) is None


def test_a_point_writes_itself_as_it_is_made():
    assert str(Point(WGS_84_3D, (1.0, 2.0, 3.0))) == (
        "point({longitude: 1.0, latitude: 2.0, height: 3.0, crs: 'wgs-84-3d'})"
    )
