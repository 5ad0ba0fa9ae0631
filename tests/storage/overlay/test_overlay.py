"""A transaction's own view: what it sees of itself, savepoints, and what becomes of it."""

import numpy as np
import pytest
from pyroaring import BitMap

from memoradb.core.columns import ConstantColumn, ListColumn, lift
from memoradb.core.errors import DeleteConnectedNode, EntityNotFound, SchemaError, TypeMismatch, UniqueViolation
from memoradb.core.values import NodeRef
from memoradb.storage.engine import Engine
from memoradb.storage.overlay import Overlay
from memoradb.storage.overlay.changes import Chunks, NodeChunk
from memoradb.storage.overlay.overlay import default_index_name
from memoradb.storage.touches import Touches
from memoradb.storage.view import Counters, Direction, Element, IndexDefinition, IndexKind, RangeBound

NODE, RELATIONSHIP = Element.NODE, Element.RELATIONSHIP


def slots(*items: int) -> np.ndarray:
    return np.array(items, np.int64)


def index(kind: IndexKind, key: str, name: str = "", **options: object) -> IndexDefinition:
    return IndexDefinition(name, kind, NODE, ("A",), (key,), tuple(sorted(options.items())))


@pytest.fixture
def engine() -> Engine:
    """Three nodes, two relationships, an index of each kind."""
    engine = Engine.open(None)
    with engine.begin() as transaction:
        view = transaction.view
        made = view.create_nodes(3, ["A"], {"x": lift([1, 2, 3]), "t": lift(["cat", "dog", "cow"])})
        view.create_relationships("R", made[:2], made[1:], {"w": lift([1, 2])})
        view.create_index(index(IndexKind.RANGE, "x", "by_x"))
        view.create_index(index(IndexKind.FULLTEXT, "t", "words", analyzer="simple"))
        view.create_index(index(IndexKind.VECTOR, "v", "near", dimensions=2, similarity="euclidean"))
        transaction.commit()
    return engine


@pytest.fixture
def view(engine: Engine) -> Overlay:
    return engine.begin().overlay


def test_own_elements_are_seen_by_every_index_before_they_are_committed(view: Overlay) -> None:
    made = view.create_nodes(
        2, ["A"], {"x": lift([2, 9]), "t": lift(["cat cat", "emu"]), "v": ListColumn([[0.0, 1.0], [5.0, 5.0]])}
    )
    assert view.index_seek("by_x", [2, 9])[1].tolist() == [1, 3, 4]
    assert view.index_range("by_x", RangeBound(2, False), None).tolist() == [2, 4]
    assert set(view.text_search("words", "cat").slots.tolist()) == {0, 3}
    assert view.vector_search("near", [0.0, 0.0], 1).slots.tolist() == made[:1].tolist()
    view.set_property(NODE, slots(1), "x", lift([7]))
    view.delete_nodes(slots(3), detach=False)
    assert view.index_seek("by_x", [2, 7])[1].tolist() == [1]
    assert view.text_search("words", "cat").slots.tolist() == [0]
    assert view.vector_search("near", [0.0, 0.0], 5).slots.tolist() == [4]
    view.remove_labels(slots(0), ["A"])
    assert view.text_search("words", "cat").slots.tolist() == []


def test_many_rows_that_are_sought_and_created_in_turn_take_time_in_proportion(view: Overlay) -> None:
    """MERGE over many rows: the private index grows with them; made anew for each row this would take minutes."""
    for i in range(100, 3_100):
        assert not len(view.index_seek("by_x", [i])[1])
        made = view.create_nodes(1, ["A"], {"x": lift([i])})
        assert view.index_seek("by_x", [i])[1].tolist() == made.tolist()
        view.set_property(NODE, made, "seen", lift([True]))
    assert len(view.index_range("by_x", RangeBound(100, True), None)) == 3_000


def test_an_index_made_in_the_transaction_covers_old_and_new_nodes(view: Overlay) -> None:
    view.create_nodes(1, ["A"], {"t": lift(["ant"])})
    view.create_index(index(IndexKind.RANGE, "t", "by_t"))
    assert view.index_prefix("by_t", "c").tolist() == [0, 2]
    assert view.index_prefix("by_t", "a").tolist() == [3]
    view.drop_index("by_t")
    with pytest.raises(EntityNotFound):
        view.index_prefix("by_t", "a")


