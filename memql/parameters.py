"""Parameters from a client: checked, and made values of the engine."""

from __future__ import annotations

import datetime
from collections.abc import Collection, Mapping, Sequence
from itertools import chain
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
        TypeMismatch: a value that MemQL has no type for, named by its path, or text that is none.
        ArithmeticOverflow: an integer beyond 64 bits.
        LimitError: too many parameters, or nested too deep.
    """
    if type(parameters) is not dict and not isinstance(parameters, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeMismatch(
            f"Parameters are a map of names to values, not a Python {type(parameters).__name__}.",
            hint='Write {"name": value}.',
            detail="InvalidParameterType",
        )
    if len(parameters) > limits.PARAMETERS_MAX:
        raise LimitError(
            f"A statement takes at most {limits.PARAMETERS_MAX:,} parameters; {len(parameters):,} were given.",
            limit="PARAMETERS_MAX",
            value=limits.PARAMETERS_MAX,
            hint="Pass one list, and UNWIND it.",
        )
    plain = {}
    for name, value in parameters.items():
        if type(name) is not str and not isinstance(name, str):
            raise TypeMismatch(
                f"Parameter names are strings, not a Python {type(name).__name__}.", detail="InvalidParameterType"
            )
        # The common case in one look: exact scalar types need no walk.
        kind = type(value)
        if (
            (kind is int and INTEGER_MIN <= value <= INTEGER_MAX)
            or (kind is str and value.isascii())
            or kind is float
            or kind is bool
            or value is None
        ):
            plain[name] = value
        else:
            plain[name] = normalise(value, f"${name}")
    return plain


_SCALARS = frozenset((str, float, bool, int, type(None)))


def _is_plain(values: Collection[Any]) -> bool:
    """Whether all are scalars that may stay as they are: the usual values of an UNWIND, looked at without a walk."""
    kinds = set(map(type, values))
    if not kinds <= _SCALARS:
        return False
    if str in kinds and not all(map(str.isascii, (v for v in values if type(v) is str))):
        return False
    if int not in kinds:
        return True
    numbers = values if len(kinds) == 1 else [v for v in values if type(v) is int]
    return min(numbers) >= INTEGER_MIN and max(numbers) <= INTEGER_MAX


def _plain_rows(rows: Sequence[Any]) -> bool:
    """Whether all are dictionaries of names and plain scalars: the usual rows of an UNWIND, taken as one."""
    if set(map(type, rows)) != {dict}:
        return False
    names = set(chain.from_iterable(rows))
    if not all(type(name) is str and name.isascii() for name in names):
        return False
    return _is_plain(list(chain.from_iterable(map(dict.values, rows))))


def _text(value: str, where: str) -> str:
    """A string that can be stored and sent."""
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise TypeMismatch(
                f"{where} holds U+{ord(value[error.start]):04X} at {error.start}, half of a surrogate pair.",
                hint="The text was decoded wrongly before it came here.",
                detail="InvalidParameterType",
            ) from None
    return value


def normalise(value: Any, where: str = "value", depth: int = 0) -> Value:
    """One value: tuples as lists, numpy and datetime values as MemQL's.

    Args:
        value: what the client gave.
        where: how to name it in an error.
        depth: how many lists and maps it stands in.
    """
    kind = type(value)
    if kind is str:
        return _text(value, where)
    if kind is float or kind is bool or value is None or kind is bytes:
        return value
    if kind is int:
        if not INTEGER_MIN <= value <= INTEGER_MAX:
            shown = value if value.bit_length() < 256 else f"{value.bit_length():,} bits"
            raise ArithmeticOverflow(f"{where} does not fit 64 bits: {shown}.")
        return value
    if depth > limits.VALUE_DEPTH_MAX:
        raise LimitError(
            f"{where} is nested deeper than {limits.VALUE_DEPTH_MAX} levels.",
            limit="VALUE_DEPTH_MAX",
            value=limits.VALUE_DEPTH_MAX,
            hint="A list that holds itself has no end either.",
        )
    if isinstance(value, (list, tuple)):
        if _is_plain(value):
            return list(value)
        if depth < limits.VALUE_DEPTH_MAX and _plain_rows(value):
            return list(map(dict.copy, value))
        return [normalise(v, f"{where}[{i}]", depth + 1) for i, v in enumerate(value)]
    if isinstance(value, Mapping):
        if kind is dict and set(map(type, value)) == {str} and all(map(str.isascii, value)):
            if _is_plain(value.values()):
                return dict(value)
        for key in value:
            if not isinstance(key, str):
                raise TypeMismatch(
                    f"{where} has a map key that is no string but a Python {type(key).__name__}.",
                    detail="InvalidParameterType",
                )
            _text(key, f"A key of {where}")
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
        plain = (
            int(value) if isinstance(value, int) else float(value) if isinstance(value, float) else str.__str__(value)
        )
        return normalise(plain, where, depth)
    if isinstance(value, (bytearray, memoryview)):
        return bytes(value)
    if isinstance(value, (set, frozenset)):
        from memoradb.core.semantics import order_key

        return sorted((normalise(v, where, depth + 1) for v in value), key=order_key)
    raise TypeMismatch(
        f"{where} is a Python {kind.__name__}, which MemQL has no type for.",
        hint=f"Convert it first: {_CONVERSIONS.get(kind.__name__, 'str(value)')}.",
        detail="InvalidParameterType",
    )


_CONVERSIONS = {"Decimal": "float(value)", "Fraction": "float(value)", "complex": "[value.real, value.imag]"}
