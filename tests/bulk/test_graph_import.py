"""What ends an import, and what it leaves: constraints, labels that cannot be, and the part in which it happened."""

import pytest

from memoradb.bulk import blocks
from memoradb.core.errors import ArgumentError, ConstraintError, TypeMismatch


def rows(path, text):
    path.write_text(text, "utf-8")
    return path


def test_a_constraint_of_the_graph_ends_the_import_and_can_be_mended(db, tmp_path, monkeypatch):
    monkeypatch.setattr(blocks, "BLOCK_BYTES", 20)
    db.execute("CREATE CONSTRAINT FOR (p:P) REQUIRE p.name IS UNIQUE")
    db.execute("CREATE (:P {name: 'n7'})")
    path = rows(tmp_path / "n.csv", ":ID,name\n" + "".join(f"{i},n{i}\n" for i in range(12)))
    with pytest.raises(ConstraintError, match="n7") as caught:
        db.import_csv(nodes={"P": path})
    assert "n.csv:" in (caught.value.hint or "") and "can be resumed" in (caught.value.hint or "")
    db.execute("MATCH (p:P {name: 'n7'}) DELETE p")
    assert db.import_csv(nodes={"P": path}, resume=True).resumed >= 1
    assert db.execute("MATCH (p:P) RETURN count(DISTINCT p.name), count(*)").rows == [(12, 12)]


def test_indexes_hold_what_was_imported(db, tmp_path):
    db.execute("CREATE INDEX FOR (p:P) ON (p.age)")
    path = rows(tmp_path / "n.csv", ":ID,age:int\n" + "".join(f"{i},{i % 5}\n" for i in range(50)))
    db.import_csv(nodes={"P": path})
    assert db.execute("MATCH (p:P) WHERE p.age = 3 RETURN count(*)").value() == 10


def test_nodes_without_ids_are_loaded_and_nothing_can_refer_to_them(db, tmp_path):
    path = rows(tmp_path / "n.csv", ":ID,a\n,x\n1,y\n,z\n")
    edges = rows(tmp_path / "r.csv", ":START_ID,:END_ID,:TYPE\n1,1,R\n")
    assert db.import_csv(nodes=path, relationships=edges).nodes == 3
    assert db.import_csv(nodes=rows(tmp_path / "m.csv", "a\nx\n")).nodes == 1


def test_a_key_that_stands_for_several_nodes_is_no_match(db, tmp_path):
    db.execute("CREATE (:P {k: 'a'}), (:P {k: 'a'})")
    edges = rows(tmp_path / "r.csv", ":START_ID,:END_ID,:TYPE\na,a,R\n")
    with pytest.raises(ArgumentError, match="Several nodes"):
        db.import_csv(relationships=edges, match={"": ("P", "k")})


def test_a_list_that_no_property_can_hold_is_said_with_its_row(db, tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    parquet.write_table(pyarrow.table({":ID": [1, 2], "x": [[1], [1, None]]}), tmp_path / "n.parquet")
    with pytest.raises(TypeMismatch, match=r"n\.parquet:2: `x`: A property cannot hold"):
        db.import_tables(nodes=tmp_path / "n.parquet")
    assert db.execute("MATCH (n) RETURN count(*)").value() == 0


def test_an_import_of_nothing(db, tmp_path):
    assert db.import_csv() == db.import_csv(nodes={}, relationships=[])
    assert db.import_csv(nodes=rows(tmp_path / "n.csv", ":ID,a\n")).nodes == 0


def test_keys_that_few_rows_have_are_not_written_for_the_others(db, tmp_path):
    text = "".join(
        f'{{"type":"node","id":"{i}","labels":["L{i % 3}"],"properties":{{"p{i % 3}":{i}}}}}\n' for i in range(9)
    )
    db.import_jsonl(rows(tmp_path / "g.jsonl", text))
    assert db.execute("MATCH (n:L1) RETURN n.p1 ORDER BY n.p1").column("n.p1") == [1, 4, 7]
    assert db.execute("MATCH (n:L1) RETURN sum(size(keys(n)))").value() == 3
