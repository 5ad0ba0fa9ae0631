"""Projection: new columns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from memoradb.core.batch import Batch

from ..kernels.compile import Evaluator, compile_all
from ..plan.explain import show, show_variable
from ..plan.expr import Expr, Variable
from .context import Context
from .operator import Frame, Operator
from .prefix import prefixed


@dataclass(eq=False, slots=True)
class Project(Operator):
    """``items`` as columns; ``keep``: beside the input's."""

    input: Operator
    items: tuple[tuple[str, Expr], ...]
    keep: bool = False
    _compiled: tuple[tuple[str, Evaluator], ...] = ()

    @property
    def makes_rows(self) -> bool:
        return False

    def __post_init__(self) -> None:
        evaluators = compile_all([expr for _, expr in self.items])
        self._compiled = tuple(zip((name for name, _ in self.items), evaluators, strict=True))

    def run(self, frame: Frame, context: Context) -> Iterator[Batch]:
        compiled, keep = self._compiled, self.keep

        def projected(batch: Batch) -> Batch:
            columns = {name: evaluate(batch, context) for name, evaluate in compiled}
            if keep:
                columns = {**batch.columns, **columns}
            return Batch(columns, batch.length, batch.row, batch.weight)

        for batch in context.batches(self.input, frame):
            yield from prefixed(batch, projected)

    def describe(self) -> str:
        parts = []
        for name, expr in self.items:
            same = isinstance(expr, Variable) and expr.name == name
            parts.append(show(expr) if same else f"{show(expr)} AS {show_variable(name)}")
        return ("+ " if self.keep else "") + ", ".join(parts)
