"""Vectors and points."""

from __future__ import annotations

from memoradb.core import spatial, vectors
from memoradb.core.errors import TypeMismatch
from memoradb.core.semantics import type_name
from memoradb.core.spatial import Point
from memoradb.core.values import Value

from ..bind.types import Type
from .registry import function

_V = Type.LIST | Type.VECTOR


@function("vector.similarity.cosine", (_V, _V), Type.FLOAT)
def _cosine(a: Value, b: Value) -> Value:
    """How alike two vectors' directions are: 0 (opposite) to 1 (the same)."""
    return vectors.cosine_similarity(a, b)


@function("vector.similarity.euclidean", (_V, _V), Type.FLOAT)
def _euclidean(a: Value, b: Value) -> Value:
    """How near two vectors are: 1 / (1 + squared distance)."""
    return vectors.euclidean_similarity(a, b)


@function("point", (Type.MAP,), Type.POINT)
def _point(x: Value) -> Value:
    """A point, from a map of coordinates."""
    if not isinstance(x, dict):
        raise TypeMismatch(f"point() takes a map, not {type_name(x)}.")
    return spatial.point_from_map(x)


@function("point.distance", (Type.POINT, Type.POINT), Type.FLOAT, aliases=("distance",))
def _distance(a: Value, b: Value) -> Value:
    """The distance of two points: metres on Earth, units elsewhere."""
    if not isinstance(a, Point) or not isinstance(b, Point):
        return None
    return spatial.distance(a, b)


@function("point.withinBBox", (Type.POINT, Type.POINT, Type.POINT), Type.BOOLEAN)
def _within(point: Value, low: Value, high: Value) -> Value:
    """Whether a point lies in the box between two corners."""
    if not isinstance(point, Point) or not isinstance(low, Point) or not isinstance(high, Point):
        return None
    return spatial.within_box(point, low, high)
