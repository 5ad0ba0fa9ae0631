"""From text to plan: what was seen before, what differs in a literal, and what is new.

    make bench-language

Medians over the queries of the openCypher kit, which lies beside the checkout, and over two statements of our own; the
reference of the same run is a fixed loop of pure Python. The budgets are the project's own: the same text under 1 us,
another literal of a 120-character statement under 50 us, a new statement of nine lines parsed under 1 ms and planned
under 5 ms, the parser's tables loaded in 0.1 s.
"""

from __future__ import annotations

import itertools
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from report import Row, alternate, calibration, median_us, publish

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "kit"))
from kit_queries import kit_queries  # pyright: ignore[reportMissingImports]

import memoradb
from memoradb.core.errors import MemoraDBError
from memoradb.memql.syntax.fingerprint import fingerprint
from memoradb.memql.syntax.parser import parse
from memoradb.memql.syntax.retag import retag
from memoradb.memql.syntax.tokens import tokenize

SHORT = (
    "MATCH (p:Person {name: 'Ada Lovelace'})-[:KNOWS]->(f:Person) "
    "WHERE f.age > 30 AND f.city = 'London' RETURN f.name, f.age"
)
"""120 characters with three literals."""

NINE_LINES = """MATCH (person:Person {id: $id})-[:KNOWS]->(friend:Person)
WHERE friend.age > 30 AND NOT friend.name STARTS WITH 'X'
OPTIONAL MATCH (friend)-[work:WORKS_AT]->(company:Company)
WITH person, friend, collect(company.name) AS companies, count(work) AS jobs
WHERE jobs > 0 OR size(companies) = 0
UNWIND companies AS company
WITH friend, company, CASE WHEN friend.age > 60 THEN 'old' ELSE 'young' END AS band
RETURN friend.name AS name, company, band, count(*) AS number
ORDER BY number DESC, name LIMIT 10"""

FRESH = """
import sys, time
started = time.perf_counter()
import memoradb
imported = time.perf_counter()
assert "lark" not in sys.modules and "numpy" not in sys.modules
from memoradb.memql.syntax.parser import parse
loaded = time.perf_counter()
parse("RETURN 1")
print(imported - started, time.perf_counter() - loaded)
"""


def each(work: Callable[[str], object], texts: Iterable[str]) -> float:
    """Median microseconds of ``work`` over texts, each once."""
    times = []
    for text in texts:
        started = time.perf_counter_ns()
        work(text)
        times.append(time.perf_counter_ns() - started)
    return statistics.median(times) / 1e3


def in_a_fresh_process() -> tuple[float, float]:
    """Microseconds of ``import memoradb`` and of the first parse, in a process of its own."""
    out = subprocess.run([sys.executable, "-c", FRESH], capture_output=True, text=True, check=True).stdout
    imported, parsed = map(float, out.split())
    return imported * 1e6, parsed * 1e6


def plannable(engine: object, view: object) -> list[str]:
    """The kit's queries that have a plan."""
    found = []
    for query in kit_queries():
        try:
            engine.prepare(query.text, view)  # pyright: ignore[reportAttributeAccessIssue]
        except MemoraDBError:
            continue
        found.append(query.text)
    return found


def main() -> None:
    database = memoradb.open(None)
    database.execute("CREATE (:Person {id: 1, name: 'Ada', age: 36, city: 'London'})-[:KNOWS]->(:Person)")
    engine, view = database.query_engine, database.storage.snapshot()
    texts = plannable(engine, view)
    if not texts:
        print("The openCypher kit is not beside this checkout: only the statements of our own are measured.")
        texts = [SHORT, NINE_LINES]
    numbers = itertools.count(1_000)

    def seen_before(text: str) -> Callable[[], object]:
        engine.prepare(text, view)
        return lambda: engine.prepare(text, view)

    def another_literal() -> object:
        return engine.prepare(SHORT.replace("30", str(next(numbers))), view)

    def other_text(text: str) -> object:
        # White space behind a text makes it another text of the same fingerprint, as another literal would.
        return engine.prepare(f"{text}{' ' * (next(numbers) % 700)} // {next(numbers)}", view)

    def new(text: str) -> object:
        engine.forget_plans()
        return engine.prepare(text, view)

    def warmed(work: Callable[[str], object]) -> Callable[[], float]:
        """Each text is planned right before: the cache holds fewer plans than the kit has queries."""

        def measure() -> float:
            times = []
            for text in texts[::3]:
                engine.prepare(text, view)
                times.append(each(work, [text]))
            return statistics.median(times)

        return measure

    works: dict[str, Callable[[], float]] = {
        "calibration": lambda: median_us(calibration, 200),
        "same": lambda: median_us(seen_before(SHORT), 20_000),
        "literal": lambda: median_us(another_literal, 1_000),
        "parse nine": lambda: median_us(lambda: parse(NINE_LINES), 200),
        "plan nine": lambda: median_us(lambda: new(NINE_LINES), 50),
        "kit same": warmed(lambda text: engine.prepare(text, view)),
        "kit other": warmed(other_text),
        "kit fingerprint": lambda: each(fingerprint, texts),
        "kit tokens": lambda: each(lambda text: retag(tokenize(text)), texts),
        "kit parse": lambda: each(parse, texts),
        "kit plan": lambda: each(new, texts[::7]),
        "import": lambda: in_a_fresh_process()[0],
        "tables": lambda: in_a_fresh_process()[1],
    }
    engine.prepare(SHORT, view)
    found = alternate(works)
    reference = found["calibration"]
    budgets = {"same": 1.0, "literal": 50.0, "parse nine": 1_000.0, "plan nine": 5_000.0, "tables": 100_000.0}
    titles = {
        "same": "the same text to its plan",
        "literal": f"another literal, {len(SHORT)} characters",
        "parse nine": f"a new statement of nine lines, {len(NINE_LINES)} characters, parsed",
        "plan nine": "the same to its plan",
        "kit same": f"kit, every third of {len(texts):,} queries: seen before",
        "kit other": "kit, the same: another text of the same fingerprint",
        "kit fingerprint": "kit: fingerprint alone",
        "kit tokens": "kit: tokens, retagged",
        "kit parse": "kit: parsed",
        "kit plan": "kit: to its plan, every seventh",
        "import": "import memoradb, a fresh process",
        "tables": "first parse, a fresh process: its tables loaded",
    }
    rows = [Row(title, found[name], reference, "calibration loop") for name, title in titles.items()]
    publish("language", "From text to plan: medians of five alternating rounds", rows, {"budgets_us": budgets})
    for name, budget in budgets.items():
        verdict = "within" if found[name] <= budget else "ABOVE"
        print(f"{titles[name]}: {found[name]:,.1f} us, {verdict} its budget of {budget:,.0f} us")
    database.close()


if __name__ == "__main__":
    main()
