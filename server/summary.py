"""A statement's summary as plain maps: what every protocol sends after the rows."""

from __future__ import annotations

from memoradb.memql.result import StatementResult


def summary_value(result: StatementResult) -> dict[str, object]:
    """Query type, counters that are not zero, times in ms; what else there is: position, plan, notifications."""
    summary = result.summary
    counters = {n: v for n in type(summary.counters).__slots__ if (v := getattr(summary.counters, n))}
    value: dict[str, object] = {
        "query_type": summary.query_type,
        "counters": counters,
        "rows": result.row_count,
        "time_ms": summary.time_ns / 1e6,
        "compile_ms": summary.compile_ns / 1e6,
    }
    if summary.position is not None:
        value["position"] = summary.position
    if summary.transaction is not None:
        value["transaction"] = summary.transaction
    if summary.as_of is not None:
        value["as_of"] = summary.as_of
    if summary.plan is not None:
        value["plan"] = summary.plan
        value["plan_tree"] = summary.plan_tree
    if summary.notifications:
        value["notifications"] = [n.to_dict() for n in summary.notifications]
    return value
