"""Walking logical plans: children, and rewriting bottom-up. Nodes are frozen; an unchanged tree is the same object."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

from . import nodes
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


def children(node: LogicalNode) -> list[LogicalNode]:
    """The plans that feed ``node``; an inner side (of Apply, Foreach, Merge) comes last."""
    found: list[LogicalNode] = []
    for f in fields(node):
        value = getattr(node, f.name)
        if isinstance(value, _LOGICAL):
            found.append(value)  # pyright: ignore[reportArgumentType]
        elif isinstance(value, tuple) and value and isinstance(value[0], _LOGICAL):
            found.extend(value)
    return found


def map_children(node: LogicalNode, rule: Callable[[LogicalNode], LogicalNode]) -> LogicalNode:
    """``rule`` applied to each child; the same object where none changes."""
    changes: dict[str, Any] = {}
    for f in fields(node):
        value = getattr(node, f.name)
        if isinstance(value, _LOGICAL):
            mapped: Any = rule(value)  # pyright: ignore[reportArgumentType]
            if mapped is not value:
                changes[f.name] = mapped
        elif isinstance(value, tuple) and value and isinstance(value[0], _LOGICAL):
            mapped = tuple(rule(v) for v in value)
            if any(a is not b for a, b in zip(value, mapped, strict=True)):
                changes[f.name] = mapped
    return replace(node, **changes) if changes else node


def rewrite_up(node: LogicalNode, rule: Callable[[LogicalNode], LogicalNode]) -> LogicalNode:
    """``rule`` applied to every node, leaves first."""
    return rule(map_children(node, lambda child: rewrite_up(child, rule)))
