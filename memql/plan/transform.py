"""Walking logical plans: children, and rewriting bottom-up. Nodes are frozen; an unchanged tree is the same object."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from . import nodes
from .expr import field_names
from .nodes import LogicalNode

_LOGICAL: tuple[type, ...] = (
    nodes.Argument,
    nodes.Match,
    nodes.Selection,
    nodes.Projection,
    nodes.Aggregation,
    nodes.Distinct,
    nodes.Sort,
    nodes.Top,
    nodes.Skip,
    nodes.Limit,
    nodes.Unwind,
    nodes.Apply,
    nodes.Foreach,
    nodes.Union,
    nodes.ProcedureCall,
    nodes.VectorSearch,
    nodes.TextSearch,
    nodes.Create,
    nodes.Update,
    nodes.Delete,
    nodes.Merge,
    nodes.Eager,
    nodes.ProduceResults,
    nodes.CreateIndex,
    nodes.DropIndex,
    nodes.ShowIndexes,
)


_CLASSES: Final = frozenset(_LOGICAL)


def is_logical(value: object) -> bool:
    """Whether a value is a node of the logical algebra: no class of it is subclassed."""
    return type(value) in _CLASSES


def children(node: LogicalNode) -> list[LogicalNode]:
    """The plans that feed ``node``; an inner side (of Apply, Foreach, Merge) comes last."""
    found: list[LogicalNode] = []
    for name in field_names(type(node)):
        value = getattr(node, name)
        if type(value) in _CLASSES:
            found.append(value)
        elif type(value) is tuple and value and type(value[0]) in _CLASSES:
            found.extend(value)
    return found


def map_children(node: LogicalNode, rule: Callable[[LogicalNode], LogicalNode]) -> LogicalNode:
    """``rule`` applied to each child; the same object where none changes."""
    changes: dict[str, Any] = {}
    for name in field_names(type(node)):
        value = getattr(node, name)
        if type(value) in _CLASSES:
            mapped: Any = rule(value)
            if mapped is not value:
                changes[name] = mapped
        elif type(value) is tuple and value and type(value[0]) in _CLASSES:
            mapped = tuple(rule(v) for v in value)
            if any(a is not b for a, b in zip(value, mapped, strict=True)):
                changes[name] = mapped
    return replace(node, **changes) if changes else node


def rewrite_up(node: LogicalNode, rule: Callable[[LogicalNode], LogicalNode]) -> LogicalNode:
    """``rule`` applied to every node, leaves first."""
    return rule(map_children(node, lambda child: rewrite_up(child, rule)))
