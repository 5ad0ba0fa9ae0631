"""CALL: a procedure's rows beside each input row."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from memoradb.core.errors import MemoraDBError, ProcedureError, TypeMismatch, UnsupportedFeature
from memoradb.core.semantics import type_name
from memoradb.core.values import Value
from memoradb.memql.bind.types import Type
from memoradb.memql.procedures.registry import Field, Procedure, fits
from memoradb.memql.syntax import ast as a

from .graph import PlainGraph
from .run import Row, Run


def call_procedure(
    run: Run, clause: a.Call, rows: Iterable[Row], standalone: bool = False
) -> tuple[tuple[str, ...], Iterator[Row]]:
    """(names that the call shows, rows). Standing alone it shows all of the procedure's outputs unless YIELD says."""
    procedure = run.procedures.lookup(clause.procedure)
    assert procedure is not None, "the checks refuse unknown procedures"
    if clause.yields and not clause.yield_star:
        shown = [(y.field, y.field if y.alias is None else y.alias.name) for y in clause.yields]
    elif standalone:
        shown = [(o.name, o.name) for o in procedure.outputs]
    else:
        shown = []
    return tuple(name for _, name in shown), _called(run, clause, procedure, shown, rows)


def _called(
    run: Run, clause: a.Call, procedure: Procedure, shown: list[tuple[str, str]], rows: Iterable[Row]
) -> Iterator[Row]:
    for row in rows:
        if clause.arguments is None:
            given = [run.parameters[i.name] for i in procedure.inputs[: len(procedure.inputs) - procedure.optional]]
        else:
            given = [run.expressions.evaluate(x, row) for x in clause.arguments]
        arguments = [_coerced(procedure, f, v) for f, v in zip(procedure.inputs, given, strict=False)]
        if procedure.is_void:
            _invoke(run, procedure, arguments)
            yield row
            continue
        missed = True
        for result in _invoke(run, procedure, arguments):
            made = {**row, **{name: result[field] for field, name in shown}}
            if run.expressions.holds(clause.where, made):
                missed = False
                yield made
        if missed and clause.optional:
            yield {**row, **dict.fromkeys(name for _, name in shown)}


def _coerced(procedure: Procedure, field: Field, value: Value) -> Value:
    """An argument as the signature wants it: integers serve as floats, whole floats as integers."""
    if value is None:
        if Type.NULL in field.type:
            return None
        raise TypeMismatch(f"`{field.name}` of `{procedure.name}` may not be null.")
    if type(value) is int and field.type_text.upper().startswith("FLOAT"):
        return float(value)
    if type(value) is float and field.type & ~Type.NULL == Type.INTEGER and value.is_integer():
        return int(value)
    if not fits(value, field.type):
        raise TypeMismatch(f"`{field.name}` of `{procedure.name}` takes {field.type_text}, not {type_name(value)}.")
    return value


def _invoke(run: Run, procedure: Procedure, arguments: list[Value]) -> list[dict[str, Any]]:
    if procedure.wants_context:
        return _built_in(run.graph, procedure.name)
    try:
        found = procedure.function(*(run.graph.value(v) for v in arguments))
    except MemoraDBError:
        raise
    except Exception as error:
        raise ProcedureError(f"`{procedure.name}` failed: {error}", phase="runtime") from error
    return [] if found is None else list(found)


def _built_in(graph: PlainGraph, name: str) -> list[dict[str, Value]]:
    """What the engine's own procedures say about the graph's names."""
    match name:
        case "db.labels":
            return [{"label": x} for x in sorted({x for n in graph.nodes.values() for x in n.labels})]
        case "db.relationshipTypes":
            return [{"relationshipType": x} for x in sorted({r.type for r in graph.relationships.values()})]
        case "db.propertyKeys":
            records = (*graph.nodes.values(), *graph.relationships.values())
            return [{"propertyKey": x} for x in sorted({k for r in records for k in r.properties})]
        case "db.awaitIndexes":
            return []
        case _:
            raise UnsupportedFeature(f"The reference interpreter has no procedure `{name}`.")
