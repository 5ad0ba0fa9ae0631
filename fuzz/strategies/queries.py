"""Whole queries: chains of reading clauses, writes, subqueries, UNION, and a projection at the end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .drawing import Draw
from .expressions import SCALARS, Expressions
from .patterns import Patterns
from .projections import Projections
from .updates import Updates
from .values import Kind, generate_value
from .vocabulary import ID_KEY, PARAMETERS, VECTOR_KEY, WORDS

ROWS_MAX = 400.0
"""A rough bound of the rows that a generated query passes on: the reference interpreter tries everything."""


@dataclass(frozen=True)
class Query:
    """A statement and its parameters. ``writes``: it may change the graph."""

    text: str
    parameters: dict[str, Any] = field(default_factory=dict)
    writes: bool = False


@dataclass
class State:
    """Where a query under construction stands: the names in sight and about how many rows there are."""

    env: dict[str, Kind] = field(default_factory=dict)
    rows: float = 1.0


def generate_query(draw: Draw) -> Query:
    """Any query."""
    wild = draw.chance(3)
    expressions = Expressions(draw, wild)
    generator = _Queries(draw, expressions)
    form: Callable[[], Query] = draw.weighted(
        (
            (66, generator.reading),
            (14, generator.writing),
            (9, generator.partitioned),
            (6, generator.union),
            (3, generator.nearest),
            (2, generator.grouped),
        )
    )
    query = form()
    named = {name: generate_value(draw, kind) for name, kind in PARAMETERS.items() if f"${name}" in query.text}
    if "p" in named:
        named["p"] = draw.integer(0, 5)
    return Query(query.text, named, query.writes)


class _Queries:
    def __init__(self, draw: Draw, expressions: Expressions) -> None:
        self.draw = draw
        self.expressions = expressions
        self.patterns = Patterns(draw, expressions)
        self.projections = Projections(draw, expressions)
        self.updates = Updates(draw, expressions)

    # --- forms of queries

    def reading(self) -> Query:
        """Reading clauses and RETURN."""
        state = State()
        clauses = self._clauses(state, self.draw.weighted(((4, 1), (4, 2), (2, 3), (1, 4))))
        clauses.append(self.projections.returning(state.env))
        return Query("\n".join(clauses))

    def union(self) -> Query:
        """Two or three queries with the same columns."""
        draw = self.draw
        kinds = [draw.choice((*SCALARS, "any", "node")) for _ in range(draw.integer(1, 2))]
        parts = []
        for _ in range(draw.integer(2, 3) if draw.chance(20) else 2):
            state = State()
            clauses = self._clauses(state, draw.integer(0, 2))
            items = [f"{self.expressions.expression(k, state.env, 1)} AS c{i}" for i, k in enumerate(kinds)]
            parts.append("\n".join([*clauses, f"RETURN {', '.join(items)}"]))
        word = draw.choice(("UNION", "UNION ALL", "UNION ALL"))
        return Query(f"\n{word}\n".join(parts))

    def partitioned(self) -> Query:
        """MATCH, WHERE and plain items: what can be partitioned by the predicate."""
        state = State()
        match = f"MATCH {self._matched(state)}"
        predicate = self.expressions.where(state.env)
        items = self.projections.plain_items(state.env)
        return Query(f"{match} WHERE {predicate}\nRETURN {items}")

    def nearest(self) -> Query:
        """The nodes most similar to a vector: what an index can find."""
        draw = self.draw
        key = f"n.{VECTOR_KEY}"
        items = ", ".join(draw.some(("n.x AS x", "n.s AS s", f"{key} AS v"), 3) or ["n"])
        similarity = f"vector.similarity.{draw.choice(('cosine', 'euclidean'))}({key}, {self._near()})"
        where = f" WHERE {key} IS NOT NULL" if draw.chance(85) else ""
        return Query(f"MATCH (n:A){where}\nRETURN {items} ORDER BY {similarity} DESC LIMIT {draw.integer(1, 4)}")

    def _near(self) -> str:
        return "$near" if self.draw.chance(60) else self.draw.choice(WORDS["vector"])

    def grouped(self) -> Query:
        """Groups by what identifies a node, and counts of what is never null: what facts about the graph make cheap."""
        draw = self.draw
        path = self.patterns.path({"n": "node"}, draw.integer(0, 2), True, True)
        env = {"n": "node", **path.new}
        text = path.text if "(n" in path.text else "(n)"
        others = [name for name, kind in env.items() if kind in ("node", "rel")]
        aggregates = [f"count({draw.choice(others)}{draw.choice(('', f'.{ID_KEY}', '.x'))}) AS c", "count(*) AS d"]
        aggregates.append(f"sum({draw.choice(others)}.x) AS e")
        keys = draw.some((f"n.{ID_KEY} AS k", "n.s AS l", "n.x AS m", "n"), 3)
        items = ", ".join([*keys, *(draw.some(aggregates, 2) or aggregates[:1])])
        return Query(f"MATCH (n:A)\nMATCH {text}\nRETURN {items}")

    def writing(self) -> Query:
        """Reading clauses, updating clauses, and sometimes RETURN."""
        draw = self.draw
        state = State()
        clauses = self._clauses(state, draw.integer(0, 2)) if draw.chance(85) else []
        self.projections.cutting = False
        for _ in range(draw.weighted(((5, 1), (2, 2), (1, 3)))):
            clauses.append(self.updates.clause(state.env))
        if draw.chance(15):
            clauses.append(self._with(state))
            clauses.append(self._optional(state))
        if clauses[-1].startswith(("MATCH", "OPTIONAL", "WITH", "UNWIND")) or draw.chance(88):
            clauses.append(self.projections.returning(state.env))
        return Query("\n".join(clauses), writes=True)

    # --- clauses

    def _clauses(self, state: State, count: int) -> list[str]:
        """So many reading clauses; ``state`` follows them."""
        draw = self.draw
        clauses: list[str] = []
        for i in range(count):
            if i == 0:
                makers = ((8, self._match), (1, self._unwind), (1, self._with), (1, self._optional), (1, self._call))
            else:
                makers = (
                    (4, self._with),
                    (2, self._match),
                    (4, self._optional),
                    (3, self._unwind),
                    (2, self._subquery),
                    (1, self._call),
                )
            make: Callable[[State], str] = draw.weighted(makers)
            if state.rows > ROWS_MAX / 8 and make in (self._match, self._optional, self._unwind, self._subquery):
                make = self._with
            clauses.append(make(state))
        return clauses

    def _matched(self, state: State) -> str:
        found = self.patterns.patterns(state.env)
        if state.rows * found.size > ROWS_MAX:
            found = self.patterns.path(state.env, 0, True, True)
        state.env.update(found.new)
        state.rows *= max(found.size, 0.5)
        return found.text

    def _match(self, state: State) -> str:
        text = f"MATCH {self._matched(state)}"
        if self.draw.chance(22):
            text += f" WHERE {self.expressions.where(state.env)}"
            state.rows /= 2
        return text

    def _optional(self, state: State) -> str:
        return f"OPTIONAL {self._match(state)}"

    def _unwind(self, state: State) -> str:
        kind = self.draw.choice(("int", "str", "node", "rel", "int"))
        source = self.expressions.expression(f"list of {kind}", state.env, 2)
        if self.draw.chance(50):
            source = f"[{', '.join(self.expressions.expression(kind, state.env, 1) for _ in range(2))}]"
        name = self.expressions.name("u")
        state.env[name] = kind
        state.rows *= 2
        return f"UNWIND {source} AS {name}"

    def _with(self, state: State) -> str:
        text, state.env, factor = self.projections.passing(state.env)
        state.rows = max(state.rows * factor, 1.0)
        return text

    def _call(self, state: State) -> str:
        """A procedure: one of the engine's own, or one that the campaign registers on both sides."""
        draw = self.draw
        if draw.chance(15):
            return "CALL fuzz.nothing()"
        name = self.expressions.name("c")
        if draw.chance(40):
            text, kind = f"CALL db.labels() YIELD label AS {name}", "str"
        else:
            argument = draw.choice(("2", "3", "1", "$p", "null", "0"))
            output, kind = draw.choice((("number", "int"), ("text", "str")))
            text = f"CALL fuzz.numbers({argument}) YIELD {output} AS {name}"
        where = ""
        if draw.chance(20):
            where = f" WHERE {self.expressions.where({**state.env, name: kind}, 0)}"
        state.env[name] = kind
        state.rows *= 2
        return f"{'OPTIONAL ' if draw.chance(10) else ''}{text}{where}"

    def _subquery(self, state: State) -> str:
        """CALL { }, with a list of imports or an importing WITH, or without any."""
        draw = self.draw
        imported = draw.some(list(state.env), 2)
        inner = State({name: state.env[name] for name in imported}, state.rows)
        older = draw.chance(40)
        clauses = [f"WITH {', '.join(imported)}"] if older and imported else []
        clauses.append(self._match(inner) if draw.chance(70) else self._unwind(inner))
        kind = draw.choice(("int", "str", "any", "node"))
        name = self.expressions.name("s")
        if draw.chance(35):
            item = draw.choice(("count(*)", f"max({self.expressions.expression('int', inner.env, 1)})"))
            kind = "int"
            factor = 1.0
        else:
            item = self.expressions.expression(kind, inner.env, 1)
            factor = inner.rows / state.rows
        page = ""
        if draw.chance(20):
            page = f" ORDER BY {name} LIMIT {draw.integer(0, 3)}"
        query = "\n  ".join([*clauses, f"RETURN {'DISTINCT ' if draw.chance(15) else ''}{item} AS {name}{page}"])
        if draw.chance(12) and (older or not imported):
            other = "\n  ".join(clauses[:1] if older and imported else [])
            query += f"\n  UNION{draw.choice((' ALL', ''))}\n  {other} RETURN {draw.choice(('1', 'null'))} AS {name}"
        state.env[name] = "any" if kind == "any" else kind
        state.rows *= max(factor, 0.5)
        optional = "OPTIONAL " if draw.chance(8) else ""
        head = "CALL" if older or not imported else f"CALL ({', '.join(imported)})"
        if not older and draw.chance(10):
            head = "CALL (*)" if set(imported) == set(state.env) - {name} else head
        return f"{optional}{head} {{\n  {query}\n}}"
