"""Applying an expression rule to every expression of a logical node."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import is_dataclass, replace

from ..plan import expr as expressions
from ..plan.expr import Expr
from ..plan.nodes import (
    Aggregate,
    LogicalNode,
    NewNode,
    NewRelationship,
    SetLabelsItem,
    SetPropertiesItem,
    SetPropertyItem,
    SortKey,
)
from ..plan.pattern import PatternGraph, PatternRelationship

_CARRIERS = frozenset(
    (
        Aggregate,
        NewNode,
        NewRelationship,
        SortKey,
        SetLabelsItem,
        SetPropertiesItem,
        SetPropertyItem,
        PatternGraph,
        PatternRelationship,
    )
)


def map_expressions(node: LogicalNode, rule: Callable[[Expr], Expr]) -> LogicalNode:
    """``rule`` applied to each whole expression that ``node`` itself holds; the same object where none changes."""
    mapped = _map_fields(node, rule)
    return mapped  # pyright: ignore[reportReturnType]


def _map_fields(holder: object, rule: Callable[[Expr], Expr]) -> object:
    assert is_dataclass(holder) and not isinstance(holder, type)
    changes = {}
    for name in expressions.field_names(type(holder)):
        value = getattr(holder, name)
        mapped = _map_value(value, rule)
        if mapped is not value:
            changes[name] = mapped
    return replace(holder, **changes) if changes else holder


def _map_value(value: object, rule: Callable[[Expr], Expr]) -> object:
    kind = type(value)
    if kind is str:
        return value
    if kind is tuple:
        changed, mapped = False, list[object]()
        for item in value:  # pyright: ignore[reportGeneralTypeIssues, reportUnknownVariableType]
            made = item if type(item) is str else _map_value(item, rule)
            changed |= made is not item
            mapped.append(made)
        return tuple(mapped) if changed else value
    if expressions.is_expression(value):
        return rule(value)  # pyright: ignore[reportArgumentType]
    return _map_fields(value, rule) if kind in _CARRIERS else value
