"""Memory: what is accounted is about what is taken, and a write that does not fit changes nothing."""

import sys
from pathlib import Path

import numpy as np
import pytest

import memoradb
from memoradb.core.columns import ConstantColumn, ListColumn, lift
from memoradb.core.errors import ConfigurationError, MemoryLimitExceeded
from memoradb.core.regions import allocate
from memoradb.storage.engine import Engine
from memoradb.storage.memory import column_bytes, parse_limit, reachable_bytes
from memoradb.storage.vfs_memory import MemoryVfs
from memoradb.storage.view import Element

sys.path.insert(0, str(Path(__file__).parent))

from workload import PATH, UUID, commit

MIB = 1 << 20


def a_database(limit: int | None, vfs: MemoryVfs | None = None) -> Engine:
    path = None if vfs is None else PATH
    return Engine.open(path, vfs=vfs, new_uuid=lambda: UUID, background=False, memory_limit=limit)


def test_arrays_dictionaries_and_long_containers_are_measured_and_shared_things_once() -> None:
    array = np.zeros(100_000, np.int64)
    assert reachable_bytes(array) == 800_000
    assert reachable_bytes([array, array[10:20], {"a": array}]) < 801_000
    numbers = list(range(1_000, 101_000))
    assert reachable_bytes(numbers) == pytest.approx(3_600_000, rel=0.01)  # 8 bytes a place, 28 a number
    strings = {i: f"string {i}" for i in range(10_000)}
    exact = sys.getsizeof(strings) + sum(sys.getsizeof(k) + sys.getsizeof(v) for k, v in strings.items())
    assert reachable_bytes(strings) == pytest.approx(exact, rel=0.4)  # by the first of them, which are small


def test_what_is_mapped_from_a_file_is_not_in_memory() -> None:
    assert reachable_bytes(np.frombuffer(memoryview(bytes(MIB)), np.int64)) < 200


def test_regions_count_by_what_is_used_of_them() -> None:
    rows = allocate(1 << 20, np.int64)
    assert reachable_bytes([rows[:1000], rows[:1000]]) < 9_000
    assert reachable_bytes(rows) == 8 << 20


def test_a_column_is_estimated_by_a_sample() -> None:
    assert column_bytes(lift(list(range(1_000)))) == 16_000
    assert column_bytes(ConstantColumn(1, 10)) == 160
    texts = ["x" * 1_000] * 1_000
    assert 1_000_000 < column_bytes(ListColumn(texts)) < 1_100_000


def test_the_graph_takes_what_it_is_measured_to_take_and_a_transaction_gives_back_what_it_took() -> None:
    engine = a_database(None)
    empty = engine.memory.graph_bytes
    with engine.begin() as transaction:
        transaction.view.create_nodes(10_000, ["A"], {"s": lift([f"text {i}" for i in range(10_000)])})
        assert engine.memory.transaction_bytes > 1_000_000
        transaction.commit()
    assert engine.memory.transaction_bytes == 0
    estimated = engine.memory.graph_bytes - empty
    engine.memory.measure(engine.store)
    measured = engine.memory.graph_bytes
    assert 0.3 < measured / estimated < 3
    with engine.begin() as transaction:
        transaction.view.create_nodes(10_000, ["A"], {})
    del transaction
    assert engine.memory.transaction_bytes == 0 and engine.memory.graph_bytes == measured


def test_a_statement_that_is_rolled_back_gives_back_its_part() -> None:
    engine = a_database(None)
    with engine.begin() as transaction:
        view = transaction.view
        view.create_nodes(10, ["A"], {})
        before = engine.memory.transaction_bytes
        mark = view.savepoint()
        view.create_nodes(1_000, ["A"], {})
        view.rollback_to(mark)
        assert engine.memory.transaction_bytes == before > 0


@pytest.mark.parametrize("vfs", [None, MemoryVfs()])
def test_a_write_that_does_not_fit_fails_whole_and_deletes_make_room(vfs: MemoryVfs | None) -> None:
    engine = a_database(8 * MIB, vfs)
    texts = lift(["x" * 1_000] * 1_000)
    for _ in range(20):
        before = engine.store.state_hash(), engine.snapshot().node_count()
        try:
            commit(engine, lambda view: view.create_nodes(1_000, ["A"], {"text": texts}))
        except MemoryLimitExceeded as error:
            failed = error
            break
    else:
        pytest.fail("20 MB fit into 8")
    assert (engine.store.state_hash(), engine.snapshot().node_count()) == before
    assert 0 < before[1] <= 8_000
    assert failed.to_dict()["limit"] == "memory_limit" and failed.hint is not None
    assert failed.code == "Neo.TransientError.General.MemoryPoolOutOfMemoryError"
    some = np.arange(500, dtype=np.int64)
    # Overwriting is a write, too; taking values away and deleting is not.
    with pytest.raises(MemoryLimitExceeded):
        commit(engine, lambda view: view.set_property(Element.NODE, some, "y", ListColumn(["y" * 4_000] * 500)))
    commit(engine, lambda view: view.set_property(Element.NODE, some, "text", ListColumn([None] * 500)))
    commit(engine, lambda view: view.delete_nodes(np.arange(500, before[1], dtype=np.int64), detach=True))
    engine.memory.measure(engine.store)
    engine.close()


def test_a_limit_holds_for_several_open_transactions_together() -> None:
    engine = a_database(4 * MIB)
    column = {"text": lift(["x" * 1_000] * 700)}
    with engine.begin() as one, engine.begin() as two:
        one.view.create_nodes(700, ["A"], column)
        one.view.create_nodes(700, ["A"], column)
        with pytest.raises(MemoryLimitExceeded):
            two.view.create_nodes(700, ["B"], column)
        one.commit()
    assert engine.snapshot().node_count() == 1_400


@pytest.mark.parametrize(
    ("limit", "expected"),
    [
        (None, None),
        (1_000, 1_000),
        ("4GB", 4_000_000_000),
        ("1.5 kib", 1_536),
        ("80%", 800),
        ("100", 100),
    ],
)
def test_a_limit_is_a_number_of_bytes_a_size_or_a_part_of_the_machine(
    limit: int | str | None, expected: int | None
) -> None:
    assert parse_limit(limit, 1_000) == expected
    assert parse_limit("80%", None) is None


@pytest.mark.parametrize("limit", [0, -1, "much", "0GB", "120%", "4 XB", True, 1.5])
def test_what_is_no_limit_is_refused_with_a_hint(limit: object) -> None:
    with pytest.raises(ConfigurationError) as raised:
        parse_limit(limit, 1_000)  # pyright: ignore[reportArgumentType]
    assert raised.value.hint is not None


def test_the_door_takes_a_limit_and_a_statement_beyond_it_changes_nothing() -> None:
    with memoradb.open(None, memory_limit="20MB") as database:
        database.execute("UNWIND range(1, 1000) AS i CREATE (:N {i: i})")
        with pytest.raises(MemoryLimitExceeded):
            database.execute("UNWIND range(1, 1000000) AS i CREATE (:N {i: i, text: toString(i)})")
        assert database.execute("MATCH (n) RETURN count(n)").value() == 1_000
        with database.transaction() as transaction:
            with pytest.raises(MemoryLimitExceeded):
                transaction.execute("UNWIND range(1, 1000000) AS i CREATE (:N {i: i})")
            transaction.execute("CREATE (:N)")  # the transaction goes on
        database.execute("MATCH (n:N) DETACH DELETE n")
        assert database.execute("MATCH (n) RETURN count(n)").value() == 0
