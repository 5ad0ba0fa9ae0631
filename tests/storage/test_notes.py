"""Notes of the graph: facts that commit with the data, that no query sees and no crash parts from it."""

import memoradb
from memoradb.storage.changeset import Changeset, decode, encode
from memoradb.storage.check import check
from memoradb.storage.engine import Engine
from memoradb.storage.vfs_memory import MemoryVfs


def note(engine: Engine, name: str, value: object) -> None:
    with engine.begin(exclusive=True) as transaction:
        transaction.view.put_note(name, value)
        transaction.view.create_nodes(1, ["N"], {})
        transaction.commit()


def test_a_note_is_written_by_the_transaction_or_not_at_all():
    engine = Engine.open(None)
    note(engine, "a", [1, "x"])
    before = engine.snapshot()
    with engine.begin(exclusive=True) as transaction:
        transaction.view.put_note("a", 2)
    note(engine, "b", 3)
    assert (before.notes, engine.snapshot().notes) == ({"a": [1, "x"]}, {"a": [1, "x"], "b": 3})
    note(engine, "a", None)
    assert engine.snapshot().notes == {"b": 3}
    engine.close()


def test_notes_come_back_from_the_log_and_from_a_checkpoint():
    disk = MemoryVfs()
    engine = Engine.open("g", vfs=disk, background=False)
    note(engine, "a", 1)
    hashes = [engine.store.state_hash()]
    engine.checkpoint()
    note(engine, "a", 2)
    note(engine, "b", "x")
    hashes.append(engine.store.state_hash())
    assert hashes[0] != hashes[1]
    disk = disk.crash()
    engine = Engine.open("g", vfs=disk, background=False)
    assert engine.snapshot().notes == {"a": 2, "b": "x"} and engine.store.state_hash() == hashes[1]
    engine.close()
    engine = Engine.open("g", vfs=disk, background=False)
    assert engine.snapshot().notes == {"a": 2, "b": "x"} and engine.store.state_hash() == hashes[1]
    engine.close()


def test_a_changeset_without_notes_is_what_it_was_before_there_were_any():
    assert decode(encode(Changeset())).is_empty
    noted = Changeset(notes=(("a", [1]), ("b", None)))
    found = decode(encode(noted))
    assert not found.is_empty and found.notes == noted.notes
    assert len(encode(Changeset())) < len(encode(noted))


def test_no_query_sees_a_note(tmp_path):
    with memoradb.open(tmp_path / "g") as db:
        with db.storage.begin(exclusive=True) as transaction:
            transaction.view.put_note("a", 1)
            transaction.commit()
        assert db.execute("MATCH (n) RETURN count(*)").value() == 0
        assert db.execute("CALL db.labels() YIELD label RETURN count(*)").value() == 0
    assert check(str(tmp_path / "g")).problems == []
