"""Vectors and points."""

from __future__ import annotations

from memoradb.core import spatial, vectors
from memoradb.core.errors import ArgumentError, TypeMismatch
from memoradb.core.semantics import type_name
from memoradb.core.spatial import Point
from memoradb.core.values import Value
from memoradb.core.vectors import Vector

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


@function("vector", (_V | Type.STRING, Type.INTEGER, Type.STRING), Type.VECTOR, required=1)
def _vector(x: Value, dimension: Value = None, coordinate_type: Value = "FLOAT32") -> Value:
    """A vector from a list of numbers or its text, of a dimension and an element type (FLOAT32 alone)."""
    elements = vectors.parse_elements(x) if type(x) is str else vectors.as_floats(x, "vector()")
    if dimension is not None and (type(dimension) is not int or dimension != len(elements)):
        raise ArgumentError(f"vector() was given {len(elements)} numbers for a dimension of {dimension}.")
    if coordinate_type not in ("FLOAT32", "FLOAT"):
        raise ArgumentError(f"vector() makes vectors of FLOAT32, not of {coordinate_type!r}.")
    return Vector(tuple(elements))


@function("vector_dimension_count", (Type.VECTOR,), Type.INTEGER)
def _dimension_count(x: Value) -> Value:
    """The number of a vector's elements."""
    if type(x) is not Vector:
        raise TypeMismatch(f"vector_dimension_count() takes a vector, not {type_name(x)}.")
    return len(x)


@function("vector_norm", (_V, Type.STRING), Type.FLOAT, required=1)
def _norm(x: Value, metric: Value = "EUCLIDEAN") -> Value:
    """A vector's length: EUCLIDEAN or MANHATTAN."""
    return vectors.norm(x, metric)


@function("vector_distance", (_V, _V, Type.STRING), Type.FLOAT, required=2)
def _vector_distance(a: Value, b: Value, metric: Value = "EUCLIDEAN") -> Value:
    """How far two vectors are apart: EUCLIDEAN, EUCLIDEAN_SQUARED, MANHATTAN, COSINE, DOT or HAMMING."""
    return vectors.distance(a, b, metric)


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
