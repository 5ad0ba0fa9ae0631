"""The questions of ``bench/engine.py``: texts, parameters, peers and targets, and the engines that answer them.

What ``../shared/bench`` has is used as it is; what it lacks (2-hop variants, scans, sorts, whole columns, returned
paths, pairs of MATCH) is added here for every engine.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SHARED = Path(__file__).parents[2] / "shared" / "bench"
sys.path.append(str(SHARED))

Parameters = dict[str, Any]
Rows = list[tuple[Any, ...]]


@dataclass(frozen=True)
class Operation:
    """One question. ``target``: milliseconds from text to rows, None where only a ratio was asked for."""

    name: str
    section: str
    target: float | None
    peers: tuple[str, ...]
    calls: int = 40
    """At most so many in a round; the budget of time may end it earlier."""
    is_write: bool = False


GRAPH, ALL, SMALL = ("ladybug", "duckdb"), ("ladybug", "duckdb", "sqlite"), ("ladybug", "sqlite", "duckdb")

OPERATIONS = (
    *(Operation(f"q{i}", "queries", None, GRAPH) for i in range(1, 10)),
    Operation("point", "point", 0.015, SMALL, 400),
    Operation("hop1", "point", 0.04, SMALL, 400),
    Operation("hop2", "point", 0.15, SMALL, 400),
    Operation("var13", "paths", 1.0, ALL, 100),
    Operation("paths13", "paths", 15.0, ("ladybug",), 10),
    Operation("sp", "paths", 0.7, ALL, 100),
    Operation("tri", "paths", 20.0, ALL, 10),
    Operation("two_hop", "twohop", 5.0, GRAPH),
    Operation("two_hop_ends", "twohop", 20.0, GRAPH),
    Operation("two_hop_grouped", "twohop", 60.0, GRAPH),
    Operation("two_hop_flat", "twohop", 1_500.0, GRAPH, 1),
    Operation("scan", "scans", 1.0, GRAPH),
    Operation("contains", "scans", 2.0, GRAPH),
    Operation("top", "scans", 2.0, GRAPH),
    Operation("group_by_name", "scans", 1.0, GRAPH),
    Operation("columns", "scans", 60.0, ALL, 5),
    Operation("one_match", "matches", None, ("ladybug",), 3),
    Operation("two_matches", "matches", None, ("ladybug",), 3),
    Operation("batch_nodes", "writes", 30.0, ALL, 1, True),
    Operation("batch_edges", "writes", 40.0, ALL, 1, True),
    Operation("update1k", "writes", 3.0, ALL, 3, True),
    Operation("count_persons", "writes", 1.5, ALL, 5),
    Operation("count_follows", "writes", 8.0, ALL, 5),
    Operation("sum_age", "writes", 2.2, ALL, 5),
)
"""In the order in which they run: reads first. The last three read what the writes left behind."""

TITLES = {
    "point": "point read",
    "hop1": "1 hop (24 rows)",
    "hop2": "distinct 2 hops",
    "var13": "1 to 3 hops, distinct ends",
    "paths13": "1 to 3 hops, 12K paths returned",
    "sp": "shortest path of a pair",
    "tri": "triangles in a city",
    "two_hop": "2-hop count, plain",
    "two_hop_ends": "2-hop count, predicates on both ends",
    "two_hop_grouped": "2-hop count, grouped by the end",
    "two_hop_flat": "2-hop, one predicate over both ends",
    "scan": "scan 100K, filter, aggregate",
    "contains": "CONTAINS over 100K names",
    "top": "two-key ORDER BY LIMIT 10",
    "group_by_name": "group by name",
    "columns": "100K rows of 3 columns",
    "one_match": "UNWIND of 400 pairs, one MATCH of both ends",
    "two_matches": "the same, a MATCH for each end",
    "batch_nodes": "UNWIND: 10K nodes",
    "batch_edges": "UNWIND: 10K relationships by key",
    "update1k": "UNWIND: set on 1K nodes",
    "count_persons": "count of nodes right after writes",
    "count_follows": "count of relationships right after writes",
    "sum_age": "sum of a property right after writes",
}

_TWO_HOPS = "MATCH (a:Person)-[:FOLLOWS]->(b:Person)-[:FOLLOWS]->(c:Person)"
_PAIRS = "RETURN count(*) AS n, sum(a.age + b.age) AS ages"

CYPHER = {
    "paths13": "MATCH p = (a:Person {id: $id})-[:FOLLOWS*1..3]->(b:Person) RETURN p",
    "two_hop": f"{_TWO_HOPS} RETURN count(*) AS n",
    "two_hop_ends": f"{_TWO_HOPS} WHERE a.age < $young AND c.age > $old RETURN count(*) AS n",
    "two_hop_grouped": f"{_TWO_HOPS} RETURN c.id AS id, count(*) AS n ORDER BY n DESC, id LIMIT 10",
    "two_hop_flat": f"{_TWO_HOPS} WHERE a.age < c.age RETURN count(*) AS n",
    "scan": "MATCH (p:Person) WHERE p.age > $age RETURN count(*) AS n, avg(p.age) AS a",
    "contains": "MATCH (p:Person) WHERE p.name CONTAINS $part RETURN count(*) AS n",
    "top": "MATCH (p:Person) RETURN p.age AS age, p.name AS name ORDER BY age DESC, name LIMIT 10",
    "group_by_name": "MATCH (p:Person) RETURN p.name AS name, count(*) AS n ORDER BY n DESC, name LIMIT 10",
    "columns": "MATCH (p:Person) RETURN p.id, p.name, p.age",
    "one_match": f"UNWIND $rows AS r MATCH (a:Person {{id: r.a}}), (b:Person {{id: r.b}}) {_PAIRS}",
    "two_matches": f"UNWIND $rows AS r MATCH (a:Person {{id: r.a}}) MATCH (b:Person {{id: r.b}}) {_PAIRS}",
}

LADYBUG = {
    # The dialect's own word for paths that use no relationship twice, which is what openCypher means.
    "paths13": "MATCH p = (a:Person {id: $id})-[:FOLLOWS* TRAIL 1..3]->(b:Person) RETURN p",
}

_JOINED = "follows f JOIN follows g ON g.src = f.dst"
_ENDS = f"{_JOINED} JOIN person a ON a.id = f.src JOIN person c ON c.id = g.dst"

SQL = {
    "two_hop": f"SELECT count(*) FROM {_JOINED}",
    "two_hop_ends": f"SELECT count(*) FROM {_ENDS} WHERE a.age < $young AND c.age > $old",
    "two_hop_grouped": f"SELECT g.dst, count(*) AS n FROM {_JOINED} GROUP BY g.dst ORDER BY n DESC, g.dst LIMIT 10",
    "two_hop_flat": f"SELECT count(*) FROM {_ENDS} WHERE a.age < c.age",
    "scan": "SELECT count(*), avg(age) FROM person WHERE age > $age",
    "contains": "SELECT count(*) FROM person WHERE contains(name, $part)",
    "top": "SELECT age, name FROM person ORDER BY age DESC, name LIMIT 10",
    "group_by_name": "SELECT name, count(*) AS n FROM person GROUP BY name ORDER BY n DESC, name LIMIT 10",
    "columns": "SELECT id, name, age FROM person",
}

TEXTS = {"memoradb": CYPHER, "ladybug": CYPHER | LADYBUG, "duckdb": SQL, "sqlite": SQL}


def parameters(operation: str, meta: dict[str, Any]) -> list[Parameters]:
    """The parameter sets of a read: the same for every engine, used in turn."""
    from peers import workload  # pyright: ignore[reportMissingImports]

    vertices = meta["vertices"]
    if operation == "paths13":
        return [{"id": v} for v in vertices]
    if operation == "two_hop_ends":
        return [{"young": 40, "old": 30}]
    if operation == "scan":
        return [{"age": age} for age in (30, 35, 40)]
    if operation == "contains":
        return [{"part": part} for part in ("ar", "Mer", "x")]
    if operation in ("one_match", "two_matches"):
        return [{"rows": [{"a": v, "b": w} for v, w in zip(vertices, vertices[7:] + vertices[:7], strict=True)]}]
    return workload.params(operation, meta)


def write_parameters(operation: str, number: int, call: int) -> Parameters:
    """Those of one call of a write: ids never come twice."""
    from peers import workload  # pyright: ignore[reportMissingImports]

    return workload.write_params(operation, number, call)


def literal(value: object) -> str:
    """A number or string as Cypher and SQL both write it."""
    return "'" + value.replace("'", "''") + "'" if isinstance(value, str) else repr(value)


def engine(name: str) -> type[Any]:
    """The adapter of one engine, which also knows the questions of this benchmark."""
    if name == "floor":
        from engine_floors import Floor

        return Floor
    import peers  # pyright: ignore[reportMissingImports]

    base = peers.get(name)

    class Adapter(base):
        texts = base.texts | TEXTS[name]

        def ready(self, operation: str, values: Parameters, fresh: bool) -> tuple[str, Parameters, bool]:
            """What ``run`` takes: a fresh text has its parameters as literals, and a comment that no cache has seen."""
            if not fresh or "rows" in values:
                return operation, values, fresh
            text = re.sub(r"\$(\w+)", lambda found: literal(values[found[1]]), self.texts[operation])
            self.texts["fresh"] = text
            return "fresh", {}, True

        def plain(self, rows: Rows) -> Rows:
            """Rows whose values are the same in every engine: paths as the ids of their nodes."""
            return [tuple(map(_plain, row)) for row in rows]

    return Adapter


def _plain(value: Any) -> Any:
    if isinstance(value, dict) and "_NODES" in value:
        return tuple(node["id"] for node in value["_NODES"])
    if hasattr(value, "relationships"):
        return tuple(node.properties["id"] for node in value.nodes)
    return value
