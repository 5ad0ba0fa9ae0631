"""Columns that nothing reads are not carried on, and what is read stays what it was."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

import memoradb
from memoradb.core.batch import Batch
from memoradb.core.columns import lift
from memoradb.memql.exec.context import Context
from memoradb.memql.exec.filter import Filter
from memoradb.memql.exec.operator import Frame, Operator
from memoradb.memql.plan.expr import Call, Literal, Variable

sys.path.insert(0, str(Path(__file__).parent))
from simple_graph import SimpleGraph, a_context  # pyright: ignore[reportMissingImports]


@dataclass(eq=False, slots=True)
class Rows(Operator):
    """Given batches."""

    batches: list[Batch] = field(default_factory=list)

    def run(self, frame: Frame, context: Context) -> Iterator[Batch]:
        yield from self.batches


columns = st.lists(st.tuples(st.one_of(st.none(), st.integers(-2, 2)), st.integers(0, 9)), min_size=1, max_size=90)
POSITIVE = Call(">", (Variable("x"), Literal(0)))


@given(columns, st.sampled_from(["auto", "always", "never"]), st.booleans(), st.booleans())
def test_a_filter_keeps_the_same_rows_whatever_is_read_of_them(table, kernels, framed, weighted):
    x, y = (list(side) for side in zip(*table, strict=True))
    row = np.zeros(len(x), np.int64) if framed else None
    weight = np.array(y, np.int64) + 1 if weighted else None
    batch = Batch({"x": lift(x), "y": lift(y)}, len(x), row, weight)
    context = a_context(SimpleGraph([]), kernels=kernels)
    kept = [i for i, value in enumerate(x) if value is not None and value > 0]
    for live in (None, frozenset("y"), frozenset("xy"), frozenset[str]()):
        found = list(Filter(Rows(batches=[batch]), POSITIVE, live=live).run(Frame.top(), context))
        assert sum(b.length for b in found) == len(kept)
        assert sum(int(b.weights().sum()) for b in found) == sum(y[i] + 1 if weighted else 1 for i in kept)
        for b in found:
            assert set(b.columns) == ({"x", "y"} if live is None else live)
            if "y" in b.columns:
                assert b.columns["y"].values() == [y[i] for i in kept]


def test_a_match_carries_what_is_read_later_and_nothing_else():
    with memoradb.open(None) as db:
        db.execute("UNWIND range(1, 200) AS i CREATE (:P {n: i, k: i % 7})")
        db.execute("MATCH (a:P), (b:P) WHERE b.n = a.n + 1 OR b.n = a.n * 2 CREATE (a)-[:R {w: a.n}]->(b)")
        query = "MATCH (a:P)-[:R]->(b:P)-[s:R]->(c:P) WHERE a.k < c.k RETURN count(*)"
        brute = """
            MATCH (a:P)-[r:R]->(b:P) WITH a, b, r MATCH (b)-[s:R]->(c:P) WHERE s <> r
            WITH a.k AS x, c.k AS y WHERE x < y RETURN count(*)
        """
        assert db.execute(query).value() == db.execute(brute).value() > 0
        with_weights = query.replace("count(*)", "sum(s.w), count(DISTINCT b), min(c.n)")
        expected = brute.replace("c.k AS y", "c.k AS y, s, b, c").replace(
            "count(*)", "sum(s.w), count(DISTINCT b), min(c.n)"
        )
        assert db.execute(with_weights).rows == db.execute(expected).rows
