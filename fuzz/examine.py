"""One case through the oracles."""

from __future__ import annotations

import traceback
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final

from .coverage import Coverage
from .oracles.agreement import Comparison, Finding, Verdict
from .oracles.engine import Bench, Prepared
from .oracles.metamorphic import VARIANTS, partitioning
from .oracles.reference.run import Exhausted
from .oracles.round_trip import printed
from .strategies.queries import Query

MODES: Final = ("reference", "batch", "rules", "kernels", "index", "partition", "print", "past", "reopen")
"""The oracles by name. ``reference`` compares with the interpreter; the variants are judged by it too."""


@dataclass
class Tally:
    """What a campaign has seen."""

    queries: int = 0
    with_rows: int = 0
    errors: int = 0
    comparisons: int = 0
    verdicts: Counter[Verdict] = field(default_factory=Counter)
    coverage: Coverage = field(default_factory=Coverage)


def examine(bench: Bench, query: Query, modes: Collection[str], tally: Tally | None = None) -> Finding | None:
    """The first disagreement that the oracles ``modes`` find, or None."""
    tally = tally or Tally()
    bench.fired.clear()
    try:
        return _examine(bench, query, modes, tally)
    except Exception as error:
        # Whatever is not one of the database's own errors is a finding, whoever raised it.
        trace = traceback.format_tb(error.__traceback__)[-1].strip()
        return Finding("crash", "An exception that is no error of MemoraDB.", "rows or an error", f"{error!r}\n{trace}")
    finally:
        tally.coverage.note_rules(bench.fired)


def _examine(bench: Bench, query: Query, modes: Collection[str], tally: Tally) -> Finding | None:
    prepared = Prepared.of(query)
    tally.queries += 1
    if prepared.statement is not None:
        bench.fired_rules(query)
        tally.coverage.note(prepared.statement)
        if "print" in modes and (finding := printed(prepared)) is not None:
            return finding
    try:
        comparison = Comparison(bench, prepared)
    except Exhausted:
        tally.verdicts[Verdict.EXHAUSTED] += 1
        return None
    tally.with_rows += bool(comparison.expected.rows)
    tally.errors += comparison.expected.error is not None
    engine = bench.engine(query)
    expected = comparison.expected.text()
    verdict = comparison.judge(engine)
    tally.verdicts[verdict] += 1
    tally.comparisons += 1
    if verdict is Verdict.WRONG and "reference" in modes:
        alike = comparison.expected.rows == engine.rows and comparison.expected.columns == engine.columns
        what = "The graphs after the statement differ." if alike and not engine.error else "Answers differ."
        return Finding("reference", what, expected, engine.text())
    if "partition" in modes and (finding := partitioning(bench, prepared)) is not None:
        return finding
    for mode, variants in VARIANTS.items():
        if mode not in modes:
            continue
        for what, outcome in variants(bench, query):
            tally.comparisons += 1
            if comparison.judge(outcome) is Verdict.WRONG:
                return Finding(mode, f"The answer {what} differs.", expected, outcome.text())
    return None
