"""How good the planner's estimates are: the q-error of every operator over the bench's queries and more.

    .venv/bin/python bench/estimates.py [--data DIRECTORY] [--persons 100000] [--worst 15] [--json FILE]

The data directory is one of ``make bench-social`` (``.cache/social-N/work/memoradb/db``); it is copied first. Each
query runs once with PROFILE on a plan that no run has corrected. The q-error is the factor by which the estimated rows
are off, in either direction, less than one row being one (Moerkotte et al. 2009).
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

import memoradb
from memoradb.memql.optimize.feedback import Feedback

ROOT = Path(__file__).parents[1]
SHARED = ROOT.parent / "shared" / "bench"

OWN: dict[str, tuple[str, dict[str, Any]]] = {
    "age equals": ("MATCH (p:Person) WHERE p.age = 30 RETURN count(*)", {}),
    "age equals a parameter": ("MATCH (p:Person) WHERE p.age = $age RETURN p.name", {"age": 41}),
    "age range": ("MATCH (p:Person) WHERE p.age > 25 AND p.age <= 35 RETURN p.id", {}),
    "age out of range": ("MATCH (p:Person) WHERE p.age > 300 RETURN p.id", {}),
    "not equal": ("MATCH (p:Person) WHERE p.gender <> 'male' RETURN count(p.name)", {}),
    "one of": ("MATCH (p:Person) WHERE p.age IN [20, 30, 40] RETURN p.id", {}),
    "ids": ("MATCH (p:Person) WHERE p.id IN $ids RETURN p.name", {"ids": list(range(1, 400, 7))}),
    "id range": ("MATCH (p:Person) WHERE p.id >= 5000 AND p.id < 7000 RETURN p.age", {}),
    "born": ("MATCH (p:Person) WHERE p.birthday < date('1980-01-01') RETURN p.id", {}),
    "married": ("MATCH (p:Person) WHERE p.isMarried RETURN p.id", {}),
    "married women": ("MATCH (p:Person {isMarried: true, gender: 'female'}) RETURN p.id", {}),
    "young or old": ("MATCH (p:Person) WHERE p.age < 20 OR p.age > 60 RETURN p.id", {}),
    "name begins": ("MATCH (p:Person) WHERE p.name STARTS WITH 'Ma' RETURN p.id", {}),
    "name contains": ("MATCH (p:Person) WHERE p.name CONTAINS 'an' RETURN p.id", {}),
    "name ends": ("MATCH (p:Person) WHERE p.name ENDS WITH 'son' RETURN p.id", {}),
    "upper case": ("MATCH (p:Person) WHERE toUpper(p.gender) = 'MALE' RETURN p.id", {}),
    "even ages": ("MATCH (p:Person) WHERE p.age % 2 = 0 RETURN p.id", {}),
    "no such property": ("MATCH (p:Person) WHERE p.nothing IS NULL RETURN p.id", {}),
    "all cities": ("MATCH (c:City) RETURN DISTINCT c.country", {}),
    "cities by state": ("MATCH (c:City) RETURN c.state, count(*)", {}),
    "big cities": ("MATCH (c:City) WHERE c.population > 1000000 RETURN c.city", {}),
    "who lives there": ("MATCH (p:Person)-[:LIVES_IN]->(c:City {city: 'London'}) RETURN p.name", {}),
    "in a country": ("MATCH (p:Person)-[:LIVES_IN]->(c:City) WHERE c.country = 'Canada' RETURN p.id", {}),
    "interests of the young": (
        "MATCH (p:Person)-[:HAS_INTEREST]->(i:Interest) WHERE p.age < 25 RETURN i.interest, count(*)",
        {},
    ),
    "sharing an interest": (
        "MATCH (a:Person {id: 17})-[:HAS_INTEREST]->(i)<-[:HAS_INTEREST]-(b:Person) RETURN b.id",
        {},
    ),
    "neighbours": ("MATCH (a:Person {id: 23})-[:LIVES_IN]->(c)<-[:LIVES_IN]-(b:Person) RETURN b.id", {}),
    "followers": ("MATCH (a:Person {id: 99})<-[:FOLLOWS]-(b) RETURN b.id", {}),
    "followers of the followed": ("MATCH (a:Person {id: 99})-[:FOLLOWS]->(b)<-[:FOLLOWS]-(c) RETURN c.id", {}),
    "two hops": ("MATCH (a:Person {id: 99})-[:FOLLOWS]->(b)-[:FOLLOWS]->(c) RETURN c.id", {}),
    "two hops, old": ("MATCH (a:Person {id: 7})-[:FOLLOWS]->(b)-[:FOLLOWS]->(c) WHERE c.age > 45 RETURN c.id", {}),
    "three hops": ("MATCH (a:Person {id: 8})-[:FOLLOWS]->()-[:FOLLOWS]->()-[:FOLLOWS]->(d) RETURN count(d.name)", {}),
    "trails": ("MATCH (a:Person {id: 7})-[:FOLLOWS*1..2]->(b) RETURN b.id", {}),
    "trails back": ("MATCH (a:Person {id: 7})<-[:FOLLOWS*2..2]-(b) RETURN b.id", {}),
    "follow each other": ("MATCH (a:Person)-[:FOLLOWS]->(b:Person)-[:FOLLOWS]->(a) WHERE a.age = 30 RETURN a.id", {}),
    "follow in one city": (
        "MATCH (c:City {city: 'Toronto'})<-[:LIVES_IN]-(a:Person)-[:FOLLOWS]->(b:Person) RETURN a.id, b.id",
        {},
    ),
    "to the country": (
        "MATCH (p:Person {id: 12})-[:LIVES_IN]->(c)-[:CITY_IN]->(s)-[:STATE_IN]->(x) RETURN x.country",
        {},
    ),
    "distinct ages": ("MATCH (p:Person) RETURN DISTINCT p.age", {}),
    "by age and gender": ("MATCH (p:Person) RETURN p.age, p.gender, count(*)", {}),
    "by name": ("MATCH (p:Person) RETURN p.name, count(*)", {}),
    "by city": ("MATCH (p:Person)-[:LIVES_IN]->(c:City) RETURN c.city, count(*) AS n", {}),
    "filtered groups": ("MATCH (p:Person) WITH p.age AS age, count(*) AS n WHERE n > 1000 RETURN age", {}),
    "nobody follows": ("MATCH (p:Person) WHERE NOT EXISTS { (p)<-[:FOLLOWS]-() } RETURN p.id", {}),
    "has an interest": ("MATCH (p:Person) WHERE EXISTS { (p)-[:HAS_INTEREST]->(:Interest) } RETURN p.id", {}),
    "optional": ("MATCH (c:City) OPTIONAL MATCH (c)<-[:LIVES_IN]-(p:Person) RETURN c.city, p.id", {}),
    "unwound": ("UNWIND range(1, 1000) AS i MATCH (p:Person {id: i}) RETURN p.name", {}),
    "unwound, followed": (
        "UNWIND $ids AS i MATCH (p:Person {id: i})-[:FOLLOWS]->(q) RETURN q.id",
        {"ids": [*range(1, 200)]},
    ),
    "same age": ("MATCH (a:Person {id: 5}), (b:Person) WHERE a.age = b.age RETURN b.id", {}),
    "per person": ("MATCH (p:Person) WHERE p.age = 33 CALL (p) { MATCH (p)-[:FOLLOWS]->(q) RETURN q } RETURN q.id", {}),
}  # fmt: skip
"""Queries of our own: access paths, joins, groups and subqueries that the bench's do not have."""

