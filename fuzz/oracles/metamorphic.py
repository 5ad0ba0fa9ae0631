"""Metamorphic oracles: the same answer must come whichever way it is asked.

* batch bounds 1, 2, 3 (16K is the usual);
* each rewrite rule off, and all of them;
* vectorised kernels on every batch, and on none;
* indexes made, and dropped again;
* the database closed and opened again;
* asked as of a transaction after which the graph went on changing, by option and in the text;
* ternary-logic partitioning (Rigger and Su 2020): rows where p is true, false and null together are all rows.
"""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Final

from memoradb.memql.bind.aggregation import contains_aggregate
from memoradb.memql.rewrite.switches import KERNEL, switches
from memoradb.memql.session import Options
from memoradb.memql.syntax import ast as a
from memoradb.memql.syntax import ast_expr as e
from memoradb.memql.syntax.printer import print_query

from ..strategies.queries import Query
from .agreement import Finding
from .engine import Bench, Prepared
from .outcomes import Outcome

PLAIN: Final = tuple(name for name in switches() if not name.startswith(KERNEL))
"""What is off in the plainest plan."""

Variants = Iterator[tuple[str, Outcome]]

BATCH_ROWS: Final = (1, 2, 3)
INDEXES: Final = (
    "CREATE INDEX fuzz_number FOR (n:A) ON (n.x)",
    "CREATE INDEX fuzz_text FOR (n:B) ON (n.s)",
    "CREATE INDEX fuzz_mixed FOR (n:C) ON (n.m)",
    "CREATE INDEX fuzz_numbers FOR (n:A) ON (n.x, n.y)",
    "CREATE INDEX fuzz_text_and_number FOR (n:B) ON (n.s, n.x)",
    "CREATE TEXT INDEX fuzz_parts FOR (n:B) ON (n.s)",
    "CREATE TEXT INDEX fuzz_mixed_parts FOR (n:C) ON (n.m)",
    "CREATE POINT INDEX fuzz_places FOR (n:C) ON (n.m)",
    "CREATE INDEX fuzz_related FOR ()-[r:R]-() ON (r.x)",
    "CREATE TEXT INDEX fuzz_related_parts FOR ()-[r:S]-() ON (r.s)",
    "CREATE INDEX fuzz_related_numbers FOR ()-[r:T]-() ON (r.x, r.y)",
    "CREATE VECTOR INDEX fuzz_cosine FOR (n:A) ON (n.v) OPTIONS {indexConfig: {`vector.dimensions`: 2, "
    "`vector.similarity_function`: 'cosine'}}",
    "CREATE CONSTRAINT fuzz_unique FOR (n:A) REQUIRE n.id IS UNIQUE",
)


def batch_bounds(bench: Bench, query: Query) -> Variants:
    """The answer does not depend on the size of a batch."""
    for rows in BATCH_ROWS:
        yield f"with batches of {rows}", bench.engine(query, Options(batch_rows=rows))


def rules_off(bench: Bench, query: Query) -> Variants:
    """The answer does not depend on any rule or physical alternative: those that fired are off one by one, then all."""
    fired = dict.fromkeys(bench.fired_rules(query))
    for rule in fired:
        yield f"without {rule}", bench.engine(query, Options(disabled_rules=(rule,)))
    if fired:
        yield "without rewriting", bench.engine(query, Options(disabled_rules=PLAIN))


def kernels(bench: Bench, query: Query) -> Variants:
    """The answer does not depend on whether kernels or scalar semantics compute it."""
    yield "with kernels everywhere", bench.engine(query, Options(kernels="always"))
    yield "without kernels", bench.engine(query, Options(kernels="never"))


def indexes(bench: Bench, query: Query) -> Variants:
    """The answer does not depend on indexes."""
    for statement in INDEXES:
        bench.database.execute(statement)
    try:
        bench.fired_rules(query)
        yield "with indexes", bench.engine(query)
    finally:
        for statement in INDEXES:
            name = next(word for word in statement.split() if word.startswith("fuzz_"))
            bench.database.execute(f"DROP {'CONSTRAINT' if 'CONSTRAINT' in statement else 'INDEX'} {name}")
    yield "with indexes dropped", bench.engine(query)


def reopened(bench: Bench, query: Query) -> Variants:
    """The answer does not depend on closing and opening the database, nor does its state."""
    path = tempfile.mkdtemp(prefix="memoradb-fuzz-")
    try:
        first = Bench(bench.graph, path)
        state = first.database.storage.store.state_hash()
        first.close()
        again = Bench(bench.graph, path)
        try:
            if again.database.storage.store.state_hash() != state:
                yield "reopened: another state", Outcome("another state")
            yield "reopened", again.engine(query)
            yield from _looking_back(again, query, again.write_on())
        finally:
            again.close()
    finally:
        shutil.rmtree(path, ignore_errors=True)


def past(bench: Bench, query: Query) -> Variants:
    """The answer does not depend on what was written after the moment that it is asked for."""
    other, transaction = bench.changed()
    yield from _looking_back(other, query, transaction)


def _looking_back(bench: Bench, query: Query, transaction: int) -> Variants:
    if query.writes or not transaction:
        return
    yield "as of then", bench.engine(query, Options(as_of=transaction))
    yield "as of then, in the text", bench.engine(replace(query, text=f"AS OF TRANSACTION {transaction} {query.text}"))


VARIANTS: Final[dict[str, Callable[[Bench, Query], Variants]]] = {
    "batch": batch_bounds,
    "rules": rules_off,
    "kernels": kernels,
    "index": indexes,
    "past": past,
    "reopen": reopened,
}


def partitioning(bench: Bench, prepared: Prepared) -> Finding | None:
    """Rows with p, NOT p and p IS NULL are the rows without p: of MATCH, WHERE and RETURN without aggregates."""
    body = None if prepared.statement is None else prepared.statement.body
    if not isinstance(body, a.SingleQuery) or len(body.clauses) != 2:
        return None
    match, returned = body.clauses
    if not isinstance(match, a.Match) or not isinstance(returned, a.Return) or match.optional or match.where is None:
        return None
    shown = returned.projection
    plain = not (shown.distinct or shown.order_by or shown.skip or shown.limit)
    if not plain or any(contains_aggregate(i.expression) for i in shown.items):
        return None

    def rows(where: e.Expression | None) -> Outcome:
        query = print_query(replace(body, clauses=(replace(match, where=where), returned)))
        return bench.engine(replace(prepared.query, text=query))

    predicate = match.where
    parts = [rows(x) for x in (predicate, e.Unary("NOT", predicate), e.IsNull(predicate, False))]
    whole = rows(None)
    if any(part.error is not None for part in (whole, *parts)):
        return None
    if Counter(row for part in parts for row in part.rows) == Counter(whole.rows):
        return None
    found = "\n".join(part.text() for part in parts)
    return Finding("partition", "The rows with p, NOT p and p IS NULL are not all rows.", whole.text(), found)
