"""What a graph holds, whatever its ids: for comparing one with what became of it elsewhere."""

from __future__ import annotations

from collections import Counter
from typing import Any

from memoradb import Database
from memoradb.core.serde import encode


def content(database: Database) -> tuple[Counter[Any], Counter[Any]]:
    """The nodes, by labels and properties, and the relationships with what their ends are, each with its number.

    Graphs whose nodes all differ are the same if this is.
    """
    nodes = {n.id: (n.labels, encode(n.properties)) for n in database.execute("MATCH (n) RETURN n").column("n")}
    relationships = database.execute("MATCH ()-[r]->() RETURN r").column("r")
    return (
        Counter((frozenset(labels), properties) for labels, properties in nodes.values()),
        Counter((nodes[r.start][1], r.type, encode(r.properties), nodes[r.end][1]) for r in relationships),
    )
