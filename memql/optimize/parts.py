"""The parts of a pattern by name: what an operator's rows were estimated by, so that runs can correct it.

A predicate has the same name in every statement. Following a relationship is named with its whole pattern: how many
there are depends on what else holds of their ends (who lives in one city follows others there), and what one pattern
shows would mislead another.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2s

from ..cost.corrections import part_of_predicate, part_of_relationships
from ..cost.selectivity import Selectivity
from ..plan.explain import show_relationship
from ..plan.pattern import PatternGraph
from .steps import BindNode, BindRelationship, Follow, Step, Test


def name_of(graph: PatternGraph) -> str:
    """A short name of a pattern, the same for all values of its parameters."""
    labels = {node.variable: node.labels for node in graph.nodes}
    parts = [f"{node.variable}:{':'.join(node.labels)}" for node in graph.nodes]
    parts += [show_relationship(relationship) for relationship in graph.relationships]
    parts += [part_of_predicate(predicate, labels) for predicate in graph.predicates]
    return blake2s("\n".join(parts).encode("utf-8", "surrogatepass"), digest_size=4).hexdigest()


def parts_of(step: Step, labels: Mapping[str, tuple[str, ...]], selectivity: Selectivity, name: str) -> tuple[str, ...]:
    """The names of what the rows of a step of the pattern ``name``, whose nodes have ``labels``, were estimated by."""
    match step:
        case Test(predicate, _):
            return (selectivity.part(predicate),)
        case BindNode(path) | BindRelationship(path, _):
            return tuple(map(selectivity.part, path.answers))
        case Follow():
            return (part_of_follow(step, labels, name),)
        case _:
            return ()


def part_of_follow(step: Follow, labels: Mapping[str, tuple[str, ...]], name: str) -> str:
    """The name of following a relationship in the pattern ``name``."""
    relationship = step.relationship
    source, target = labels.get(step.source, ()), () if step.bare else labels.get(step.target, ())
    part = part_of_relationships(source, relationship.types, target, step.direction, step.into)
    if relationship.length is not None:
        high = "" if relationship.length.high is None else relationship.length.high
        part += f" {relationship.length.low}..{high}"
    return f"{part} in pattern {name}"
