"""A campaign of broken texts: random token streams and mutated queries of the kit and the grammar's examples.

Whatever the text, a statement answers or raises an error of the house, within its time. Seeded, so that a finding can
be had again; ``MEMORADB_CAMPAIGN_SECONDS`` is its budget and ``MEMORADB_CAMPAIGN_SEED`` its seed.
"""

from __future__ import annotations

import os
import random
import re
import sys
import time
from pathlib import Path

import memoradb
from memoradb.core.errors import MemoraDBError, MemQLSyntaxError

TESTS = Path(__file__).parents[1]
sys.path[:0] = [str(TESTS / "kit"), str(TESTS / "grammar")]
from grammar_examples import examples  # noqa: E402  # pyright: ignore[reportMissingImports]
from kit_queries import kit_queries  # noqa: E402  # pyright: ignore[reportMissingImports]

BUDGET_S = float(os.environ.get("MEMORADB_CAMPAIGN_SECONDS", "10"))
SEED = int(os.environ.get("MEMORADB_CAMPAIGN_SEED", "1"))
STATEMENT_MS = 500
PATIENCE_S = 20.0
"""Above the statement's own limit, for what happens between two looks at the clock on a busy machine."""

WORDS = (
    "MATCH OPTIONAL WHERE RETURN WITH UNWIND AS CREATE MERGE SET REMOVE DELETE DETACH FOREACH CALL YIELD UNION ALL "
    "DISTINCT ORDER BY SKIP LIMIT ASC DESC AND OR XOR NOT IN IS NULL TRUE FALSE CASE WHEN THEN ELSE END STARTS ENDS "
    "CONTAINS ON EXISTS COUNT COLLECT LET FILTER FOR FINISH INSERT OFFSET SHORTEST ANY TRAIL SEARCH INDEX VECTOR DROP "
    "SHOW INDEXES CONSTRAINT REQUIRE UNIQUE EXPLAIN PROFILE LOAD CSV FROM TRANSACTIONS "
    "( ) [ ] { } ( ) [ ] { } , , : : . .. = <> < <= > >= + - * / % ^ | || & ! ; =~ $ :: += -> <- -- "
    "n m r p x a b A B Person KNOWS name age 0 1 2 -1 1.5 1e9 0x1F 9223372036854775807 'text' \"t\" `q` $p $0 "
    "count sum collect size labels type id properties keys range head last reduce date datetime duration point "
    "toString toInteger substring split nodes relationships length shortestPath coalesce db.labels"
).split()
STRANGE = ["\u2018", "\u201c", "\u2013", "\x00", "\ufeff", "é", "日", "'", '"', "`", "\\", "/*", "//", "\n", "\ud800"]
PIECE = re.compile(r"\s+|\w+|'[^']*'|.", re.DOTALL)


class Campaign:
    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.seeds = [q.text for q in kit_queries()] + [x.text for x in examples("*.mql")]

    def text(self) -> str:
        """One broken text."""
        chance = self.random
        if chance.random() < 0.25:
            return " ".join(chance.choices(WORDS, k=chance.randint(1, 30)))
        pieces = PIECE.findall(chance.choice(self.seeds))
        for _ in range(chance.choice((1, 1, 1, 2, 3, 6))):
            self._mutate(pieces)
        return "".join(pieces)

    def _mutate(self, pieces: list[str]) -> None:
        chance = self.random
        at = chance.randrange(len(pieces) + 1)
        match chance.randrange(9):
            case 0:
                del pieces[at : at + chance.randint(1, 3)]
            case 1:
                pieces[at:at] = [" ", chance.choice(WORDS), " "]
            case 2:
                pieces[at : at + 1] = [chance.choice(WORDS)]
            case 3:
                pieces[at:at] = pieces[max(0, at - chance.randint(1, 12)) : at]
            case 4:
                pieces.insert(at, chance.choice(STRANGE))
            case 5:
                del pieces[at:]
            case 6 if len(pieces) > 1:
                other = chance.randrange(len(pieces))
                at = min(at, len(pieces) - 1)
                pieces[at], pieces[other] = pieces[other], pieces[at]
            case 7:
                donor = PIECE.findall(chance.choice(self.seeds))
                start = chance.randrange(len(donor))
                pieces[at:at] = donor[start : start + chance.randint(1, 15)]
            case _:
                numbers = [i for i, piece in enumerate(pieces) if piece.isdigit()]
                if numbers:
                    values = ["-1", "0", "1e400", "9223372036854775808", "null", "'x'", "$p", "100000000000"]
                    pieces[chance.choice(numbers)] = chance.choice(values)
        if not pieces:
            pieces.append("RETURN")


def a_database() -> memoradb.Database:
    db = memoradb.open(None)
    db.execute(
        "CREATE (a:Person:A {name: 'Ada', age: 36, x: 1})-[:KNOWS {since: 1833}]->(b:Person:B {name: 'Bo', x: null}), "
        "(b)-[:KNOWS]->(c:C {list: [1, 2], date: date('2024-02-29')})-[:T]->(a), (c)-[:T]->(c)"
    )
    db.execute("CREATE INDEX person_name FOR (n:Person) ON (n.name)")
    return db


def test_whatever_the_text_a_statement_answers_or_raises_an_error_of_the_house() -> None:
    campaign = Campaign(SEED)
    database = a_database()
    end = time.monotonic() + BUDGET_S
    count = answered = 0
    while time.monotonic() < end:
        text = campaign.text()
        count += 1
        started = time.monotonic()
        transaction = database.begin()
        try:
            transaction.execute(text, {"p": 1, "0": "a", "list": [1]}, timeout_ms=STATEMENT_MS)
            answered += 1
        except MemoraDBError as error:
            shown = str(error)
            shown.encode()
            if isinstance(error, MemQLSyntaxError) and error.phase == "compile time" and error.position is None:
                raise AssertionError(f"no place: {shown}\n{text!r}") from error
        except Exception as error:
            raise AssertionError(f"statement {count} of seed {SEED}: {type(error).__name__}\n{text!r}") from error
        finally:
            transaction.rollback()
        taken = time.monotonic() - started
        assert taken < PATIENCE_S, f"{taken:.1f} s: {text!r}"
    database.close()
    assert count > 20 * BUDGET_S
    assert answered > count / 50, "nearly nothing runs: the campaign tests the parser alone"
