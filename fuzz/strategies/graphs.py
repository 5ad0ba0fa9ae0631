"""Small graphs with everything that breaks engines: self-loops, parallel edges, nulls, NaN, mixed types."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

LABELS: tuple[str, ...] = ("A", "B", "C")
TYPES: tuple[str, ...] = ("R", "S")
KEYS = tuple("xys")

values: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.integers(-3, 3),
    st.integers(-(2**62), 2**62),
    st.sampled_from([0.0, 1.0, -1.5, float("nan"), float("inf")]),
    st.booleans(),
    st.sampled_from(["", "a", "ab", "b", "ä", "'"]),
    st.lists(st.integers(0, 2), max_size=2),
)


properties = st.dictionaries(st.sampled_from(KEYS), values, max_size=3)


@dataclass(frozen=True)
class GraphSpec:
    """Nodes as (labels, properties); relationships as (source, target, type, properties)."""

    nodes: tuple[tuple[tuple[str, ...], dict[str, Any]], ...]
    relationships: tuple[tuple[int, int, str, dict[str, Any]], ...]

    def load(self, database: Any) -> None:
        """Create it all in one transaction."""
        with database.transaction() as transaction:
            for i, (labels, props) in enumerate(self.nodes):
                names = "".join(f":{x}" for x in labels)
                transaction.execute(f"CREATE (n{names}) SET n = $p, n.id = $i", {"p": props, "i": i})
            for source, target, type, props in self.relationships:
                transaction.execute(
                    f"MATCH (a {{id: $a}}), (b {{id: $b}}) CREATE (a)-[r:{type}]->(b) SET r = $p",
                    {"a": source, "b": target, "p": props},
                )


@st.composite
def graphs(draw: st.DrawFn) -> GraphSpec:
    """Up to six nodes and eight relationships."""
    labels = st.lists(st.sampled_from(LABELS), max_size=2, unique=True).map(tuple)
    nodes = draw(st.lists(st.tuples(labels, properties), min_size=1, max_size=6))
    ends = st.integers(0, len(nodes) - 1)
    relationship = st.tuples(ends, ends, st.sampled_from(TYPES), properties)
    relationships = draw(st.lists(relationship, max_size=8))
    return GraphSpec(tuple(nodes), tuple(relationships))
