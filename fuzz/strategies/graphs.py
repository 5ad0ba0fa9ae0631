"""Small graphs with everything that breaks engines: self-loops, parallel edges, missing values, NaN, mixed types."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from .drawing import Draw
from .values import generate_value, name_text, text_of
from .vocabulary import ID_KEY, KEYS, LABELS, MIXED, MIXED_KEY, TYPES, VECTOR_KEY

_FLOATS: Final = (1.0, 0.5, 2.0, -1.5, 4.0)


@dataclass(frozen=True)
class GraphSpec:
    """Nodes as (labels, properties); relationships as (source, target, type, properties), ends by position."""

    nodes: tuple[tuple[tuple[str, ...], dict[str, Any]], ...]
    relationships: tuple[tuple[int, int, str, dict[str, Any]], ...]

    def statement(self) -> str:
        """One CREATE that makes the graph, its nodes in order; empty for the empty graph."""
        parts = [f"(n{i}{_labels(labels)}{_map(props)})" for i, (labels, props) in enumerate(self.nodes)]
        parts += [f"(n{a})-[:{name_text(type)}{_map(props)}]->(n{b})" for a, b, type, props in self.relationships]
        return "CREATE " + ",\n       ".join(parts) if parts else ""

    def without_node(self, gone: int) -> GraphSpec:
        """The graph without one node and what is incident to it."""
        nodes = tuple(n for i, n in enumerate(self.nodes) if i != gone)
        kept = tuple(r for r in self.relationships if gone not in r[:2])
        return GraphSpec(nodes, tuple((a - (a > gone), b - (b > gone), t, p) for a, b, t, p in kept))


def _labels(labels: tuple[str, ...]) -> str:
    return "".join(f":{name_text(x)}" for x in labels)


def _map(properties: dict[str, Any]) -> str:
    return f" {text_of(properties)}" if properties else ""


def _properties(draw: Draw, percent: int) -> dict[str, Any]:
    found = {key: generate_value(draw, kind) for key, kind in KEYS.items() if draw.chance(percent)}
    if draw.chance(percent):
        found[VECTOR_KEY] = [draw.choice(_FLOATS), draw.choice(_FLOATS)]
    if draw.chance(40):
        found[MIXED_KEY] = generate_value(draw, draw.choice(MIXED))
    return found


def generate_graph(draw: Draw, smallest: int = 1, largest: int = 8) -> GraphSpec:
    """A graph of ``smallest`` to ``largest`` nodes and at most twice as many relationships."""
    # The larger of two, since most patterns do not match in the smallest graphs.
    count = max(draw.integer(smallest, largest), draw.integer(smallest, largest))
    nodes = tuple(
        (tuple(x for x in LABELS if draw.chance(45)), {**_properties(draw, 60), ID_KEY: i}) for i in range(count)
    )
    relationships = []
    for _ in range(draw.integer(count * 3 // 4, 2 * count) if count else 0):
        source, target = draw.integer(0, count - 1), draw.integer(0, count - 1)
        relationships.append((source, target, draw.choice(TYPES), _properties(draw, 35)))
    return GraphSpec(nodes, tuple(relationships))
