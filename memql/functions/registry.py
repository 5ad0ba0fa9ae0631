"""Declared functions: what the binder checks, what kernels call.

Operators are functions with names like ``+`` and ``STARTS WITH``. A definition says what a function takes and gives in
static types, so that a call that can never be right is an error before anything runs. Families are imported when the
first name is looked up.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from memoradb.core.values import Value

from ..bind.types import Type


@dataclass(frozen=True, slots=True)
class FunctionDefinition:
    """A scalar or aggregate function.

    ``parameters`` are static types, the last one repeated where ``variadic``; ``required`` of them must be given.
    ``null_propagates``: any null argument gives null without a call. ``needs_context``: ``evaluate`` gets the
    statement's context first. ``volatile``: equal arguments may give different values.
    """

    name: str
    parameters: tuple[Type, ...]
    required: int
    variadic: bool
    result: Type
    null_propagates: bool
    evaluate: Callable[..., Value]
    needs_context: bool = False
    volatile: bool = False
    aggregate: bool = False
    description: str = ""

    @property
    def signature(self) -> str:
        """``name(parameters) :: result`` for people."""
        shown = [_type_text(t) + ("" if i < self.required else "?") for i, t in enumerate(self.parameters)]
        if self.variadic and shown:
            shown[-1] += "..."
        return f"{self.name}({', '.join(shown)}) :: {_type_text(self.result)}"


def _type_text(type: Type) -> str:
    plain = type & ~Type.NULL
    if plain == Type.ANY & ~Type.NULL:
        return "ANY"
    return " | ".join(t.name or "" for t in plain).replace("_", " ") or "NULL"


_FUNCTIONS: dict[str, FunctionDefinition] = {}
_loaded = False
_loading = threading.RLock()


def function(
    name: str,
    parameters: tuple[Type, ...] = (),
    result: Type = Type.ANY,
    *,
    required: int | None = None,
    variadic: bool = False,
    null_propagates: bool = True,
    needs_context: bool = False,
    volatile: bool = False,
    aliases: tuple[str, ...] = (),
) -> Callable[[Callable[..., Value]], Callable[..., Value]]:
    """Declare the decorated function under ``name`` (any case) and ``aliases``."""

    def declare(evaluate: Callable[..., Value]) -> Callable[..., Value]:
        description = (evaluate.__doc__ or "").strip().split("\n")[0]
        for shown in (name, *aliases):
            definition = FunctionDefinition(
                shown,
                tuple(p | Type.NULL for p in parameters),
                len(parameters) if required is None else required,
                variadic,
                result | Type.NULL,
                null_propagates,
                evaluate,
                needs_context,
                volatile,
                description=description,
            )
            _FUNCTIONS[shown.lower()] = definition
        return evaluate

    return declare


def declare_aggregate(name: str, parameters: tuple[Type, ...], result: Type, description: str) -> None:
    """Declare an aggregate; what it computes is in ``functions.aggregate``."""

    def refuse(*_: Any) -> Value:
        raise AssertionError(f"{name} is an aggregate")

    _FUNCTIONS[name.lower()] = FunctionDefinition(
        name,
        tuple(p | Type.NULL for p in parameters),
        len(parameters),
        False,
        result | Type.NULL,
        False,
        refuse,
        aggregate=True,
        description=description,
    )


def declare_operator(name: str, evaluate: Callable[..., Value], operands: tuple[Type, ...], result: Type) -> None:
    """Declare an operator; its evaluation handles null itself."""
    _FUNCTIONS[name.lower()] = FunctionDefinition(
        name, tuple(o | Type.NULL for o in operands), len(operands), False, result | Type.NULL, False, evaluate
    )


def _load() -> None:
    global _loaded
    if _loaded:
        return
    with _loading:  # another thread may be at it: a function that is not declared yet is none to this one
        if not _loaded:
            from . import aggregate, conversion, graph, lists, numeric, operators, temporal, text, vector

            del aggregate, conversion, graph, lists, numeric, operators, temporal, text, vector
            _loaded = True


def lookup(name: str) -> FunctionDefinition | None:
    """The built-in function called ``name`` in lower case (operators as written)."""
    _load()
    return _FUNCTIONS.get(name.lower())


def all_functions() -> Iterator[FunctionDefinition]:
    """All built-in functions and operators, by name."""
    _load()
    return iter(sorted(_FUNCTIONS.values(), key=lambda f: f.name.lower()))


class FunctionRegistry:
    """The built-in functions and those that one database adds."""

    def __init__(self) -> None:
        self._added: dict[str, FunctionDefinition] = {}

    def register(self, definition: FunctionDefinition) -> None:
        """Add or replace a function of this database."""
        self._added[definition.name.lower()] = definition

    def lookup(self, name: str) -> FunctionDefinition | None:
        """The function called ``name``, in any case."""
        return self._added.get(name.lower()) or lookup(name)

    def __iter__(self) -> Iterator[FunctionDefinition]:
        return iter(sorted([*all_functions(), *self._added.values()], key=lambda f: f.name.lower()))
