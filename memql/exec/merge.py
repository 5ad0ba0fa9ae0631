"""MERGE: match the whole pattern, or else create all of it; row by row, each row seeing what earlier rows made."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from memoradb.core.batch import Batch, concat_batches
from memoradb.core.errors import MemQLError

from ..kernels.compile import Evaluator, compile_expression
from ..kernels.subquery import argument_frame
from ..plan.explain import show_variable
from ..plan.expr import Expr
from ..plan.nodes import NewNode, NewRelationship, UpdateItem
from .context import Context
from .operator import Frame, Operator
from .write import apply_items, create_elements


@dataclass(eq=False, slots=True)
class Merge(Operator):
    """``match`` starts from ``arguments``; ``variables`` are what the pattern adds."""

    input: Operator
    match: Operator
    nodes: tuple[NewNode, ...]
    relationships: tuple[NewRelationship, ...]
    on_create: tuple[UpdateItem, ...]
    on_match: tuple[UpdateItem, ...]
    arguments: tuple[str, ...]
    variables: tuple[str, ...]
    non_null: tuple[tuple[Expr, str], ...] = ()
    undirected: bool = False
    batched: bool = False

    def run(self, frame: Frame, context: Context) -> Iterator[Batch]:
        checks = [(compile_expression(e), v) for e, v in self.non_null]
        for batch in context.batches(self.input, frame):
            batch = batch.expanded()
            out = [self._row(batch.slice(i, i + 1), checks, context) for i in range(batch.length)]
            yield concat_batches(out)

    def _row(self, row: Batch, checks: list[tuple[Evaluator, str]], context: Context) -> Batch:
        for evaluate, variable in checks:
            if evaluate(row, context).item(0) is None:
                raise MemQLError(
                    f"Cannot merge: a property of `{show_variable(variable)}` is null.",
                    kind="SemanticError",
                    detail="MergeReadOwnWrites",
                    hint="MERGE finds elements by equality, and null equals nothing.",
                )
        found = list(context.batches(self.match, argument_frame(row, self.arguments)))
        if found:
            inner = concat_batches(found).expanded()
            out = Batch(
                {
                    **{n: c.take(inner.rows()) for n, c in row.columns.items()},
                    **{v: inner.columns[v] for v in self.variables},
                },
                inner.length,
                None if row.row is None else row.row.take(inner.rows()),
            )
            for i in range(out.length if self.on_match else 0):
                apply_items(out.slice(i, i + 1), self.on_match, context)
            return out
        created = create_elements(row, self.nodes, self.relationships, context)
        apply_items(created, self.on_create, context)
        return created

    def describe(self) -> str:
        return ", ".join(map(show_variable, self.variables))
