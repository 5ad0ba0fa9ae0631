"""A memory for an agent: store what is said, recall what matters, correct what was wrong. Kept in ./agent-memory.

python examples/agent_memory.py
"""

from __future__ import annotations

from typing import Any

import memoradb

SCHEMA = (
    "CREATE CONSTRAINT topic_name IF NOT EXISTS FOR (t:Topic) REQUIRE t.name IS UNIQUE",
    "CREATE VECTOR INDEX memory_meaning IF NOT EXISTS FOR (m:Memory) ON (m.embedding) "
    "OPTIONS {indexConfig: {`vector.dimensions`: 256}}",
)
RECALL = """
MATCH (m:Memory)
  SEARCH m IN (VECTOR INDEX memory_meaning FOR ai.embed($question) LIMIT $wide) SCORE AS score
WHERE NOT m:Outdated
OPTIONAL MATCH (m)-[:ABOUT]->(t:Topic)
RETURN elementId(m) AS id, m.text AS text, collect(t.name) AS topics, score
ORDER BY score DESC LIMIT $k
"""


class AgentMemory:
    """What an agent knows, in one database."""

    def __init__(self, database: memoradb.Database) -> None:
        self._database = database
        for statement in SCHEMA:
            database.execute(statement)

    def store(self, text: str, topics: list[str]) -> str:
        """Keep ``text``; returns the memory's id."""
        result = self._database.execute(
            """
            CREATE (m:Memory {text: $text, embedding: ai.embed($text), at: datetime()})
            FOREACH (name IN $topics | MERGE (t:Topic {name: name}) CREATE (m)-[:ABOUT]->(t))
            RETURN elementId(m)
            """,
            {"text": text, "topics": topics},
        )
        return str(result.value())

    def recall(self, question: str, k: int = 3) -> list[dict[str, Any]]:
        """The ``k`` memories most like ``question``, outdated ones left out."""
        return self._database.execute(RECALL, {"question": question, "k": k, "wide": 4 * k}).to_dicts()

    def correct(self, identity: str, text: str) -> str:
        """Replace a memory: the old one stays, marked, and the new one points to it."""
        topics = self._database.execute(
            "MATCH (m:Memory) WHERE elementId(m) = $id OPTIONAL MATCH (m)-[:ABOUT]->(t) RETURN collect(t.name)",
            {"id": identity},
        ).value()
        new = self.store(text, topics)
        self._database.execute(
            "MATCH (old:Memory), (new:Memory) WHERE elementId(old) = $old AND elementId(new) = $new "
            "SET old:Outdated CREATE (new)-[:REPLACES {at: datetime()}]->(old)",
            {"old": identity, "new": new},
        )
        return new


def main() -> None:
    """A short conversation."""
    with memoradb.open("agent-memory") as database:
        memory = AgentMemory(database)
        memory.store("Ada prefers green tea", ["Ada", "drinks"])
        flight = memory.store("Ada's flight to Lima leaves on Monday", ["Ada", "travel"])
        memory.store("Bo feeds the cat while Ada is away", ["Bo", "home"])
        memory.correct(flight, "Ada's flight to Lima leaves on Tuesday")
        for found in memory.recall("When does the flight to Lima leave?", k=2):
            print(f"{found['text']} {sorted(found['topics'])}")


if __name__ == "__main__":
    main()
