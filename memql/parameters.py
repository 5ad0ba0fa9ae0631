"""Parameters from a client: checked, and made values of the engine."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

from memoradb.core import limits
from memoradb.core.errors import ArithmeticOverflow, LimitError, TypeMismatch
from memoradb.core.values import INTEGER_MAX, INTEGER_MIN, Node, NodeRef, Path, PathRef, Relationship, Value

from .bind.types import Type

_TYPES: dict[type, Type] = {
    type(None): Type.NULL,
    bool: Type.BOOLEAN,
    int: Type.INTEGER,
    float: Type.FLOAT,
    str: Type.STRING,
    bytes: Type.BYTES,
    list: Type.LIST,
    dict: Type.MAP,
}


def type_of(value: Value) -> Type:
    """The static type of a known value."""
    return _TYPES.get(type(value), Type.ANY)


def normalise_parameters(parameters: Mapping[str, Any]) -> dict[str, Value]:
    """All parameters as values of the engine.

    Raises:
        TypeMismatch: a value that MemQL has no type for, named by its path.
        LimitError: too many parameters, or nested too deep.
    """
    if len(parameters) > limits.PARAMETERS_MAX:
        raise LimitError(
            f"A statement takes at most {limits.PARAMETERS_MAX} parameters; {len(parameters)} were given.",
            limit="PARAMETERS_MAX",
            value=limits.PARAMETERS_MAX,
        )
    plain = {}
    for name, value in parameters.items():
        if not isinstance(name, str):
            raise TypeMismatch(f"Parameter names are strings, not {type(name).__name__}.")
        # The common case in one look: exact scalar types need no walk.
        kind = type(value)
        if kind is str or kind is float or kind is bool or value is None:
            plain[name] = value
        else:
            plain[name] = normalise(value, f"${name}")
    return plain


def normalise(value: Any, where: str = "value", depth: int = 0) -> Value:
    """One value: tuples as lists, numpy and datetime values as MemQL's.

    Args:
        value: what the client gave.
        where: how to name it in an error.
        depth: how many lists and maps it stands in.
    """
    kind = type(value)
    if kind is str or kind is float or kind is bool or value is None or kind is bytes:
        return value
    if kind is int:
        if not INTEGER_MIN <= value <= INTEGER_MAX:
            raise ArithmeticOverflow(f"{where} is beyond 64 bits: {value}.")
        return value
    if depth > limits.VALUE_DEPTH_MAX:
        raise LimitError(
            f"{where} is nested deeper than {limits.VALUE_DEPTH_MAX} levels.",
            limit="VALUE_DEPTH_MAX",
            value=limits.VALUE_DEPTH_MAX,
        )
    if isinstance(value, (list, tuple)):
        scalars = {type(v) for v in value}
        if scalars <= {str, float, bool, type(None)}:
            return list(value)
        return [normalise(v, f"{where}[{i}]", depth + 1) for i, v in enumerate(value)]
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str):
                raise TypeMismatch(f"{where} has a map key that is not a string: {key!r}.")
        return {k: normalise(v, f"{where}.{k}", depth + 1) for k, v in value.items()}
    if isinstance(value, (datetime.date, datetime.time, datetime.timedelta)):
        from memoradb.core.temporal import from_python

        return from_python(value)
    if kind.__module__.startswith("memoradb.core") and not isinstance(
        value, (Node, Relationship, Path, NodeRef, PathRef)
    ):
        return value
    if isinstance(value, (Node, Relationship, Path)):
        raise TypeMismatch(
            f"{where} is a {kind.__name__.lower()}: pass its id or elementId and match it.",
            detail="InvalidParameterType",
        )
    if kind.__module__ == "numpy":
        return normalise(getattr(value, "tolist")(), where, depth)  # noqa: B009 - any numpy type
    if isinstance(value, (int, float, str)):  # subclasses: enums, numpy's float64
        return normalise(
            int(value) if isinstance(value, int) else float(value) if isinstance(value, float) else str(value)
        )
    if isinstance(value, (set, frozenset, bytearray)):
        return bytes(value) if isinstance(value, bytearray) else normalise(sorted(value), where, depth)
    raise TypeMismatch(
        f"{where} is a Python {kind.__name__}, which MemQL has no type for.", detail="InvalidParameterType"
    )
