"""The generators as Hypothesis strategies."""

from __future__ import annotations

from hypothesis import strategies as st

from .drawing import Draw
from .graphs import GraphSpec, generate_graph
from .queries import Query, generate_query
from .values import VALUES, Kind, generate_value


class _HypothesisDraw(Draw):
    def __init__(self, draw: st.DrawFn) -> None:
        self._draw = draw

    def integer(self, low: int, high: int) -> int:
        return self._draw(st.integers(low, high))


@st.composite
def graphs(draw: st.DrawFn, smallest: int = 1, largest: int = 8) -> GraphSpec:
    """Small graphs of ``smallest`` to ``largest`` nodes."""
    return generate_graph(_HypothesisDraw(draw), smallest, largest)


@st.composite
def queries(draw: st.DrawFn) -> Query:
    """Queries over the vocabulary of these graphs."""
    return generate_query(_HypothesisDraw(draw))


@st.composite
def values(draw: st.DrawFn) -> object:
    """Values of every type that a property can have, and lists and maps of them."""
    source = _HypothesisDraw(draw)
    kind: Kind = source.choice(tuple(VALUES))
    return generate_value(source, kind)
