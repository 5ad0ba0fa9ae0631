"""The reference interpreter as an engine of the openCypher kit's runner: ``--adapter kit_adapter:reference``."""

from __future__ import annotations

from typing import Any

from adapter import MemoraDBAdapter, Result  # pyright: ignore[reportMissingImports] - stands beside the runner

from memoradb.fuzz.oracles.reference.interpreter import Reference


class ReferenceAdapter(MemoraDBAdapter):
    def __init__(self) -> None:
        self.db: Any = None

    def reset(self) -> None:
        self.db = Reference()

    def close(self) -> None:
        self.db = None

    def execute(self, query: str, params: dict[str, Any]) -> Any:
        answer = self.db.execute(query, params)
        return Result(list(answer.columns), [[self.plain(v) for v in row] for row in answer.rows])

    def register_procedure(self, procedure: Any) -> None:
        self.db.procedures.register(procedure.name, procedure.inputs, procedure.outputs, procedure.call)


def reference() -> ReferenceAdapter:
    return ReferenceAdapter()
