"""A report as text: plan trees with columns on the right, then what there is to say about them.

Children are indented below their parent. What is wider than its place goes on below: the tree on the left is at most
``TREE_WIDTH`` columns wide, with what was measured beside it ``PROFILE_WIDTH``, other lines ``WIDTH_MAX``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from ..plan.explain import PlanLine
from .report import WARNED_FROM, Report, numbered, times, why
from .wording import SWITCHED_OFF_NS, amount, clean, duration, padded, rows_in_words, width_of, wrapped

WIDTH_MAX: Final = 120
"""Columns of a line of text."""

TREE_WIDTH: Final = {False: 90, True: 60}
"""Columns of the tree itself: of EXPLAIN, and of PROFILE, which has more beside it."""

PROFILE_WIDTH: Final = 150
"""Columns of a line of the tree with all that may stand beside it."""

DEPTH_SHOWN: Final = 16
"""Levels that are indented; what is deeper says how deep it is."""

STATISTICS_SHOWN: Final = 60
"""Statistics that the text lists; the JSON has them all."""

SURPRISES_SHOWN: Final = 8
"""Wrong estimates that the text warns of; the tree marks them all."""

_Column = tuple[str, int, Callable[[PlanLine], str]]


def text_of(report: Report) -> str:
    """All of a report."""
    parts = ["\n".join(_logical(report)), "\n".join(_physical(report))]
    if report.verbose:
        parts += ["\n".join(lines) for lines in _verbose(report) if lines]
    elif report.rules or report.taken:
        names = ", ".join([*(rule.name for rule in report.rules), *report.taken])
        parts.append("\n".join(wrapped(f"Rules that fired: {names}", WIDTH_MAX, "  ")))
    if report.corrections:
        shown = "; ".join(f"{clean(part)} x {factor:.3g}" for part, factor in report.corrections.items())
        parts.append("\n".join(wrapped(f"Estimates corrected by what runs have shown: {shown}", WIDTH_MAX, "  ")))
    if report.profiled:
        parts.append(_memory(report))
        if report.surprises:
            parts.append("\n".join(_warnings(report)))
    return "\n\n".join(parts)


# --- trees -------------------------------------------------------------------


def _indented(line: PlanLine) -> tuple[str, int]:
    """A line of a tree, and how far what follows of it is indented."""
    head = "  " * line.depth if line.depth <= DEPTH_SHOWN else "  " * DEPTH_SHOWN + f"[{line.depth}] "
    return clean(f"{head}{line.name}  {line.details}".rstrip()), len(head) + 4


def _how(line: PlanLine) -> str:
    """The form of adjacency, and the physical alternatives that the operator's name does not say already."""
    taken = ", ".join(name for name in line.switches if name.replace("_", "") != line.name.lower())
    how = "; ".join(filter(None, (line.adjacency, taken)))
    return f"{{{how}}}" if how else ""


def _logical(report: Report) -> Iterator[str]:
    yield "Logical plan"
    for line in report.logical:
        text, indent = _indented(line)
        yield from wrapped(f"  {text}", WIDTH_MAX, "  " + " " * indent)


def _physical(report: Report) -> Iterator[str]:
    lines = numbered(report.physical)
    mark = len(str(len(lines))) + 2 if report.verbose else 0
    rows: list[tuple[list[str], PlanLine]] = []
    for number, line in lines:
        text, indent = _indented(line)
        before = padded(str(number or ""), mark) if mark else ""
        most, further = TREE_WIDTH[report.profiled], " " * (indent + mark)
        parts, how = wrapped(before + text, most, further), _how(line)
        if how and width_of(parts[-1]) + 2 + len(how) <= most:
            parts[-1] += f"  {how}"
        elif how:
            parts.append(further + how)
        rows.append((parts, line))
    width = max(width_of(parts[0]) for parts, _ in rows)
    columns = _columns(report)
    yield "Physical plan"
    head = "".join(f"  {name:>{size}}" for name, size, _ in columns)
    yield f"  {'':{width}}{head}"
    for parts, line in rows:
        cells = "".join(f"  {cell(line):>{size}}" for _, size, cell in columns)
        yield f"  {padded(parts[0], width)}{cells}".rstrip()
        for more in parts[1:]:
            yield f"  {more}"


def _columns(report: Report) -> list[_Column]:
    columns: list[_Column] = [("estimated", 10, _estimated)]
    if report.verbose:
        columns.append(("cost", 9, lambda line: "" if line.cost_ns is None else duration(line.cost_ns)))
    if report.profiled:
        columns += [("rows", 10, _rows), ("q-error", 7, _q_error), ("batches", 7, _batches)]
        if any(line.measured is not None and line.measured.bytes_most for line in report.physical):
            columns.append(("held", 8, _held))
        columns += [("ms", 9, _own_ms), ("total ms", 9, _total_ms)]
    return columns


def _estimated(line: PlanLine) -> str:
    rows = line.rows_estimated
    return "" if rows is None else f"{rows:,.0f}" if rows < 1e9 else f"{rows:.2g}"


def _rows(line: PlanLine) -> str:
    if line.measured is None or not line.is_operator:
        return ""
    return f"{line.measured.rows:,}" if line.measured.arguments else "not run"


