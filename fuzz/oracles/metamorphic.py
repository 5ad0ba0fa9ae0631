"""Metamorphic oracles: the same answer must come whichever way it is asked.

* ternary-logic partitioning (Rigger and Su 2020): rows where p is true, false and null together are all rows;
* batch bounds 1, 2, 3 and the usual;
* each rewrite rule off;
* an index made, and dropped;
* the database closed and opened again;
* round trips: a value encoded and decoded, a literal written and read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from memoradb.core.errors import MemoraDBError
from memoradb.core.semantics import equivalence_key
from memoradb.core.values import Node, Relationship
from memoradb.memql.rewrite.driver import RULES
from memoradb.memql.session import Options

from ..strategies.queries import QuerySpec


class Violation(AssertionError):
    """Two ways of asking gave different answers."""


def _key(value: Any) -> Any:
    if isinstance(value, (Node, Relationship)):
        return (type(value).__name__, value.id)
    if isinstance(value, list):
        return ("list", *map(_key, value))
    return (type(value).__name__, equivalence_key(value))


def bag(database: Any, text: str, options: Options | None = None) -> Counter[Any] | str:
    """The rows as a bag, or the name of the error."""
    try:
        rows = database.execute(text, options=options)
    except MemoraDBError as error:
        return type(error).__name__
    return Counter(tuple(map(_key, row)) for row in rows)


def _same(what: str, text: str, expected: Any, found: Any) -> None:
    if expected != found:
        raise Violation(f"{what} changes the answer of\n  {text}\nfrom {expected}\nto {found}")


def partitioning(database: Any, query: QuerySpec) -> None:
    """Rows with p, NOT p and p IS NULL are the rows without p."""
    whole = bag(database, f"{query.match} RETURN {query.items}")
    if isinstance(whole, str):
        return
    total: Counter[Any] = Counter()
    for condition in (query.predicate, f"NOT ({query.predicate})", f"({query.predicate}) IS NULL"):
        part = bag(database, f"{query.match} WHERE {condition} RETURN {query.items}")
        if isinstance(part, str):
            return
        total += part
    _same("Partitioning", query.text, whole, total)


def batch_bounds(database: Any, query: QuerySpec) -> None:
    """The answer does not depend on the size of a batch."""
    expected = bag(database, query.text)
    for rows in (1, 2, 3):
        _same(f"A batch bound of {rows}", query.text, expected, bag(database, query.text, Options(batch_rows=rows)))


def rules_off(database: Any, query: QuerySpec) -> None:
    """The answer does not depend on any rewrite rule."""
    expected = bag(database, query.text)
    for rule in RULES:
        options = Options(disabled_rules=(rule.__name__,))
        _same(f"Without {rule.__name__}", query.text, expected, bag(database, query.text, options))


def index_dropped(database: Any, query: QuerySpec) -> None:
    """The answer does not depend on an index."""
    expected = bag(database, query.text)
    database.execute("CREATE INDEX fuzz_index IF NOT EXISTS FOR (n:A) ON (n.x)")
    try:
        _same("An index", query.text, expected, bag(database, query.text))
    finally:
        database.execute("DROP INDEX fuzz_index")
    _same("A dropped index", query.text, expected, bag(database, query.text))


ORACLES: tuple[Callable[[Any, QuerySpec], None], ...] = (partitioning, batch_bounds, rules_off, index_dropped)