MORE = {"tri": "triangles", "var13": "distinct ends", "sp": "shortest path"}


def bench_queries() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """The bench's reads, each with some of its parameters."""
    sys.path.insert(0, str(SHARED))
    from peers import workload  # pyright: ignore[reportMissingImports]

    meta = json.loads(next((ROOT / ".cache").glob("social-100000/data/meta.json")).read_text("utf-8"))
    for name in workload.READS:
        for number, parameters in enumerate(workload.params(name, meta)[:3]):
            yield f"{name}.{number}", workload.CYPHER[name], parameters


def operators(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A plan's operators."""
    yield node
    for child in node["children"]:
        yield from operators(child)


def q_error(operator: dict[str, Any]) -> float | None:
    """None for operators that are not estimated, or stand for something else."""
    if "rows_estimated" not in operator or "rows" not in operator or operator["operator"] == "ArgumentScan":
        return None
    if not operator.get("arguments", 1):
        return None  # it did not run: another way to its rows was taken
    estimated = max(operator["rows_estimated"], 1.0)
    actual = max(operator["rows"] / operator.get("arguments", 1), 1.0)
    return max(estimated / actual, actual / estimated)


def quantile(values: list[float], share: float) -> float:
    """The value that so many are not above."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--persons", type=int, default=100_000)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--worst", type=int, default=15)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--only")
    parser.add_argument("--plans", action="store_true")
    options = parser.parse_args()
    data = options.data or ROOT / ".cache" / f"social-{options.persons}" / "work" / "memoradb" / "db"
    if not data.exists():
        sys.exit(f"There is no data directory {data}: run `make bench-social` first, or give --data.")
    found: list[tuple[float, str, dict[str, Any]]] = []
    roots: list[float] = []
    with tempfile.TemporaryDirectory() as copy:
        shutil.copytree(data, Path(copy) / "db")
        with memoradb.open(Path(copy) / "db") as database:
            for name, text, parameters in (*bench_queries(), *((n, q, p) for n, (q, p) in OWN.items())):
                if options.only and options.only not in name:
                    continue
                database.query_engine.preparation.feedback = Feedback()  # what a run has shown corrects no other's
                plan = database.execute(f"PROFILE {text}", parameters).summary
                if options.plans:
                    print(name, plan.plan, sep="\n")
                tree = plan.plan_tree
                assert tree is not None
                seen = [(q, name, o) for o in operators(dict(tree)) if (q := q_error(o)) is not None]
                found += seen
                roots.append(seen[0][0])
    by_operator: dict[str, list[float]] = {}
    for q, _, operator in found:
        by_operator.setdefault(operator["operator"], []).append(q)
    print(f"{'operator':24} {'number':>6} {'median':>8} {'95 %':>8} {'worst':>10}")
    rows = [*sorted(by_operator.items()), ("all operators", [q for q, _, _ in found]), ("results", roots)]
    for name, values in rows:
        print(f"{name:24} {len(values):6} {median(values):8.2f} {quantile(values, 0.95):8.2f} {max(values):10.1f}")
    print()
    for q, name, operator in sorted(found, key=lambda item: -item[0])[: options.worst]:
        shown = f"{operator['operator']} {operator['details']}"[:70]
        print(f"{q:8.1f}  {name:26} {operator['rows_estimated']:>12,.1f} {operator['rows']:>12,}  {shown}")
    if options.json:
        figures = {
            n: {"median": median(v), "p95": quantile(v, 0.95), "worst": max(v), "number": len(v)} for n, v in rows
        }
        options.json.write_text(json.dumps(figures, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
