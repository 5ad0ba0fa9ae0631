"""Python sequences as columns, and the checks that every load begins with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from memoradb.core.columns import Column, IntArray, Kind, TypedColumn, lift
from memoradb.core.errors import ArgumentError, TypeMismatch
from memoradb.core.values import Value
from memoradb.memql.parameters import normalise

Columns = Mapping[str, Column]


def as_column(values: Sequence[Value], name: str) -> Column:
    """A list or a numpy array as a column; ``name`` is for errors.

    Raises:
        TypeMismatch: a Python object that is no value.
    """
    if isinstance(values, np.ndarray) and values.ndim == 1:
        if values.dtype.kind == "i":
            return TypedColumn(Kind.INTEGER, values.astype(np.int64))
        if values.dtype.kind == "f":
            return TypedColumn(Kind.FLOAT, values.astype(np.float64))
        if values.dtype.kind == "b":
            return TypedColumn(Kind.BOOLEAN, values)
    return lift([normalise(v, f"{name}[{i}]") for i, v in enumerate(values)])


def as_ids(ids: Sequence[int], which: str) -> IntArray:
    """Ids of nodes as an array; TypeMismatch where they are no integers."""
    array = np.asarray(ids)
    if array.ndim != 1 or (len(array) and array.dtype.kind not in "iu"):
        raise TypeMismatch(f"The {which} ids are integers, one for each relationship.")
    return array.astype(np.int64)


def common_length(columns: Mapping[str, Sequence[Value]]) -> int:
    """The length that all columns have; ArgumentError where they differ."""
    lengths = {len(values) for values in columns.values()}
    if len(lengths) > 1:
        shown = ", ".join(f"`{name}` {len(values)}" for name, values in columns.items())
        raise ArgumentError(f"Columns of different lengths: {shown}.")
    return lengths.pop() if lengths else 0


def check_name(name: object, what: str) -> None:
    """ArgumentError unless ``name`` can be a label or a type."""
    if not isinstance(name, str) or not name:
        raise ArgumentError(f"{what} is a string that is not empty, not {name!r}.")


def named(names: Iterable[str] | Mapping[str, Any]) -> str:
    """Names for a message."""
    return ", ".join(f"`{n}`" for n in names) or "none"
