"""CALL: a procedure for each input row."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from memoradb.core.batch import Batch
from memoradb.core.errors import ProcedureError
from memoradb.core.values import Value

from ..kernels.compile import compile_expression
from ..plan.explain import show
from ..plan.expr import Expr
from .context import Context
from .operator import Frame, Operator


@dataclass(eq=False, slots=True)
class ProcedureCall(Operator):
    """Rows of the procedure beside each input row; a void one passes its rows on."""

    input: Operator
    procedure: str
    arguments: tuple[Expr, ...]
    yields: tuple[tuple[str, str], ...]

    def run(self, frame: Frame, context: Context) -> Iterator[Batch]:
        procedure = context.procedures.lookup(self.procedure)
        if procedure is None:
            raise ProcedureError(f"There is no procedure `{self.procedure}`.", phase="runtime")
        arguments = [compile_expression(a) for a in self.arguments]
        for batch in context.batches(self.input, frame.whole()):
            batch = batch.expanded()
            columns = [a(batch, context).values() for a in arguments]
            for i in range(batch.length):
                context.check()
                rows = procedure.call([c[i] for c in columns], context)
                if procedure.is_void:
                    yield batch.slice(i, i + 1)
                    continue
                if not rows:
                    continue
                out = batch.take(np.full(len(rows), i, np.int64))
                shown: dict[str, list[Value]] = {v: [r[f] for r in rows] for f, v in self.yields}
                out = out.with_columns({v: context.lifted(values) for v, values in shown.items()})
                for start in range(0, out.length, context.rows_max):
                    yield out.slice(start, start + context.rows_max)

    def describe(self) -> str:
        shown = ", ".join(f if f == v else f"{f} AS {v}" for f, v in self.yields)
        call = f"{self.procedure}({', '.join(map(show, self.arguments))})"
        return f"{call} YIELD {shown}" if shown else call
