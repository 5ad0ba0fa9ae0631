"""A report as plain maps, lists, strings and numbers: what ``Summary.plan_tree`` holds and every protocol can send.

``docs/memql/explain-profile.md`` lists the fields.
"""

from __future__ import annotations

from math import isfinite
from typing import Final

from memoradb.core.values import Value

from ..plan.explain import PlanLine
from .report import Report, numbered, why
from .wording import SWITCHED_OFF_NS, clean

NESTING_MAX: Final = 100
"""Levels of maps in maps: what stands deeper is a sibling of the operator above it; see ``depth``."""


def tree_of(report: Report) -> dict[str, Value]:
    """The root operator, its children nested below it; what concerns the whole statement under ``statement``."""
    roots: list[Value] = []
    below: list[list[Value]] = [roots]
    for number, line in numbered(report.physical):
        item = _operator(number, line, report)
        del below[min(line.depth, NESTING_MAX) + 1 :]
        below[-1].append(item)
        children: list[Value] = []
        item["children"] = children
        below.append(children)
    root = roots[0]
    assert isinstance(root, dict)
    return {**root, "statement": _statement(report)}


def _operator(number: int, line: PlanLine, report: Report) -> dict[str, Value]:
    item: dict[str, Value] = {"operator": line.name, "details": clean(line.details), "depth": line.depth}
    if number:
        item["id"] = number
    if line.rows_estimated is not None:
        item["rows_estimated"] = _finite(line.rows_estimated)
    if line.cost_ns is not None:
        item["cost_ns"] = _cost(line.cost_ns)
    if line.adjacency:
        item["adjacency"] = line.adjacency
    if line.switches:
        item["taken"] = list(line.switches)
    measured = line.measured
    if measured is not None:
        item |= {
            "rows": measured.rows,
            "batches": measured.batches,
            "time_ms": measured.time_ns / 1e6,
            "total_ms": measured.total_ns / 1e6,
            "bytes_held": measured.bytes_most,
            "drained": measured.drained,
        }
        if measured.arguments != 1:
            item["arguments"] = measured.arguments
        if line.q_error is not None:
            item["q_error"] = _finite(line.q_error)
    if report.verbose and line.alternatives:
        item["alternatives"] = [
            {"description": clean(x.description), "rows_estimated": _finite(x.rows), "cost_ns": _cost(x.cost)}
            for x in line.alternatives
        ]
        item["why"] = why(line)
    return item


def _statement(report: Report) -> dict[str, Value]:
    rules: list[Value] = []
    for rule in report.rules:
        shown: dict[str, Value] = {"name": rule.name, "sentence": rule.sentence}
        if report.verbose:
            shown |= {"before": [clean(x) for x in rule.before], "after": [clean(x) for x in rule.after]}
        rules.append(shown)
    found: dict[str, Value] = {
        "rules": rules,
        "taken": [{"name": name, "sentence": sentence} for name, sentence in report.taken.items()],
        "facts": [clean(fact) for fact in report.facts],
        "corrections": {clean(part): _finite(factor) for part, factor in report.corrections.items()},
        "revision": report.revision,
        "costs": "calibrated" if report.calibrated else "default",
    }
    if report.verbose:
        found["statistics"] = [{"of": clean(s.of), "known": clean(s.known)} for s in report.statistics]
    if report.profiled:
        found |= {"bytes_held": report.bytes_most, "disk_bytes": report.disk_bytes_most}
        found["surprises"] = [number for number, _ in report.surprises]
    return found


def _cost(cost: float) -> Value:
    """A cost in nanoseconds; None of what is switched off."""
    return None if cost >= SWITCHED_OFF_NS else _finite(cost)


def _finite(number: float) -> Value:
    """JSON knows no infinity."""
    return number if isfinite(number) else None
