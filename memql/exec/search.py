"""Vector and full-text search as sources of rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from memoradb.core import limits
from memoradb.core.batch import Batch
from memoradb.core.columns import Kind, TypedColumn
from memoradb.core.errors import ArgumentError, LimitError, SchemaError, TypeMismatch
from memoradb.core.semantics import type_name
from memoradb.core.values import Value
from memoradb.core.vectors import as_floats
from memoradb.storage.view import Element, GraphView, IndexDefinition, IndexKind, Scored

from ..kernels.compile import compile_expression
from ..plan.explain import show, show_variable
from ..plan.expr import Expr
from ..syntax.suggest import did_you_mean
from .context import Context
from .operator import Frame, Operator


def find_index(view: GraphView, name: str, kind: IndexKind) -> IndexDefinition:
    """The index called ``name``; SchemaError where there is none of that kind."""
    for index in view.indexes():
        if index.name == name:
            if index.kind is kind:
                state = view.index_state(name)
                if not state.is_online:
                    how_far = f"is still being built: {state.percent:.1f} % are done"
                    raise SchemaError(
                        f"The index `{name}` {f'could not be built: {state.failure}' if state.failure else how_far}.",
                        hint="CALL db.awaitIndexes() waits until it can be asked.",
                        code="Neo.ClientError.Schema.IndexNotFound",
                    )
                return index
            raise SchemaError(f"`{name}` is a {index.kind.value} index, not a {kind.value} one.")
    hint = did_you_mean(name, [i.name for i in view.indexes() if i.kind is kind])
    raise SchemaError(f"There is no {kind.value} index called `{name}`.", hint=hint)


def wanted(value: Value, what: str = "LIMIT") -> int:
    """How many hits are asked for."""
    if type(value) is not int:
        raise TypeMismatch(f"{what} of a search takes a whole number, not {type_name(value)}.")
    if value < 0:
        raise ArgumentError(f"{what} of a search takes 0 or more, not {value}.")
    if value > limits.KNN_K_MAX:
        raise LimitError(f"A search gives at most {limits.KNN_K_MAX} hits.", limit="KNN_K_MAX", value=limits.KNN_K_MAX)
    return value


def hit_batch(batch: Batch, position: int, hits: Scored, element: Element, variable: str, score: str | None) -> Batch:
    """One input row with each of its hits."""
    out = batch.take(np.full(len(hits.slots), position, np.int64))
    kind = Kind.NODE if element is Element.NODE else Kind.RELATIONSHIP
    columns = {variable: TypedColumn(kind, hits.slots)}
    if score is not None:
        columns[score] = TypedColumn(Kind.FLOAT, hits.scores)
    return out.with_columns(dict(columns))


@dataclass(eq=False, slots=True)
class VectorSearch(Operator):
    """The ``limit`` elements most similar to ``query``, best first."""

    input: Operator
    variable: str
    index: str
    query: Expr
    limit: Expr
    score: str | None = None

    def run(self, frame: Frame, context: Context) -> Iterator[Batch]:
        query, limit = compile_expression(self.query), compile_expression(self.limit)
        definition = find_index(context.view, self.index, IndexKind.VECTOR)
        for batch in context.batches(self.input, frame.whole()):
            vectors, counts = query(batch, context).values(), limit(batch, context).values()
            for i, (vector, count) in enumerate(zip(vectors, counts, strict=True)):
                context.check()
                if vector is None:
                    continue
                floats = as_floats(vector, "A vector search")
                hits = context.view.vector_search(self.index, floats, wanted(count))
                if len(hits.slots):
                    yield hit_batch(batch, i, hits, definition.element, self.variable, self.score)

    def describe(self) -> str:
        return f"{show_variable(self.variable)} IN {self.index} FOR {show(self.query)} LIMIT {show(self.limit)}"


@dataclass(eq=False, slots=True)
class TextSearch(Operator):
    """Full-text hits, best first."""

    input: Operator
    variable: str
    index: str
    query: Expr
    limit: Expr | None
    score: str | None = None

    def run(self, frame: Frame, context: Context) -> Iterator[Batch]:
        query = compile_expression(self.query)
        limit = None if self.limit is None else compile_expression(self.limit)
        definition = find_index(context.view, self.index, IndexKind.FULLTEXT)
        for batch in context.batches(self.input, frame.whole()):
            counts = None if limit is None else limit(batch, context).values()
            for i, text in enumerate(query(batch, context).values()):
                context.check()
                if text is None:
                    continue
                if type(text) is not str:
                    raise TypeMismatch(f"A full-text search takes a string, not {type_name(text)}.")
                count = None if counts is None else wanted(counts[i])
                hits = context.view.text_search(self.index, text, count)
                for start in range(0, len(hits.slots), context.rows_max):
                    stop = start + context.rows_max
                    piece = Scored(hits.slots[start:stop], hits.scores[start:stop])
                    yield hit_batch(batch, i, piece, definition.element, self.variable, self.score)

    def describe(self) -> str:
        return f"{show_variable(self.variable)} IN {self.index} FOR {show(self.query)}"