def test_a_dropped_index_is_gone_at_once_and_an_index_of_another_kind_is_none(view: Overlay) -> None:
    view.drop_index("by_x")
    assert [d.name for d in view.indexes()] == ["near", "words"]
    for use in (
        lambda: view.index_seek("by_x", [1]),
        lambda: view.index_range("words", None, None),
        lambda: view.vector_search("words", [1.0], 1),
        lambda: view.text_search("near", "a"),
        lambda: view.base.index_seek("near", [1]),
        lambda: view.base.vector_search("by_x", [1.0], 1),
        lambda: view.base.text_search("near", "a"),
    ):
        with pytest.raises(EntityNotFound):
            use()


def test_a_savepoint_takes_everything_back(engine: Engine) -> None:
    transaction = engine.begin()
    view = transaction.view
    view.create_nodes(1, ["B"], {"x": lift([5])})
    view.set_property(NODE, slots(0), "x", lift([10]))
    mark = view.savepoint()

    def state() -> object:
        nodes = np.asarray(view.nodes().to_array(), np.int64)
        expanded = view.expand(nodes, None, Direction.BOTH)
        return (
            nodes.tolist(),
            [view.properties(NODE, s) for s in nodes.tolist()],
            [view.node_labels(s) for s in nodes.tolist()],
            expanded.relationship.tolist(),
            view.labels(),
            [d.name for d in view.indexes()],
            view.index_seek("by_x", [1, 5, 10])[1].tolist() if "by_x" in str(view.indexes()) else None,
            view.statement_counters(),
            view.relationship_types(),
            view.property_keys(),
        )

    before = state()
    for _ in range(2):
        made = view.create_nodes(2, ["A", "New"], {"x": lift([1, 1]), "only here": lift([1, 1])})
        view.create_relationships("S", made, slots(0, 3), {})
        view.set_property(NODE, slots(0, 1, 3), "x", ListColumn([None, 1, 1]))
        view.set_property(NODE, slots(0), "other", lift([1]))
        view.add_labels(slots(0), ["New", "B"])
        view.remove_labels(slots(1), ["A"])
        view.delete_relationships(slots(1))
        view.delete_nodes(slots(1), detach=True)
        view.create_index(index(IndexKind.RANGE, "t", "by_t"))
        view.drop_index("words")
        view.delete_nodes(slots(2), detach=False)
        state()
        view.rollback_to(mark)
        assert state() == before
    inner = view.savepoint()
    view.create_nodes(1, ["C"], {})
    view.rollback_to(inner)
    view.rollback_to(mark)
    transaction.commit()
    after = engine.snapshot()
    assert after.property(NODE, slots(0, 3), "x").values() == [10, 5] and after.node_count() == 4
    assert after.labels() == ["A", "B"]


def test_what_was_created_and_deleted_again_leaves_no_trace_but_its_ids(engine: Engine) -> None:
    transaction = engine.begin()
    view = transaction.overlay
    made = view.create_nodes(5, ["A"], {"x": lift([1, 2, 3, 4, 5])})
    links = view.create_relationships("R", made, made, {"w": lift([1, 2, 3, 4, 5])})
    view.set_property(NODE, made[1:3], "y", lift([0, 0]))
    view.delete_nodes(made[[0, 2, 4]], detach=True)
    changeset = view.changeset()
    assert [(n.first_id, n.count, n.properties["x"].values()) for n in changeset.new_nodes] == [
        (4, 1, [2]),
        (6, 1, [4]),
    ]
    assert [(r.first_id, r.properties["w"].values()) for r in changeset.new_relationships] == [(3, [2]), (5, [4])]
    assert [p.ids.tolist() for p in changeset.properties] == [[4]]
    assert not len(changeset.delete_nodes) and not len(changeset.delete_relationships)
    transaction.commit()
    assert engine.snapshot().node_count() == 5 and engine.snapshot().relationship_count() == 4
    assert len(links) == 5


