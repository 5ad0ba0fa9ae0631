"""Vectors: similarity functions, and the value type for vectors with a declared element type."""

# A value narrowed by its type keeps unknown parts (lists of any values): strictness about those has no use here.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .errors import ArgumentError, TypeMismatch
from .values import Value


@dataclass(frozen=True, slots=True)
class Vector:
    """A vector of fixed dimension; elements are kept as Python floats (float32 on disk)."""

    elements: tuple[float, ...]

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
