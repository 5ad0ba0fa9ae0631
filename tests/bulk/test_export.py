"""What an export writes: all, or what a query returns; whole files or none."""

import csv
import os

import pytest
from graph_content import content

import memoradb
from memoradb.core.errors import ArgumentError, ConfigurationError


@pytest.fixture
def people(db):
    db.execute(
        "CREATE (a:Person {name: 'Ana'})-[:KNOWS {since: 2020}]->(b:Person {name: 'Bo'}), (b)-[:LIKES]->(:Thing {n: 1})"
    )
    return db


def rows_of(path):
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def test_a_file_for_each_combination_of_labels_and_each_type(people, tmp_path):
    people.execute("CREATE (), (:Person:`a/b` {name: 'Cy'}), (:Person:`a?b`)")
    done = people.export_csv(tmp_path / "out")
    assert (done.nodes, done.relationships) == (6, 2)
    assert sorted(done.files) == sorted(os.listdir(tmp_path / "out")) == [
        "nodes-Person-a_b-2.csv", "nodes-Person-a_b.csv", "nodes-Person.csv", "nodes-Thing.csv", "nodes-unlabelled.csv",
        "relationships-KNOWS.csv", "relationships-LIKES.csv",
    ]  # fmt: skip
    assert rows_of(tmp_path / "out" / "nodes-Person.csv") == [
        [":ID", ":LABEL", "name:string"],
        ["0", "Person", "Ana"],
        ["1", "Person", "Bo"],
    ]
    assert rows_of(tmp_path / "out" / "relationships-KNOWS.csv") == [
        [":START_ID", ":END_ID", ":TYPE", "since:long"],
        ["0", "1", "KNOWS", "2020"],
    ]


@pytest.mark.parametrize(
    ("query", "nodes", "relationships"),
    [
        ("MATCH (n:Thing) RETURN n", 1, 0),
        ("MATCH ()-[r:KNOWS]->() RETURN r", 2, 1),
        ("MATCH p = (:Person {name: $who})-[*]->() RETURN p", 3, 2),
        ("MATCH (n) RETURN collect(n) AS all, {first: collect(n)[0]} AS m, 1", 3, 0),
        ("RETURN 1", 0, 0),
    ],
)
def test_only_what_a_query_returns(people, tmp_path, query, nodes, relationships):
    done = people.export_jsonl(tmp_path / "g.jsonl", query=query, parameters={"who": "Ana"})
    assert (done.nodes, done.relationships) == (nodes, relationships)
    with memoradb.open(None) as other:
        loaded = other.import_jsonl(tmp_path / "g.jsonl")
        assert (loaded.nodes, loaded.relationships) == (nodes, relationships)


def test_an_export_reads_one_state_and_a_query_may_not_write(people, tmp_path):
    with pytest.raises(memoradb.MemoraDBError):
        people.export_jsonl(tmp_path / "g.jsonl", query="CREATE (n) RETURN n")
    with pytest.raises(ConfigurationError, match="not both"):
        people.export_jsonl(tmp_path / "g.jsonl", query="RETURN 1", transaction=1)
    with pytest.raises(ConfigurationError, match="those of a query"):
        people.export_jsonl(tmp_path / "g.jsonl", parameters={"a": 1})
    assert not os.listdir(tmp_path)


def test_the_graph_as_it_was_after_a_transaction(tmp_path):
    with memoradb.open(tmp_path / "db") as db, memoradb.open(None) as before, memoradb.open(None) as copy:
        for database in (db, before):
            database.execute("CREATE (:A {x: 1})-[:R]->(:B)")
        number = db.execute("MATCH (a:A) SET a.y = 2").summary.transaction
        before.execute("MATCH (a:A) SET a.y = 2")
        db.execute("MATCH (n) DETACH DELETE n")
        db.export_graphml(tmp_path / "g.graphml", transaction=number)
        copy.import_graphml(tmp_path / "g.graphml")
        assert content(copy) == content(before)


def test_a_file_gets_its_name_when_it_is_complete(people, tmp_path):
    def fail(what, share):
        raise RuntimeError

    target = tmp_path / "g.jsonl"
    target.write_text("what was there")
    with pytest.raises(RuntimeError):
        people.export_jsonl(target, progress=fail)
    assert os.listdir(tmp_path) == ["g.jsonl"] and target.read_text() == "what was there"
    people.export_jsonl(target)
    assert target.read_text() != "what was there"


def test_places_that_cannot_be_written_to(people, tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").write_text("")
    for place, message in ((tmp_path / "full", "is not empty"), (tmp_path / "full" / "x", "no directory")):
        with pytest.raises(ArgumentError, match=message):
            people.export_csv(place)
    with pytest.raises(ArgumentError, match="cannot be written"):
        people.export_jsonl(tmp_path / "none" / "g.jsonl")


def test_progress_goes_from_little_to_all(people, tmp_path):
    for form, target in (("csv", "c"), ("jsonl", "j"), ("graphml", "g")):
        steps = []
        getattr(people, f"export_{form}")(tmp_path / target, progress=lambda *step, steps=steps: steps.append(step))
        shares = [share for _, share in steps]
        assert shares == sorted(shares) and shares[-1] == 1.0 and shares[0] < 1.0


def test_in_batches_smaller_than_the_graph(tmp_path, monkeypatch):
    from memoradb.bulk import graph_export

    monkeypatch.setattr(graph_export, "BATCH_ROWS", 3)
    with memoradb.open(None) as db:
        ids = db.import_nodes("A", {"i": list(range(10)), "x": [1, 2, 3, "a", "b", "c", None, None, None, 1.5]})
        db.import_relationships("R", ids[:9], ids[1:], {"w": [None] * 8 + [1]})
        for form, read in (("csv", "csv"), ("jsonl", "jsonl"), ("graphml", "graphml")):
            getattr(db, f"export_{form}")(tmp_path / form)
            with memoradb.open(None) as other:
                getattr(other, f"import_{read}")(tmp_path / form)
                assert content(other) == content(db)