def test_touches_name_what_was_there_before(view: Overlay) -> None:
    made = view.create_nodes(1, ["A"], {})
    view.create_relationships("R", made, slots(2), {})
    view.set_property(NODE, slots(0, 3), "x", lift([1, 1]))
    view.set_property(NODE, made, "x", lift([1]))
    view.add_labels(slots(1), ["B"])
    view.set_property(RELATIONSHIP, slots(1), "w", lift([5]))
    view.delete_relationships(slots(0))
    touches = view.touches()
    top = view.changes.nodes.base
    assert touches.changed == BitMap([s for s in (0, 1, 3) if s < top])
    assert touches.connected == BitMap([2]) and touches.deleted == BitMap()
    assert touches.relationships == BitMap([0, 1])
    view.delete_nodes(slots(1), detach=True)
    assert view.touches().deleted == BitMap([1])


def touching(kind: str, slot: int) -> Touches:
    kinds = ("changed", "deleted", "connected", "relationships")
    return Touches(*(BitMap([slot] if name == kind else []) for name in kinds))


@pytest.mark.parametrize(
    ("one", "other", "conflict"),
    [
        ("changed", "changed", Element.NODE),
        ("changed", "deleted", Element.NODE),
        ("deleted", "deleted", Element.NODE),
        ("deleted", "connected", Element.NODE),
        ("changed", "connected", None),
        ("connected", "connected", None),
        ("relationships", "relationships", Element.RELATIONSHIP),
        ("relationships", "changed", None),
    ],
)
def test_conflicts_are_mutual(one: str, other: str, conflict: Element | None) -> None:
    assert touching(one, 1).conflict_with(touching(other, 1)) is conflict
    assert touching(other, 1).conflict_with(touching(one, 1)) is conflict
    assert touching(one, 1).conflict_with(touching(other, 2)) is None


def test_a_deleted_element_cannot_be_used(view: Overlay) -> None:
    view.delete_nodes(slots(0), detach=True)
    for use in (
        lambda: view.property(NODE, slots(0), "x"),
        lambda: view.set_property(NODE, slots(0), "x", lift([1])),
        lambda: view.add_labels(slots(0), ["B"]),
        lambda: view.remove_labels(slots(0), ["A"]),
        lambda: view.has_label(slots(0), "A"),
        lambda: view.create_relationships("R", slots(0), slots(1), {}),
        lambda: view.property(RELATIONSHIP, slots(0), "w"),
    ):
        with pytest.raises(EntityNotFound):
            use()
    assert not view.node_is_live(0) and not view.relationship_is_live(0) and view.relationship_is_live(1)
    assert view.slots_of_ids(NODE, slots(0, 1)).tolist() == [-1, 1]
    view.delete_nodes(slots(0), detach=False)
    view.check_deletes()
    assert view.counters.nodes_deleted == 1 and view.counters.relationships_deleted == 1


def test_a_node_with_relationships_can_only_be_deleted_with_them(view: Overlay) -> None:
    view.delete_nodes(slots(1), detach=False)
    with pytest.raises(DeleteConnectedNode):
        view.check_deletes()


def test_a_node_may_be_deleted_before_its_relationships_within_a_statement(view: Overlay) -> None:
    view.delete_nodes(slots(1), detach=False)
    view.delete_relationships(slots(0, 1))
    view.check_deletes()


@pytest.mark.parametrize("value", [{"a": 1}, [[1]], [None], NodeRef(1), [1, {"a": 1}]])
def test_what_cannot_be_stored_is_refused_before_anything_changes(value: object, view: Overlay) -> None:
    for use in (
        lambda: view.create_nodes(1, [], {"x": ListColumn([value])}),
        lambda: view.create_nodes(1, [], {"x": ConstantColumn(value, 1)}),
        lambda: view.set_property(NODE, slots(0), "x", ListColumn([value])),
        lambda: view.create_nodes(1, [], {"": lift([1])}),
        lambda: view.create_nodes(1, [], {"k" * 70_000: lift([1])}),
    ):
        with pytest.raises(TypeMismatch):
            use()
    assert view.statement_counters() == Counters() and view.changeset().is_empty


