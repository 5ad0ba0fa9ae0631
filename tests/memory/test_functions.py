"""``ai.embed`` in MemQL."""

import pytest

import memoradb
from memoradb.core.errors import MemoraDBError, TypeMismatch
from memoradb.memory.embed.hashed import embed


@pytest.fixture(scope="module")
def db():
    with memoradb.open(None) as database:
        yield database


def test_a_text_has_a_vector(db):
    assert db.execute("RETURN ai.embed('parse a date') AS v").value() == embed("parse a date")
    assert db.execute("RETURN ai.embed($text) AS v", {"text": "ä"}).value() == embed("ä")


def test_null_has_none(db):
    assert db.execute("RETURN ai.embed(null) AS v").value() is None


def test_only_text_has_one(db):
    with pytest.raises(MemoraDBError) as caught:
        db.execute("RETURN ai.embed(1)")
    assert caught.value.phase == "compile time"
    with pytest.raises(TypeMismatch, match="takes a string"):
        db.execute("RETURN ai.embed($x)", {"x": 1})


def test_it_finds_by_likeness_what_is_stored(db):
    db.execute("UNWIND ['parse a date', 'open a socket', 'sort a list'] AS t CREATE (:T {t: t, e: ai.embed(t)})")
    query = "MATCH (n:T) RETURN n.t AS t ORDER BY vector.similarity.cosine(n.e, ai.embed('parsing dates')) DESC LIMIT 1"
    assert db.execute(query).value() == "parse a date"


def test_opening_a_database_loads_no_embedder():
    import subprocess
    import sys

    code = (
        "import sys, memoradb; memoradb.open(None).execute('RETURN 1');"
        "assert 'memoradb.memory.embed.hashed' not in sys.modules"
    )
    environment = {"PYTHONPATH": ":".join(sys.path)}
    assert subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True).returncode == 0
