"""Measures what the engine's primitives cost on this machine: operators over a small graph, each timed by itself.

A cost for each row is the time of one operator over its rows; where two costs add up (a source and a row of an expand,
a row and the check of its label), they are told apart by two runs that differ in one of them. Each figure is the least
of several runs: what else a machine does only ever adds. What is not measured keeps its ratio to what is.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

from memoradb.core.clock import SystemClock
from memoradb.core.rng import SystemRandom
from memoradb.core.values import Value
from memoradb.storage.view import Direction, GraphView

from ..exec.context import Context
from ..exec.expand import Expand, ExpandInto
from ..exec.filter import Filter
from ..exec.hash_join import HashJoin
from ..exec.index_scan import NodeIndexRange, NodeIndexSeek
from ..exec.index_search import NodeIndexSearch
from ..exec.lookup import Lookup
from ..exec.operator import Frame, Operator
from ..exec.profile import Profile
from ..exec.scan import ArgumentScan, NodeScan
from ..exec.var_expand import VarLengthExpand
from ..functions.registry import FunctionRegistry
from ..plan.expr import Call, Literal, Property, Variable
from ..procedures.registry import ProcedureRegistry
from .constants import DEFAULTS

NODES: Final = 20_000
DEGREE: Final = 10
ROUNDS: Final = 7
LEAST_NS: Final = 0.2
"""No primitive takes less."""

GRAPH: Final[tuple[str, ...]] = (
    "CREATE INDEX calibration_k FOR (n:N) ON (n.k)",
    "CREATE TEXT INDEX calibration_s FOR (n:N) ON (n.s)",
    f"UNWIND range(0, {NODES - 1}) AS i CREATE (:N {{k: i, g: i % 100, s: 'name ' + toString(i % 5000)}})",
    "MATCH (n:N) WHERE n.g < 50 SET n:M",
    f"MATCH (n:N) UNWIND range(1, {DEGREE}) AS j MATCH (m:N {{k: (n.k * 31 + j * 7919) % {NODES}}})"
    " CREATE (n)-[:T]->(m)",
    f"MATCH (n:N) MATCH (m:N {{k: (n.k * 17 + 1) % {NODES}}}) CREATE (n)-[:U]->(m)",
)
"""The statements that make the graph that is measured on; its relationships are to be folded into their base."""


@dataclass(slots=True)
class Bench:
    """Runs operators over the graph and times them."""

    view: GraphView

    def time_ns(self, operator: Operator) -> tuple[float, int]:
        """(least time of ``operator`` itself over several runs, its rows)."""
        least, rows = float("inf"), 0
        for _ in range(ROUNDS):
            profile = Profile(time.perf_counter_ns)
            context = Context(
                self.view,
                {},
                SystemClock(),
                0,
                SystemRandom(),
                FunctionRegistry(),
                ProcedureRegistry(),
                profile=profile,
                unchanging=True,
            )
            for _ in context.batches(operator, Frame.top()):
                pass
            measured = profile.measured(operator)
            assert measured is not None
            least, rows = min(least, measured.time_ns), measured.rows
        return least, rows

    def row_ns(self, operator: Operator, rows: int | None = None) -> float:
        """Its time for a row that it gives, or for each of so many."""
        took, given = self.time_ns(operator)
        return took / max(1, given if rows is None else rows)


def _nodes() -> Operator:
    return NodeScan(ArgumentScan(), "n", ("N",))


def _few(count: int) -> Operator:
    """The first nodes, by the index."""
    return NodeIndexRange(ArgumentScan(), "n", "calibration_k", None, (Literal(count), False))


def _expand(input: Operator, type: str, labels: tuple[str, ...] = ()) -> Expand:
    return Expand(input, "n", None, "m", (type,), Direction.OUT, labels)


def _small(key: str, limit: Value) -> Call:
    return Call("<", (Property(Variable("n"), key), Literal(limit)))


def measure(view: GraphView) -> dict[str, float]:
    """All costs, by name, of a view of the graph that ``GRAPH`` makes."""
    bench = Bench(view)
    edges = NODES * DEGREE
    one = _few(1)
    operator = bench.time_ns(Filter(one, _small("g", 200)))[0]
    many, single = bench.time_ns(_expand(_nodes(), "T"))[0], bench.time_ns(_expand(_nodes(), "U"))[0]
    row = (many - single) / (edges - NODES)
    labelled = bench.time_ns(_expand(_nodes(), "T", ("M",)))[0]
    pairs = _expand(_few(2_000), "T")
    into = ExpandInto(pairs, "n", None, "m", ("U",), Direction.OUT)
    trails = VarLengthExpand(_few(200), "n", None, "m", ("T",), Direction.OUT, 1, 2)
    text = NodeIndexSearch(
        ArgumentScan(), "n", Lookup("calibration_s", ("s",), text="CONTAINS"), (Literal("name 49"),), ("N",)
    )
    found = {
        "OPERATOR_NS": operator,
        "SCAN_ROW_NS": bench.row_ns(_nodes()),
        "LABEL_CHECK_NS": (labelled - many) / edges + row / 2,  # half of the rows are never made
        "SEEK_NS": bench.time_ns(NodeIndexSeek(ArgumentScan(), "n", "calibration_k", Literal(77)))[0],
        "RANGE_ROW_NS": bench.row_ns(_few(NODES // 2)),
        "TEXT_ROW_NS": bench.row_ns(text),
        "EXPAND_SOURCE_NS": single / NODES - row,
        "EXPAND_ROW_NS": row,
        "INTO_ROW_NS": bench.row_ns(into, 2_000 * DEGREE),
        "VAR_EXPAND_ROW_NS": bench.row_ns(trails),
        "FILTER_ROW_NS": bench.row_ns(Filter(_nodes(), _small("g", 50)), NODES),
        **_hash_join(bench),
    }
    found = {name: max(LEAST_NS, value) for name, value in found.items() if name in DEFAULTS}
    ratio = median(found[name] / DEFAULTS[name] for name in found)
    return {name: found.get(name, DEFAULTS[name] * ratio) for name in DEFAULTS}


def _hash_join(bench: Bench) -> dict[str, float]:
    """A row that is built, one that is probed, one that comes of it."""
    build, probe = 10_000, NODES

    def joined(left: int, right: int) -> float:
        return bench.time_ns(HashJoin(_few(left), _few(right), ("n",)))[0]

    small, more_built, more_probed = joined(200, 200), joined(200, build), joined(probe, 200)
    both = joined(build, build)
    built, probed = (more_built - small) / (build - 200), (more_probed - small) / (probe - 200)
    made = (both - more_built - probed * (build - 200)) / (build - 200)
    return {"HASH_BUILD_NS": built, "HASH_PROBE_NS": probed, "HASH_ROW_NS": made}


def steps(execute: Callable[[str], object]) -> Iterator[str]:
    """Make the graph, statement by statement; yields each as it is done."""
    for statement in GRAPH:
        execute(statement)
        yield statement


def changed(costs: dict[str, float]) -> Sequence[tuple[str, float, float]]:
    """(name, default, measured) of each cost."""
    return [(name, default, costs[name]) for name, default in DEFAULTS.items()]