def test_counters_count_what_changed(view: Overlay) -> None:
    before = view.statement_counters()
    view.create_nodes(2, ["A", "A", "B"], {"x": lift([1, None]), "none": ConstantColumn(None, 2)})
    view.create_relationships("R", slots(0), slots(1), {"w": lift([1])})
    view.set_property(NODE, slots(0, 1), "y", ListColumn([None, 1]))
    view.add_labels(slots(0, 1), ["A", "C"])
    view.remove_labels(slots(0), ["C", "D"])
    assert view.statement_counters(before) == Counters(
        nodes_created=2, relationships_created=1, properties_set=3, labels_added=6, labels_removed=1
    )
    assert view.counters.contains_updates and not before.contains_updates


def test_replacing_all_properties_removes_what_is_not_named(view: Overlay) -> None:
    view.replace_properties(NODE, 0, {"x": None, "new": 5})
    assert view.properties(NODE, 0) == {"new": 5}


def test_indexes_are_named_and_refused_twice(view: Overlay) -> None:
    assert default_index_name(index(IndexKind.RANGE, "a key")) == "range_A_a_key"
    assert view.create_index(index(IndexKind.RANGE, "y"))
    assert view.indexes()[-2].name == "range_A_y"
    for again in (index(IndexKind.RANGE, "y", "other"), index(IndexKind.RANGE, "z", "by_x")):
        assert not view.create_index(again, if_not_exists=True)
        with pytest.raises(SchemaError):
            view.create_index(again)
    assert not view.drop_index("none", if_exists=True)
    with pytest.raises(SchemaError):
        view.drop_index("none")


def test_a_unique_index_on_duplicates_is_refused_at_once(view: Overlay) -> None:
    view.set_property(NODE, slots(0), "x", ListColumn([2.0]))
    with pytest.raises(UniqueViolation):
        view.create_index(index(IndexKind.UNIQUE, "x", "one"))


def test_the_schema_version_tells_own_indexes_from_others(view: Overlay) -> None:
    assert view.schema_version == view.base.schema_version
    view.create_index(index(IndexKind.RANGE, "y"))
    assert view.schema_version != view.base.schema_version


def test_chunks_find_elements_by_slot_and_by_id() -> None:
    chunks: Chunks[NodeChunk] = Chunks(10, "node")
    start = 10
    for first_id, count in ((100, 1), (205, 3), (300, 70)):
        chunks.append(NodeChunk(start, first_id, count, (), {}))
        start += count
    ids = [100, 205, 206, 207, *range(300, 370)]
    for length in (1, 5, len(ids)):
        assert chunks.ids(np.arange(10, 10 + length)).tolist() == ids[:length]
    asked = np.array([99, 100, 101, 204, 206, 208, 369, 370])
    assert chunks.slots_of(asked, np.full(8, -1)).tolist() == [-1, 10, -1, -1, 12, -1, 83, -1]
    assert chunks.at(13).first_id == 205
    for missing in (9, 84):
        with pytest.raises(EntityNotFound):
            chunks.at(missing)
    chunks.cut(1)
    assert chunks.top == 11 and chunks.slots_of(asked, np.full(8, -1)).tolist()[4] == -1


def test_many_numbers_are_kept_as_an_array_and_read_as_they_were(view: Overlay) -> None:
    columns: dict[str, list] = {
        "i": [*range(19), None],
        "f": [0.5] * 19 + [float("inf")],
        "m": [1, 2.0] * 10,
        "s": ["a"] * 19 + [None],
        "l": [[1], None] * 10,
        "n": [None] * 20,
    }
    made = view.create_nodes(20, ["A"], {key: ListColumn(list(values)) for key, values in columns.items()})
    for key, values in columns.items():
        held = view.property(NODE, made, key).values()
        assert held == values and list(map(type, held)) == list(map(type, values))
    assert view.counters.properties_set == sum(v is not None for values in columns.values() for v in values)


def test_one_value_of_many_that_cannot_be_stored_is_found(view: Overlay) -> None:
    for bad in (NodeRef(0), {"a": 1}, [1, "a"], [None]):
        with pytest.raises(TypeMismatch):
            view.create_nodes(30, ["A"], {"x": ListColumn([*range(29), bad])})
