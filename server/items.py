"""The simple API: nodes, edges and vectors by the caller's own integer ids.

A node has the label ``Item`` beside its own, and a unique property ``id``; an edge's kind becomes its type in capitals;
a node's vector is its property ``embedding``, in the vector index ``item_vectors``. So what comes in here is
an ordinary graph, open to MemQL. Each call is one statement or one transaction. Posting a node again adds to it;
posting an edge again makes a second one.
"""

from __future__ import annotations

import re
from typing import Any, Final

from memoradb.core.errors import ArgumentError, EntityNotFound
from memoradb.database import Database, Transaction
from memoradb.result import plain

KINDS: Final = ("owns", "links", "related", "child_of", "similar_to")
DIMENSIONS: Final = 128
"""Of the vector index made on first use; an index ``item_vectors`` that is there already decides otherwise."""
VECTORS: Final = "item_vectors"
DEPTH_MAX: Final = 10
TOP_MAX: Final = 1_000
BATCH_MAX: Final = 100_000
_LABEL = re.compile(r"[^\W\d]\w{0,63}")

SCHEMA: Final = (
    "CREATE CONSTRAINT item_id IF NOT EXISTS FOR (n:Item) REQUIRE n.id IS UNIQUE",
    f"CREATE VECTOR INDEX {VECTORS} IF NOT EXISTS FOR (n:Item) ON (n.embedding) "
    f"OPTIONS {{indexConfig: {{`vector.dimensions`: {DIMENSIONS}, `vector.similarity_function`: 'cosine'}}}}",
)


def _integer(value: Any, name: str, low: int = 0, high: int = 2**63 - 1) -> int:
    if type(value) is not int or not low <= value <= high:
        raise ArgumentError(f"`{name}` must be a whole number from {low} to {high}.")
    return value


