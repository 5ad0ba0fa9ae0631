"""Walking syntax trees without recursion: a tree may be deeper than Python's stack."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any, Final

from . import ast_expr as e
from . import ast_pattern as p

_LEAVES: Final = frozenset((e.Variable, e.Literal, e.Parameter, p.LabelName, p.LabelWildcard, p.Range))


@cache
def _fields(kind: type[e.Syntax]) -> tuple[str, ...]:
    return tuple(name for name in kind.__dataclass_fields__ if name != "span")


def parts(node: e.Syntax) -> Iterator[Any]:
    """A node's children that are syntax nodes, those in tuples too."""
    waiting = [getattr(node, name) for name in _fields(type(node))]
    while waiting:
        part = waiting.pop()
        if part is None or type(part) is str:
            continue
        if type(part) is tuple:
            waiting.extend(part)
        elif isinstance(part, e.Syntax):
            yield part


def walk(node: e.Syntax, stop: tuple[type, ...] = ()) -> Iterator[Any]:
    """``node`` and all below it; what is of a class in ``stop`` is named, not entered."""
    waiting = [node]
    while waiting:
        at = waiting.pop()
        yield at
        kind = type(at)
        if kind not in _LEAVES and kind not in stop:
            waiting.extend(parts(at))


def deepest(node: e.Syntax) -> e.Syntax:
    """The node that stands in the most others: where a statement that nests too deep does so."""
    found, most = node, 0
    waiting = [(node, 0)]
    while waiting:
        at, depth = waiting.pop()
        if depth > most:
            found, most = at, depth
        waiting.extend((part, depth + 1) for part in parts(at))
    return found
