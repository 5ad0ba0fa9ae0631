"""Questions to ask of the sample graph ``python``, in one place: for README, the server's greeting and tests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Question:
    """A question in words, and its query."""

    title: str
    query: str


REACHES_ASYNCIO: Final = Question(
    "Which modules reach asyncio within three imports?",
    """\
MATCH path = (m:Module)-[:IMPORTS*1..3]->(:Module {name: 'asyncio'})
WHERE NOT m.name STARTS WITH 'asyncio'
RETURN m.name AS module, min(length(path)) AS imports
ORDER BY imports, module LIMIT 10""",
)

OVERRIDES_MOST: Final = Question(
    "Which classes override most of their parents' methods?",
    """\
MATCH (c:Class)-[:INHERITS]->(:Class)-[:CONTAINS]->(m:Function)
OPTIONAL MATCH (c)-[:CONTAINS]->(o:Function {name: m.name})
WITH c, count(DISTINCT m.name) AS inherited, count(DISTINCT o.name) AS overridden
WHERE inherited >= 10
RETURN c.qualified_name AS class, overridden, inherited
ORDER BY 1.0 * overridden / inherited DESC, inherited DESC, class LIMIT 10""",
)

PARSES_DATES: Final = Question(
    "Which functions are about parsing a date, by their docstring, and can raise ValueError?",
    """\
MATCH (f:Function)
  SEARCH f IN (VECTOR INDEX function_meaning FOR ai.embed('parse a date or datetime from a string') LIMIT 200)
  SCORE AS likeness
WHERE EXISTS { (f)-[:CALLS*0..2]->()-[:RAISES]->(:Class {name: 'ValueError'}) }
MATCH (g:Function)
  SEARCH g IN (FULLTEXT INDEX docs FOR 'date datetime') SCORE AS relevance
WHERE g = f
RETURN f.qualified_name AS function, round(likeness, 3) AS likeness, round(relevance, 1) AS relevance
ORDER BY likeness DESC, function LIMIT 10""",
)

QUESTIONS: Final = (REACHES_ASYNCIO, OVERRIDES_MOST, PARSES_DATES)