def _q_error(line: PlanLine) -> str:
    error = line.q_error
    if error is None:
        stopped = line.measured is not None and line.measured.arguments and line.rows_estimated is not None
        return "stopped" if stopped else ""
    shown = f"{error:,.1f}" if error < 1e4 else f"{error:.0e}"
    return f"{shown}!" if error > WARNED_FROM else shown


def _batches(line: PlanLine) -> str:
    return f"{line.measured.batches:,}" if line.measured is not None and line.measured.arguments else ""


def _held(line: PlanLine) -> str:
    return amount(line.measured.bytes_most) if line.measured is not None and line.measured.bytes_most else ""


def _own_ms(line: PlanLine) -> str:
    return f"{line.measured.time_ns / 1e6:.3f}" if line.measured is not None and line.measured.arguments else ""


def _total_ms(line: PlanLine) -> str:
    return f"{line.measured.total_ns / 1e6:.3f}" if line.measured is not None and line.measured.arguments else ""


# --- what was measured -------------------------------------------------------


def _memory(report: Report) -> str:
    text = f"Held in memory at most: {amount(report.bytes_most or 0)}"
    return f"{text}; in temporary files: {amount(report.disk_bytes_most)}" if report.disk_bytes_most else text


def _warnings(report: Report) -> Iterator[str]:
    yield f"Estimates that were wrong by more than {WARNED_FROM:.0f}"
    for _, line in report.surprises[:SURPRISES_SHOWN]:
        assert line.measured is not None and line.rows_estimated is not None and line.q_error is not None
        each = f" for each of {line.measured.arguments:,}" if line.measured.arguments > 1 else ""
        came = rows_in_words(line.measured.rows / max(1, line.measured.arguments))
        text = f"{line.name}  {line.details}".rstrip()
        said = f"{rows_in_words(line.rows_estimated)} expected, {came} came{each}"
        yield from wrapped(f"  {clean(text)}: {said}", WIDTH_MAX, "    ")
    if len(report.surprises) > SURPRISES_SHOWN:
        yield f"  and {len(report.surprises) - SURPRISES_SHOWN} more, which the tree marks with !"


# --- VERBOSE -----------------------------------------------------------------


def _verbose(report: Report) -> Iterator[list[str]]:
    yield list(_choices(report))
    if report.rules:
        yield list(_rules(report))
    if report.taken:
        yield ["Physical alternatives that were taken", *_table([*report.taken.items()])]
    if report.facts:
        yield [
            "Facts that the plan rests on: without one of them another plan is run",
            *_list(report.facts),
        ]
    if report.statistics:
        known = [(clean(s.of), clean(s.known)) for s in report.statistics]
        left = len(known) - STATISTICS_SHOWN
        more = [f"  and {left} more"] if left > 0 else []
        yield ["Statistics that were asked", *_table(known[:STATISTICS_SHOWN]), *more]
    costs = "a table that `memoradb calibrate` measured" if report.calibrated else "the built-in table"
    again = f" The statement was planned again {report.revision} times." if report.revision else ""
    yield [f"Costs are by {costs}.{again}"]


def _choices(report: Report) -> Iterator[str]:
    with_choice = [(n, line) for n, line in numbered(report.physical) if line.alternatives]
    if not with_choice:
        yield "Choices: there was no other way to consider"
        return
    yield "Choices: what else was considered, with all that is below it"
    for number, line in with_choice:
        assert line.cost_ns is not None and line.rows_estimated is not None
        text = f"{line.name}  {line.details}".rstrip()
        yield from wrapped(f"  {number}  {clean(text)}", WIDTH_MAX, "     ")
        table = [("taken", rows_in_words(line.rows_estimated), duration(line.cost_ns), "", "")]
        for other in line.alternatives:
            factor = "" if other.cost >= SWITCHED_OFF_NS else times(other.cost, line.cost_ns)
            shown = duration(other.cost)
            table.append(("not taken", rows_in_words(other.rows), shown, factor, clean(other.description)))
        sizes = [max(map(len, column)) for column in list(zip(*table, strict=True))[:4]]
        for kind, rows, cost, factor, description in table:
            head = f"       {kind:{sizes[0]}}  {rows:>{sizes[1]}}  {cost:>{sizes[2]}}  {factor:>{sizes[3]}}  "
            yield from (x.rstrip() for x in wrapped(head + description, WIDTH_MAX, " " * len(head)))
        yield f"       {why(line)}"


def _rules(report: Report) -> Iterator[str]:
    yield "Rules that fired, in order"
    for rule in report.rules:
        yield from wrapped(f"  {rule.name}  {rule.sentence}", WIDTH_MAX, "    ")
        for sign, lines in (("-", rule.before), ("+", rule.after)):
            for line in lines:
                yield from wrapped(f"    {sign} {clean(line)}", WIDTH_MAX, "      ")


def _table(rows: list[tuple[str, str]]) -> Iterator[str]:
    width = min(48, max(width_of(left) for left, _ in rows))
    for left, right in rows:
        yield from wrapped(f"  {padded(left, width)}  {right}", WIDTH_MAX, " " * (width + 4))


def _list(items: tuple[str, ...]) -> Iterator[str]:
    for item in items:
        yield from wrapped(f"  {clean(item)}", WIDTH_MAX, "    ")
