"""Vectors: similarity functions, and the value type for vectors with a declared element type."""

# A value narrowed by its type keeps unknown parts (lists of any values): strictness about those has no use here.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

import math
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .errors import ArgumentError, TypeMismatch
from .limits import VECTOR_DIMENSIONS_MAX
from .values import Value


@dataclass(frozen=True, slots=True)
class Vector:
    """A vector of fixed dimension. Elements are Python floats that 32 bits hold: what is given is rounded to that.

    Raises:
        ArgumentError: no elements, too many, or one that is not a finite number of 32 bits.

    >>> Vector((1, 0.1)).elements
    (1.0, 0.10000000149011612)
    """

    elements: tuple[float, ...]

    def __post_init__(self) -> None:
        count = len(self.elements)
        if not 1 <= count <= VECTOR_DIMENSIONS_MAX:
            raise ArgumentError(f"A vector has 1 to {VECTOR_DIMENSIONS_MAX} dimensions, not {count}.")
        try:
            # Rounded here, not when stored: a vector is the same before and after it was on disk.
            rounded = struct.unpack(f"<{count}f", struct.pack(f"<{count}f", *self.elements))
        except OverflowError:
            raise ArgumentError("An element of a vector does not fit 32 bits.") from None
        if not all(map(math.isfinite, rounded)):
            raise ArgumentError("The elements of a vector are finite numbers.")
        object.__setattr__(self, "elements", rounded)

    def __len__(self) -> int:
        return len(self.elements)

    def __iter__(self) -> Iterator[float]:
        return iter(self.elements)

    def __str__(self) -> str:
        return f"vector([{', '.join(map(str, self.elements))}], {len(self.elements)}, FLOAT32)"


def as_floats(value: Value, what: str) -> Sequence[float]:
    """``value`` as numbers; TypeMismatch where it is no list of numbers."""
    items = value.elements if isinstance(value, Vector) else value
    if not isinstance(items, (list, tuple)) or not all(
        isinstance(x, (int, float)) and not isinstance(x, bool) for x in items
    ):
        raise TypeMismatch(f"{what} takes lists of numbers.")
    return [float(x) for x in items]


def parse_elements(text: str) -> list[float]:
    """The numbers of ``"[1, 2.5]"``; ArgumentError where the text is no such list.

    >>> parse_elements("[1, -2.5e3]")
    [1.0, -2500.0]
    """
    inner = text.strip()
    if not (inner.startswith("[") and inner.endswith("]")) or not inner[1:-1].strip():
        raise ArgumentError(f"{text[:40]!r} is not a list of numbers in brackets.")
    try:
        return [float(part) for part in inner[1:-1].split(",")]
    except ValueError:
        raise ArgumentError(f"{text[:40]!r} is not a list of numbers in brackets.") from None


def _pair(a: Value, b: Value, what: str) -> tuple[Sequence[float], Sequence[float]]:
    x, y = as_floats(a, what), as_floats(b, what)
    if len(x) != len(y) or not x:
        raise ArgumentError(f"{what} takes two vectors of the same dimension, not {len(x)} and {len(y)}.")
    return x, y


def cosine_similarity(a: Value, b: Value) -> float:
    """(1 + cos) / 2, between 0 and 1, as Neo4j scores it.

    >>> cosine_similarity([1, 0], [0, 1])
    0.5
    """
    x, y = _pair(a, b, "vector.similarity.cosine()")
    dot = math.fsum(p * q for p, q in zip(x, y, strict=True))
    norm = math.sqrt(math.fsum(p * p for p in x)) * math.sqrt(math.fsum(q * q for q in y))
    if norm == 0.0:
        raise ArgumentError("vector.similarity.cosine() of a zero vector has no value.")
    return (1.0 + dot / norm) / 2.0


def euclidean_similarity(a: Value, b: Value) -> float:
    """1 / (1 + squared distance).

    >>> euclidean_similarity([0, 0], [1, 0])
    0.5
    """
    x, y = _pair(a, b, "vector.similarity.euclidean()")
    return 1.0 / (1.0 + math.fsum((p - q) ** 2 for p, q in zip(x, y, strict=True)))


def norm(a: Value, metric: Value = "EUCLIDEAN") -> float:
    """The length of a vector.

    >>> norm([3, -4]), norm([3, -4], "MANHATTAN")
    (5.0, 7.0)
    """
    x = as_floats(a, "vector_norm()")
    if metric == "EUCLIDEAN":
        return math.hypot(*x)
    if metric == "MANHATTAN":
        return math.fsum(map(abs, x))
    raise ArgumentError(f"vector_norm() knows EUCLIDEAN and MANHATTAN, not {metric!r}.")


def distance(a: Value, b: Value, metric: Value = "EUCLIDEAN") -> float:
    """How far two vectors are apart; smaller is nearer, so DOT is negated.

    >>> distance([0, 0], [3, 4]), distance([1, 2], [3, 4], "DOT"), distance([1, 0], [0, 1], "COSINE")
    (5.0, -11.0, 1.0)
    """
    x, y = _pair(a, b, "vector_distance()")
    match metric:
        case "EUCLIDEAN":
            return math.dist(x, y)
        case "EUCLIDEAN_SQUARED":
            return math.fsum((p - q) ** 2 for p, q in zip(x, y, strict=True))
        case "MANHATTAN":
            return math.fsum(abs(p - q) for p, q in zip(x, y, strict=True))
        case "COSINE":
            return 2.0 - 2.0 * cosine_similarity(a, b)
        case "DOT":
            return -math.fsum(p * q for p, q in zip(x, y, strict=True))
        case "HAMMING":
            return float(sum(p != q for p, q in zip(x, y, strict=True)))
        case _:
            raise ArgumentError(
                "vector_distance() knows EUCLIDEAN, EUCLIDEAN_SQUARED, MANHATTAN, COSINE, DOT and HAMMING, "
                f"not {metric!r}."
            )
