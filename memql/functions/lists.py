"""Lists, and what strings and maps share with them."""

from __future__ import annotations

from memoradb.core.errors import ArgumentError, LimitError, TypeMismatch
from memoradb.core.limits import LIST_LENGTH_MAX
from memoradb.core.semantics import equals, type_name
from memoradb.core.values import Value
from memoradb.core.vectors import Vector

from ..bind.types import Type
from .registry import function

_L, _I, _S = Type.LIST, Type.INTEGER, Type.STRING


def _list(value: Value, name: str) -> list[Value]:
    if type(value) is list:
        return value
    raise TypeMismatch(f"{name}() takes a list, not {type_name(value)}.")


@function("size", (_L | _S | Type.VECTOR,), _I)
def _size(x: Value) -> Value:
    """The number of elements or characters."""
    if type(x) is list or type(x) is str or type(x) is Vector:
        return len(x)
    raise TypeMismatch(f"size() takes a list or a string, not {type_name(x)}.")


@function("head", (_L,), Type.ANY)
def _head(x: Value) -> Value:
    """The first element, null where there is none."""
    items = _list(x, "head")
    return items[0] if items else None


@function("last", (_L,), Type.ANY)
def _last(x: Value) -> Value:
    """The last element, null where there is none."""
    items = _list(x, "last")
    return items[-1] if items else None


@function("tail", (_L,), _L)
def _tail(x: Value) -> Value:
    """All elements but the first."""
    return _list(x, "tail")[1:]


@function("reverse", (_L | _S,), _L | _S)
def _reverse(x: Value) -> Value:
    """The elements or characters in the opposite order."""
    if type(x) is list or type(x) is str:
        return x[::-1]
    raise TypeMismatch(f"reverse() takes a list or a string, not {type_name(x)}.")


# Wrong types of range() are found when it runs, as the kit wants it, so any type passes the binder.
@function("range", (Type.ANY, Type.ANY, Type.ANY), _L, required=2)
def _range(start: Value, end: Value, step: Value = 1) -> Value:
    """The integers from start to end, both included, by a step."""
    for value in (start, end, step):
        if type(value) is not int:
            raise ArgumentError(f"range() takes integers, not {type_name(value)}.", detail="InvalidArgumentType")
    if step == 0:
        raise ArgumentError("range() takes a step other than 0.", detail="NumberOutOfRange")
    count = max(0, (end - start) // step + 1)
    if count > LIST_LENGTH_MAX:
        raise LimitError(f"range() would make {count} elements.", limit="LIST_LENGTH_MAX", value=LIST_LENGTH_MAX)
    return list(range(start, start + count * step, step))


@function("isEmpty", (_L | _S | Type.MAP,), Type.BOOLEAN)
def _is_empty(x: Value) -> Value:
    """Whether a list, map or string has nothing in it."""
    if type(x) in (list, str, dict):
        return not x
    raise TypeMismatch(f"isEmpty() takes a list, a map or a string, not {type_name(x)}.")


@function("nullIf", (Type.ANY, Type.ANY), Type.ANY, null_propagates=False)
def _null_if(a: Value, b: Value) -> Value:
    """Null where both are equal, else the first."""
    return None if equals(a, b) is True else a
