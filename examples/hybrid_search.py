"""Vectors, full text and graph in one query, over a handful of notes.

python examples/hybrid_search.py "QUESTION"
"""

import sys

import memoradb

NOTES = (
    ("Parsing dates", "datetime.strptime parses a date from text by a format", "python"),
    ("Zones", "zoneinfo gives IANA time zones; attach one to a datetime", "python"),
    ("Sourdough", "Feed the starter a day before baking; bake at 230 degrees", "kitchen"),
    ("Dates in the kitchen", "Dates keep for months in a cool place", "kitchen"),
)
SCHEMA = (
    "CREATE FULLTEXT INDEX words FOR (n:Note) ON EACH [n.title, n.text]",
    "CREATE VECTOR INDEX likeness FOR (n:Note) ON (n.embedding) OPTIONS {indexConfig: {`vector.dimensions`: 256}}",
)
SEARCH = """
MATCH (n:Note)
  SEARCH n IN (VECTOR INDEX likeness FOR ai.embed($question) LIMIT 3) SCORE AS likeness
MATCH (n)-[:ABOUT]->(t:Topic)
OPTIONAL MATCH (t)<-[:ABOUT]-(other:Note) WHERE other <> n
RETURN n.title AS title, t.name AS topic, round(likeness, 2) AS likeness, collect(other.title) AS see_also
ORDER BY likeness DESC, title
"""


def main(question: str) -> None:
    """Store the notes, and search them."""
    with memoradb.open() as db:
        for statement in SCHEMA:
            db.execute(statement)
        db.execute(
            """
            UNWIND $notes AS note
            MERGE (t:Topic {name: note[2]})
            CREATE (n:Note {title: note[0], text: note[1], embedding: ai.embed(note[0] + ' ' + note[1])})-[:ABOUT]->(t)
            """,
            {"notes": [list(note) for note in NOTES]},
        )
        for record in db.execute(SEARCH, {"question": question}):
            also = f"; see also {', '.join(record['see_also'])}" if record["see_also"] else ""
            print(f"{record['likeness']:.2f}  {record['title']} ({record['topic']}){also}")


if __name__ == "__main__":
    main(" ".join(sys.argv[1:]) or "how do I parse a date")