class Items:
    """The simple API over one database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._ready = False

    def _prepare(self) -> None:
        if not self._ready:
            for statement in SCHEMA:
                self._database.execute(statement)
            self._ready = True

    # --- writing

    def insert_node(self, node: dict[str, Any]) -> dict[str, Any]:
        """``{"id": 100, "label": "UserPreference"}``; further members become properties."""
        counts = self.batch({"nodes": [node]})
        return {"id": node["id"], "label": node.get("label", "Node"), **counts}

    def insert_edge(self, edge: dict[str, Any]) -> dict[str, Any]:
        """``{"from": 1, "to": 2, "kind": "related"}``."""
        counts = self.batch({"edges": [edge]})
        return {"from": edge["from"], "to": edge["to"], "kind": edge.get("kind", "related"), **counts}

    def insert_vector(self, vector: dict[str, Any]) -> dict[str, Any]:
        """``{"id": 1, "dims": [128 floats]}``: the vector of node 1; it replaces one that is there."""
        counts = self.batch({"vectors": [vector]})
        return {"id": vector["id"], "dimensions": len(vector["dims"]), **counts}

    def batch(self, parts: dict[str, Any]) -> dict[str, Any]:
        """``{"nodes": [...], "edges": [...], "vectors": [...]}`` in one transaction; answers with counts.

        Raises:
            ArgumentError: a member that is not of its form.
            EntityNotFound: an edge or vector names a node that does not exist; nothing is written then.
        """
        self._prepare()
        nodes = [self._node(n) for n in self._list(parts, "nodes")]
        edges = [self._edge(e) for e in self._list(parts, "edges")]
        vectors = [self._vector(v) for v in self._list(parts, "vectors")]

        def work(transaction: Transaction) -> None:
            for label in sorted({n["label"] for n in nodes}):
                rows = [n for n in nodes if n["label"] == label]
                transaction.execute(
                    f"UNWIND $rows AS row MERGE (n:Item {{id: row.id}}) SET n:`{label}`, n += row.properties",
                    {"rows": rows},
                )
            for kind in sorted({e["kind"] for e in edges}):
                rows = [e for e in edges if e["kind"] == kind]
                self._ends_exist(transaction, rows)
                transaction.execute(
                    "UNWIND $rows AS row MATCH (a:Item {id: row.from}), (b:Item {id: row.to}) "
                    f"CREATE (a)-[:`{kind.upper()}`]->(b)",
                    {"rows": rows},
                )
            if vectors:
                self._ends_exist(transaction, [{"from": v["id"], "to": v["id"]} for v in vectors])
                transaction.execute(
                    "UNWIND $rows AS row MATCH (n:Item {id: row.id}) SET n.embedding = row.dims", {"rows": vectors}
                )

        self._database.transaction(work)
        return {"status": "ok", "nodes": len(nodes), "edges": len(edges), "vectors": len(vectors)}

    def _dimensions(self) -> int:
        for index in self._database.snapshot().indexes():
            if index.name == VECTORS:
                return int(dict(index.options).get("dimensions", DIMENSIONS))
        return DIMENSIONS

    def _list(self, parts: dict[str, Any], name: str) -> list[Any]:
        items = parts.get(name, [])
        if not isinstance(items, list) or len(items) > BATCH_MAX or not all(isinstance(i, dict) for i in items):
            raise ArgumentError(f"`{name}` must be a list of at most {BATCH_MAX} objects.")
        return items

    def _node(self, node: dict[str, Any]) -> dict[str, Any]:
        label = node.get("label", "Node")
        if not isinstance(label, str) or not _LABEL.fullmatch(label):
            raise ArgumentError("`label` must be a word of at most 64 characters.")
        properties = {k: v for k, v in node.items() if k not in ("id", "label")}
        return {"id": _integer(node.get("id"), "id"), "label": label, "properties": properties}

    def _edge(self, edge: dict[str, Any]) -> dict[str, Any]:
        kind = edge.get("kind", "related")
        if kind not in KINDS:
            raise ArgumentError(f"`kind` must be one of {', '.join(KINDS)}.")
        return {"from": _integer(edge.get("from"), "from"), "to": _integer(edge.get("to"), "to"), "kind": kind}

    def _vector(self, vector: dict[str, Any]) -> dict[str, Any]:
        dims = vector.get("dims")
        size = self._dimensions()
        numbers = isinstance(dims, list) and all(type(d) in (int, float) for d in dims)
        if not isinstance(dims, list) or not numbers or len(dims) != size:
            raise ArgumentError(f"`dims` must be a list of {size} numbers.")
        return {"id": _integer(vector.get("id"), "id"), "dims": [float(d) for d in dims]}

    def _ends_exist(self, transaction: Transaction, rows: list[dict[str, Any]]) -> None:
        wanted = sorted({row[end] for row in rows for end in ("from", "to")})
        found = transaction.execute("UNWIND $ids AS id MATCH (n:Item {id: id}) RETURN n.id", {"ids": wanted})
        missing = set(wanted) - {row[0] for row in found}
        if missing:
            raise EntityNotFound(f"There is no node {min(missing)}.", detail="NodeNotFound")

    # --- reading

    def node(self, identity: int) -> dict[str, Any]:
        """One node with its labels and properties; EntityNotFound where there is none."""
        rows = self._database.execute("MATCH (n:Item {id: $id}) RETURN n", {"id": identity}).rows
        if not rows:
            raise EntityNotFound(f"There is no node {identity}.", detail="NodeNotFound")
        return self._shown(rows[0][0])

    def _shown(self, node: Any) -> dict[str, Any]:
        properties = {k: plain(v) for k, v in node.properties.items() if k not in ("id", "embedding")}
        labels = [x for x in node.labels if x != "Item"]
        return {
            "id": node.properties["id"],
            "label": labels[0] if labels else "Node",
            "labels": labels,
            "properties": properties,
            "has_vector": "embedding" in node.properties,
        }

    def query_related(self, identity: int, depth: int = 1) -> dict[str, Any]:
        """Nodes within ``depth`` hops, either way, nearest first."""
        depth = _integer(depth, "depth", 1, DEPTH_MAX)
        self.node(identity)
        seen = {identity}
        frontier = [identity]
        related: list[dict[str, Any]] = []
        for distance in range(1, depth + 1):
            rows = self._database.execute(
                "UNWIND $ids AS id MATCH (:Item {id: id})--(m:Item) RETURN DISTINCT m", {"ids": frontier}
            )
            fresh = [r[0] for r in rows if r[0].properties["id"] not in seen]
            frontier = [n.properties["id"] for n in fresh]
            seen.update(frontier)
            related.extend({**self._shown(n), "distance": distance} for n in fresh)
            if not frontier:
                break
        return {"id": identity, "depth": depth, "count": len(related), "related": related}

    def query_similar(self, identity: int, top_k: int = 10) -> dict[str, Any]:
        """The nodes whose vectors are most like this node's."""
        top_k = _integer(top_k, "top_k", 1, TOP_MAX)
        if not self.node(identity)["has_vector"]:
            return {"id": identity, "top_k": top_k, "count": 0, "similar": []}
        self._prepare()
        rows = self._database.execute(
            "MATCH (n:Item {id: $id}) WHERE n.embedding IS NOT NULL "
            f"CALL db.index.vector.queryNodes('{VECTORS}', $k, n.embedding) YIELD node, score "
            "WHERE node.id <> $id RETURN node, score ORDER BY score DESC, node.id LIMIT $top",
            {"id": identity, "k": top_k + 1, "top": top_k},
        )
        similar = [{**self._shown(node), "score": score} for node, score in rows]
        return {"id": identity, "top_k": top_k, "count": len(similar), "similar": similar}

    def query_hybrid(self, identity: int, depth: int = 2, top_k: int = 5) -> dict[str, Any]:
        """Related and similar nodes together; a node that is both stands first."""
        related = self.query_related(identity, depth)["related"]
        similar = self.query_similar(identity, top_k)["similar"]
        merged: dict[int, dict[str, Any]] = {n["id"]: dict(n) for n in related}
        for node in similar:
            merged.setdefault(node["id"], dict(node))["score"] = node["score"]
        results = sorted(
            merged.values(),
            key=lambda n: (-("score" in n and "distance" in n), n.get("distance", 99), -n.get("score", 0)),
        )
        return {
            "node_id": identity,
            "depth": depth,
            "top_k": top_k,
            "count": len(results),
            "related_count": len(related),
            "similar_count": len(similar),
            "results": results,
        }
