"""Points in four coordinate reference systems, and their distances."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from .errors import ArgumentError, TypeMismatch
from .values import Value

WGS_84: Final = 4326
WGS_84_3D: Final = 4979
CARTESIAN: Final = 7203
CARTESIAN_3D: Final = 9157

CRS_NAMES: Final = {
    WGS_84: "wgs-84",
    WGS_84_3D: "wgs-84-3d",
    CARTESIAN: "cartesian",
    CARTESIAN_3D: "cartesian-3d",
}
EARTH_RADIUS_M: Final = 6_378_140.0
"""As Neo4j's haversine takes it."""


@dataclass(frozen=True, slots=True)
class Point:
    """A place: ``coordinates`` are (x, y[, z]), for WGS 84 (longitude, latitude[, height])."""

    srid: int
    coordinates: tuple[float, ...]

    def __str__(self) -> str:
        names = ("longitude", "latitude", "height") if self.srid in (WGS_84, WGS_84_3D) else ("x", "y", "z")
        parts = ", ".join(f"{n}: {c}" for n, c in zip(names, self.coordinates, strict=False))
        return f"point({{{parts}, crs: '{CRS_NAMES[self.srid]}'}})"

    def component(self, key: str) -> Value:
        """x, y, z, longitude, latitude, height, crs or srid; None for anything else."""
        geographic = self.srid in (WGS_84, WGS_84_3D)
        match key:
            case "crs":
                return CRS_NAMES[self.srid]
            case "srid":
                return self.srid
            case "x" | "y" | "z":
                place = "xyz".index(key)
            case "longitude" | "latitude" | "height" if geographic:
                place = ("longitude", "latitude", "height").index(key)
            case _:
                return None
        return self.coordinates[place] if place < len(self.coordinates) else None


def point_from_map(parts: dict[str, Value]) -> Point | None:
    """``point({...})``; None where a coordinate is null."""
    if any(parts.get(k, 0) is None for k in ("x", "y", "z", "longitude", "latitude", "height")):
        return None
    geographic = "longitude" in parts or "latitude" in parts
    keys = ("longitude", "latitude", "height") if geographic else ("x", "y", "z")
    found = [parts.get(k) for k in keys]
    if found[0] is None or found[1] is None:
        raise ArgumentError(f"point() needs {keys[0]} and {keys[1]}.")
    coordinates: list[float] = []
    for value in found:
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise TypeMismatch("Coordinates of a point are numbers.")
        if not math.isfinite(value):
            raise ArgumentError(f"Coordinates of a point are finite, not {value}.")
        coordinates.append(float(value))
    deep = len(coordinates) == 3
    by_name = {name: srid for srid, name in CRS_NAMES.items()}
    asked = parts.get("srid", by_name.get(str(parts.get("crs", "")).lower()))
    if asked is None and "crs" in parts:
        raise ArgumentError(f"Unknown coordinate reference system {parts['crs']!r}.")
    if asked is None:
        asked = (WGS_84_3D if deep else WGS_84) if geographic else (CARTESIAN_3D if deep else CARTESIAN)
    if asked not in CRS_NAMES or (asked in (WGS_84_3D, CARTESIAN_3D)) != deep:
        raise ArgumentError(f"SRID {asked} does not fit a point with {len(coordinates)} coordinates.")
    if asked in (WGS_84, WGS_84_3D) and not -90.0 <= coordinates[1] <= 90.0:
        raise ArgumentError(f"Latitude {coordinates[1]} is outside -90 to 90.")
    return Point(int(asked), tuple(coordinates))


def distance(a: Point, b: Point) -> float | None:
    """Metres on the sphere (haversine) for WGS 84, Euclidean otherwise; None across systems."""
    if a.srid != b.srid:
        return None
    if a.srid in (CARTESIAN, CARTESIAN_3D):
        return math.dist(a.coordinates, b.coordinates)
    (lon_a, lat_a), (lon_b, lat_b) = a.coordinates[:2], b.coordinates[:2]
    phi_a, phi_b = math.radians(lat_a), math.radians(lat_b)
    half = math.sin((phi_b - phi_a) / 2) ** 2
    half += math.cos(phi_a) * math.cos(phi_b) * math.sin(math.radians(lon_b - lon_a) / 2) ** 2
    radius = EARTH_RADIUS_M
    if a.srid == WGS_84_3D:
        radius += (a.coordinates[2] + b.coordinates[2]) / 2
    ground = 2 * radius * math.asin(min(1.0, math.sqrt(half)))
    if a.srid == WGS_84_3D:
        return math.hypot(ground, a.coordinates[2] - b.coordinates[2])
    return ground


def within_box(point: Point, low: Point, high: Point) -> bool | None:
    """Whether ``point`` lies in the box between two corners; None across systems."""
    if not point.srid == low.srid == high.srid:
        return None
    return all(a <= p <= b for p, a, b in zip(point.coordinates, low.coordinates, high.coordinates, strict=True))
