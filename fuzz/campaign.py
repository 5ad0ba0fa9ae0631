"""Campaigns: ``quick`` by Hypothesis, ``stress`` by a seeded generator, ``regression`` over saved scripts.

The same seed gives the same cases, and the same report but for its times. A finding is shrunk and saved as a script.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from memoradb.core.errors import ConfigurationError, MissingExtra

from .examine import MODES, Tally, examine
from .oracles.agreement import Finding, Verdict
from .oracles.engine import Bench
from .oracles.round_trip import encoded
from .script import Script, read_script, script_of
from .shrink import shrink
from .strategies.drawing import RandomDraw
from .strategies.graphs import GraphSpec, generate_graph
from .strategies.queries import Query, generate_query
from .strategies.values import VALUES, generate_value

QUERIES_PER_GRAPH: Final = 20
REOPEN_EVERY: Final = 200
"""Opening a directory costs as much as many queries."""

FINDINGS_MAX: Final = 20
"""After so many findings a campaign stops: they have few causes."""

REGRESSIONS: Final = Path(__file__).parent / "regressions"
"""What was found in this repository, as scripts."""


@dataclass(frozen=True)
class Settings:
    """What a campaign may be told.

    ``smallest`` and ``largest``: nodes of a graph. ``timeout_seconds``: end the campaign then, None for no limit.
    ``modes``: the oracles. ``save_dir``: where findings go as scripts, None for nowhere.
    """

    iterations: int = 200
    smallest: int = 2
    largest: int = 8
    timeout_seconds: float | None = None
    modes: Collection[str] = MODES
    save_dir: Path | None = None
    seed: int = 0

    def check(self) -> None:
        """ConfigurationError for what makes no sense."""
        if not 0 <= self.smallest <= self.largest:
            raise ConfigurationError(f"Graphs of {self.smallest} to {self.largest} nodes: there are none.")
        unknown = set(self.modes) - set(MODES)
        if unknown:
            raise ConfigurationError(f"There is no mode `{min(unknown)}`.", hint=f"There are {', '.join(MODES)}.")


@dataclass
class Report:
    """What a campaign did and found."""

    name: str
    seed: int
    tally: Tally = field(default_factory=Tally)
    findings: list[tuple[Script, Finding]] = field(default_factory=list)
    saved: list[Path] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def rows_share(self) -> float:
        """The share of queries that return rows."""
        return self.tally.with_rows / max(self.tally.queries, 1)

    def text(self, coverage: bool = True) -> str:
        """For people."""
        tally = self.tally
        parts = [f"{count} {verdict.value}" for verdict in Verdict if (count := tally.verdicts[verdict])]
        lines = [
            f"{self.name}, seed {self.seed}: {tally.queries} queries in {self.seconds:.0f} s, {tally.comparisons} "
            f"comparisons; {100 * self.rows_share:.1f} % return rows, {tally.errors} are errors.",
            f"Against the reference: {', '.join(parts) or 'nothing compared'}.",
        ]
        if coverage and tally.queries:
            lines.append(tally.coverage.text())
        for i, (script, finding) in enumerate(self.findings):
            where = f" (saved as {self.saved[i]})" if i < len(self.saved) else ""
            lines.append(f"\nFOUND by {finding.oracle}{where}:\n{script.text()}")
        lines.append(f"{len(self.findings)} findings." if self.findings else "Nothing found.")
        return "\n".join(lines)

    def add(self, graph: str, query: Query, finding: Finding, save_dir: Path | None) -> None:
        """Keep a finding, and save it where there is a directory."""
        script = script_of(graph, query, finding)
        if any(known.text() == script.text() for known, _ in self.findings):
            return
        self.findings.append((script, finding))
        if save_dir is not None:
            save_dir.mkdir(parents=True, exist_ok=True)
            path = save_dir / f"{finding.oracle}_{sha256(script.text().encode()).hexdigest()[:12]}.mql"
            path.write_text(script.text(), "utf-8")
            self.saved.append(path)


# --- stress ------------------------------------------------------------------


def stress(settings: Settings) -> Report:
    """Seeded random cases: the fast way to many of them."""
    settings.check()
    report = Report("stress", settings.seed)
    started = time.monotonic()
    bench: Bench | None = None
    graph = GraphSpec((), ())
    try:
        for i in range(settings.iterations):
            if settings.timeout_seconds is not None and time.monotonic() - started > settings.timeout_seconds:
                break
            if i % QUERIES_PER_GRAPH == 0 or bench is None:
                draw = RandomDraw(f"graph {settings.seed} {i // QUERIES_PER_GRAPH}")
                graph = generate_graph(draw, settings.smallest, settings.largest)
                if bench is not None:
                    bench.close()
                bench = Bench(graph.statement())
                for kind in VALUES:
                    finding = encoded(generate_value(draw, kind))
                    if finding is not None:
                        report.add("", Query("RETURN 1"), finding, settings.save_dir)
            draw = RandomDraw(f"query {settings.seed} {i}")
            query = generate_query(draw)
            modes = _modes(settings.modes, i)
            finding = examine(bench, query, modes, report.tally)
            if finding is not None:
                small, query, finding = _smaller(graph, query, draw.decisions, modes, finding)
                report.add(small.statement(), query, finding, settings.save_dir)
                bench.close()
                bench = Bench(graph.statement())
                if len(report.findings) >= FINDINGS_MAX:
                    break
    finally:
        if bench is not None:
            bench.close()
    report.seconds = time.monotonic() - started
    return report


def _modes(wanted: Collection[str], i: int) -> list[str]:
    """The oracles of case ``i``: the cheap ones always, the costly ones in turn."""
    turn = ("batch", "rules", "kernels", "index", "past")
    modes = [m for m in wanted if m not in turn and m != "reopen"]
    if turn[i % len(turn)] in wanted:
        modes.append(turn[i % len(turn)])
    if "reopen" in wanted and i % REOPEN_EVERY == 0:
        modes.append("reopen")
    return modes


def _smaller(
    graph: GraphSpec, query: Query, decisions: list[int], modes: Collection[str], finding: Finding
) -> tuple[GraphSpec, Query, Finding]:
    """The case shrunk, with the finding that it gives."""

    def found(graph: GraphSpec, query: Query) -> Finding | None:
        bench = Bench(graph.statement())
        try:
            now = examine(bench, query, modes)
        finally:
            bench.close()
        if now is None or now.oracle != finding.oracle:
            return None
        # A crash shrinks to the same crash, not to any.
        same = now.oracle != "crash" or now.found.split("(")[0] == finding.found.split("(")[0]
        return now if same else None

    if found(graph, query) is None:
        return graph, query, finding
    small, less = shrink(graph, decisions, lambda g, q: found(g, q) is not None)
    return small, less, found(small, less) or finding


# --- quick -------------------------------------------------------------------


def quick(settings: Settings) -> Report:
    """Cases by Hypothesis, which shrinks what it finds; every oracle on each.

    Raises:
        MissingExtra: Hypothesis is not installed.
    """
    settings.check()
    try:
        from hypothesis import HealthCheck, Phase, given
        from hypothesis import seed as with_seed
        from hypothesis import settings as hypothesis_settings
    except ImportError as error:
        raise MissingExtra("Fuzzing needs Hypothesis.", hint='Install it with: pip install "memoradb[fuzz]"') from error
    from .strategies.given import graphs, queries, values

    report = Report("quick", settings.seed)
    started = time.monotonic()
    last: list[tuple[str, Query, Finding]] = []

    @with_seed(settings.seed)
    @hypothesis_settings(
        max_examples=settings.iterations,
        deadline=None,
        database=None,
        suppress_health_check=_all(HealthCheck),
        phases=(Phase.generate, Phase.shrink),
        print_blob=False,
    )
    @given(graphs(settings.smallest, settings.largest), queries(), values())
    def campaign(graph: GraphSpec, query: Query, value: Any) -> None:
        if settings.timeout_seconds is not None and time.monotonic() - started > settings.timeout_seconds:
            return
        finding = encoded(value)
        if finding is None:
            modes = _modes(settings.modes, report.tally.queries)
            bench = Bench(graph.statement())
            try:
                finding = examine(bench, query, set(settings.modes) - {"reopen"} | set(modes), report.tally)
            finally:
                bench.close()
        if finding is not None:
            last[:] = [(graph.statement(), query, finding)]
            raise _Found(finding.text())

    try:
        campaign()
    except _Found:
        report.add(*last[0], settings.save_dir)
    report.seconds = time.monotonic() - started
    return report


def _all(checks: Any) -> list[Any]:
    """Every member of an enumeration whose metaclass hides that from type checkers."""
    return list(checks)


class _Found(AssertionError):
    """Tells Hypothesis that a case failed."""


# --- scripts -----------------------------------------------------------------


def scripts_in(directory: Path) -> Iterator[Path]:
    """All scripts of a directory, by name."""
    yield from sorted(directory.glob("*.mql"))


def replay(path: Path, modes: Collection[str] = MODES, tally: Tally | None = None) -> tuple[Script, Finding | None]:
    """Run one script through the oracles."""
    script = read_script(path)
    bench = Bench(script.graph)
    try:
        return script, examine(bench, script.query, modes, tally)
    finally:
        bench.close()


def regression(settings: Settings) -> Report:
    """Replay every script of ``save_dir``, or those that the package brings."""
    settings.check()
    report = Report("regression", settings.seed)
    started = time.monotonic()
    for path in scripts_in(settings.save_dir or REGRESSIONS):
        if settings.timeout_seconds is not None and time.monotonic() - started > settings.timeout_seconds:
            break
        script, finding = replay(path, settings.modes, report.tally)
        if finding is not None:
            report.add(script.graph, script.query, finding, None)
            report.saved.append(path)
    report.seconds = time.monotonic() - started
    return report
