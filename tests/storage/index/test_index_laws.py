"""The law of every index: it finds what a scan finds, now, at old snapshots and inside transactions."""

from __future__ import annotations

import threading
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyroaring import BitMap

from memoradb.core.columns import ListColumn
from memoradb.core.errors import ConstraintError, EntityNotFound
from memoradb.core.spatial import CARTESIAN, WGS_84, Point
from memoradb.core.values import Value
from memoradb.storage.engine import Engine
from memoradb.storage.index.condition import Condition, InBox, Keys, Near, TextMatch
from memoradb.storage.overlay import Overlay
from memoradb.storage.snapshot import Snapshot
from memoradb.storage.vfs_memory import MemoryVfs
from memoradb.storage.view import Element, IndexDefinition, IndexKind, RangeBound

View = Snapshot | Overlay


def defined(name: str, kind: IndexKind, element: Element, label: str, *keys: str) -> IndexDefinition:
    return IndexDefinition(name, kind, element, (label,), keys)


NODE, RELATIONSHIP = Element.NODE, Element.RELATIONSHIP
DEFINITIONS = (
    defined("range", IndexKind.RANGE, NODE, "A", "x"),
    defined("composite", IndexKind.RANGE, NODE, "A", "x", "y"),
    defined("text", IndexKind.TEXT, NODE, "A", "t"),
    defined("point", IndexKind.POINT, NODE, "A", "p"),
    defined("rel_range", IndexKind.RANGE, RELATIONSHIP, "R", "x"),
    defined("rel_composite", IndexKind.RANGE, RELATIONSHIP, "R", "x", "y"),
    defined("rel_text", IndexKind.TEXT, RELATIONSHIP, "R", "t"),
    defined("rel_point", IndexKind.POINT, RELATIONSHIP, "R", "p"),
)

scalars = st.one_of(
    st.none(), st.integers(0, 3), st.sampled_from((0.5, 1.0, float("nan"))), st.text("ab", max_size=3), st.booleans()
)
texts = st.one_of(st.none(), st.text("abc", max_size=6), st.integers(0, 1))
coordinates = st.integers(-3, 3).map(float)
points = st.one_of(
    st.none(),
    st.builds(lambda x, y: Point(CARTESIAN, (x, y)), coordinates, coordinates),
    st.builds(lambda x, y: Point(WGS_84, (x * 60.0, y * 30.0)), coordinates, coordinates),
)
VALUES = {"x": scalars, "y": scalars, "t": texts, "p": points}
properties = st.fixed_dictionaries({}, optional=VALUES)
patches = st.sampled_from("xytp").flatmap(lambda key: st.tuples(st.just(key), VALUES[key]))
number = st.integers(0, 40)

steps = st.one_of(
    st.tuples(st.just("node"), st.lists(st.tuples(st.booleans(), properties), min_size=1, max_size=4)),
    st.tuples(st.just("relationship"), number, number, st.booleans(), properties),
    st.tuples(st.just("set"), st.booleans(), number, patches),
    st.tuples(st.just("label"), number, st.booleans()),
    st.tuples(st.just("delete node"), number),
    st.tuples(st.just("delete relationship"), number),
)
transactions = st.lists(st.tuples(st.lists(steps, min_size=1, max_size=5), st.booleans()), min_size=1, max_size=5)

bounds = st.one_of(st.none(), st.builds(RangeBound, st.sampled_from((0, 1.0, "a", True)), st.booleans()))
small = st.sampled_from((0, 1, 2, 0.5, 1.0, "a", "ab", True, None, float("nan")))
conditions = {
    1: st.one_of(st.builds(lambda v: Keys((v,)), small), st.builds(lambda a, b: Keys((), a, b), bounds, bounds)),
    2: st.one_of(
        st.builds(lambda a, b: Keys((a, b)), small, small),
        st.builds(lambda a, low, high: Keys((a,), low, high), small, bounds, bounds),
        st.builds(lambda low, high: Keys((), low, high), bounds, bounds),
        st.builds(lambda a, p: Keys((a,), prefix=p), small, st.text("ab", max_size=2)),
        st.builds(lambda p: Keys((), prefix=p), st.text("ab", max_size=2)),
    ),
    "text": st.builds(TextMatch, st.sampled_from(("STARTS WITH", "ENDS WITH", "CONTAINS")), st.text("abc", max_size=4)),
    "point": st.one_of(
        st.builds(
            lambda x, y, r, i: Near(Point(CARTESIAN, (x, y)), r, i),
            coordinates,
            coordinates,
            st.sampled_from((0.0, 1.0, 1.5, 9.0, -1.0)),
            st.booleans(),
        ),
        st.builds(
            lambda x, y, r: Near(Point(WGS_84, (x * 59.0, y * 29.0)), r, True),
            coordinates,
            coordinates,
            st.sampled_from((1.0, 300_000.0, 5_000_000.0, 30_000_000.0)),
        ),
        st.builds(
            lambda x, y, w, h: InBox(Point(CARTESIAN, (x, y)), Point(CARTESIAN, (x + w, y + h))),
            coordinates,
            coordinates,
            coordinates,
            coordinates,
        ),
    ),
}


def of(definition: IndexDefinition) -> st.SearchStrategy[Condition]:
    kind = {IndexKind.TEXT: "text", IndexKind.POINT: "point"}.get(definition.kind, len(definition.keys))
    return conditions[kind].filter(lambda c: not isinstance(c, Keys) or bool(c.equal) or c.has_next)


def scan(view: View, definition: IndexDefinition, condition: Condition) -> list[int]:
    if definition.element is NODE:
        slots = np.asarray(view.nodes_with_label(definition.labels[0]).to_array(), np.int64)
    else:
        slots = view.relationships(definition.labels)
    columns = [view.property(definition.element, slots, key).values() for key in definition.keys]
    return [slot for slot, *row in zip(slots.tolist(), *columns, strict=True) if condition.holds(row)]


def check(views: list[View], asked: list[tuple[IndexDefinition, Condition]]) -> None:
    for view in views:
        there = {definition.name for definition in view.indexes()}
        for definition, condition in asked:
            if definition.name in there:
                found = view.index_search(definition.name, condition).tolist()
                assert found == scan(view, definition, condition), (definition.name, condition)


def row(values: dict[str, Value]) -> dict[str, ListColumn]:
    return {key: ListColumn([value]) for key, value in values.items()}


def chosen(slots: BitMap | np.ndarray, number: int) -> np.ndarray:
    """One of them, if there is any."""
    found = np.asarray(slots.to_array() if isinstance(slots, BitMap) else slots, np.int64)
    return found[number % len(found) :][:1] if len(found) else found


def perform(view: Overlay, step: tuple) -> None:
    match step:
        case ("node", made):
            for labelled, values in made:
                view.create_nodes(1, ["A"] if labelled else ["B"], row(values))
        case ("relationship", a, b, typed, values):
            source, target = chosen(view.nodes(), a), chosen(view.nodes(), b)
            if len(source):
                view.create_relationships("R" if typed else "S", source, target, row(values))
        case ("set", node, number, (key, value)):
            slots = chosen(view.nodes() if node else view.relationships(), number)
            if len(slots):
                view.set_property(NODE if node else RELATIONSHIP, slots, key, ListColumn([value]))
        case ("label", number, add):
            slots = chosen(view.nodes(), number)
            (view.add_labels if add else view.remove_labels)(slots, ["A"])
        case ("delete node", number):
            view.delete_nodes(chosen(view.nodes(), number), True)
        case ("delete relationship", number):
            view.delete_relationships(chosen(view.relationships(), number))


@given(
    transactions,
    st.integers(0, 3),
    st.tuples(*(st.tuples(st.just(d), of(d)) for d in DEFINITIONS)),
    st.tuples(*(st.tuples(st.just(d), of(d)) for d in DEFINITIONS)),
    st.sampled_from((1, 2, 1_024)),
    st.one_of(st.none(), st.integers(1, 4)),
)
def test_an_index_finds_what_a_scan_finds_now_then_and_inside_a_transaction(
    script: list, created_at: int, some: tuple, more: tuple, frozen_from: int, opened_at: int | None
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        for module in ("range_index", "composite_index"):
            patch.setattr(f"memoradb.storage.index.{module}.FROZEN_ROWS_MIN", frozen_from)
        check_script(script, created_at, [*some, *more], opened_at)


def check_script(script: list, created_at: int, asked: list, opened_at: int | None) -> None:
    """Run transactions and compare after every step; ``opened_at``: close and open the database before that one."""
    disk = None if opened_at is None else MemoryVfs()
    engine, old = opened(disk), []
    for number, (actions, commits) in enumerate(script):
        if number == opened_at:
            engine.checkpoint()
            engine.close()
            engine, old = opened(disk), []
        with engine.begin() as transaction:
            view = transaction.overlay
            if number == created_at:
                for definition in DEFINITIONS:
                    view.create_index(definition)
            for step in actions:
                perform(view, step)
                check([view], asked)
            if commits or number <= created_at:
                transaction.commit()
        old.append(engine.snapshot())
        check([*old], asked)
    for index in engine.store.indexes.values():
        assert index.verify(engine.store) == []
    engine.close()


def opened(disk: MemoryVfs | None) -> Engine:
    return Engine.open(None) if disk is None else Engine.open("/data", vfs=disk, background=False)


def test_what_is_broken_in_an_index_is_told() -> None:
    engine = Engine.open(None)
    with engine.begin(exclusive=True) as transaction:
        for definition in DEFINITIONS[:4]:
            transaction.overlay.create_index(definition)
        values = {"x": 1, "y": 2, "t": "abc", "p": Point(CARTESIAN, (1.0, 2.0))}
        transaction.overlay.create_nodes(1, ["A"], row(values))
        transaction.commit()
    for index in engine.store.indexes.values():
        assert index.verify(engine.store) == []
        index.replace(0, None, [7, 7] if len(index.definition.keys) == 2 else [7], 99)
        index.replace(5, None, ["abd"] if index.definition.name != "point" else [Point(CARTESIAN, (0.0, 0.0))], 99) if (
            len(index.definition.keys) == 1
        ) else None
        assert index.verify(engine.store) != [], index.definition.name


def test_many_values_are_taken_in_bulk_as_they_are_one_by_one() -> None:
    for build in (a_bulk, one_by_one):
        engine = build()
        view = engine.snapshot()
        for definition in DEFINITIONS[:4]:
            for condition in SAMPLES[definition.name]:
                assert view.index_search(definition.name, condition).tolist() == scan(view, definition, condition)
                assert len(scan(view, definition, condition)) > 0


SAMPLES: dict[str, list[Condition]] = {
    "range": [Keys((3,)), Keys((), RangeBound(4, True), None)],
    "composite": [Keys((3, "y3")), Keys((3,), prefix="y3"), Keys((), None, RangeBound(1, True))],
    "text": [TextMatch("CONTAINS", "ber 77"), TextMatch("ENDS WITH", "7"), TextMatch("CONTAINS", "9")],
    "point": [Near(Point(WGS_84, (179.9, 10.0)), 100_000.0, True), Near(Point(WGS_84, (5.0, 89.9)), 50_000.0, False)],
}
COUNT = 900


def rows_of(i: int) -> dict[str, Value]:
    longitude = 179.5 + i % 20 / 10.0
    place = (longitude - 360.0 if longitude > 180.0 else longitude, 10.0 + i % 7 / 10.0)
    return {
        "x": i % 6,
        "y": f"y{i % 11}",
        "t": f"number {i}",
        "p": Point(WGS_84, (i * 1.7 % 360.0, 89.9) if i % 2 else place),
    }


def a_bulk() -> Engine:
    engine = Engine.open(None)
    with engine.begin(exclusive=True) as transaction:
        for definition in DEFINITIONS:
            transaction.overlay.create_index(definition)
        made = [rows_of(i) for i in range(COUNT)]
        transaction.overlay.create_nodes(COUNT, ["A"], {key: ListColumn([m[key] for m in made]) for key in "xytp"})
        transaction.commit()
    return engine


def one_by_one() -> Engine:
    engine = Engine.open(None)
    for i in range(COUNT):
        with engine.begin(exclusive=True) as transaction:
            if not i:
                for definition in DEFINITIONS:
                    transaction.overlay.create_index(definition)
            transaction.overlay.create_nodes(1, ["A"], row(rows_of(i)))
            transaction.commit()
    return engine


def test_a_question_of_another_kind_is_refused() -> None:
    engine = Engine.open(None)
    with engine.begin(exclusive=True) as transaction:
        words = IndexDefinition("words", IndexKind.FULLTEXT, NODE, ("A",), ("t",), (("analyzer", "simple"),))
        transaction.overlay.create_index(words)
        with pytest.raises(EntityNotFound):
            transaction.overlay.index_search("words", Keys((1,)))
        transaction.commit()
    with pytest.raises(EntityNotFound):
        engine.snapshot().index_search("words", Keys((1,)))


unique_keys = st.tuples(st.sampled_from((None, 1, 1.0, 2, "a")), st.sampled_from((None, 0, "b", float("nan"))))
unique_steps = st.one_of(
    st.tuples(st.just("create"), unique_keys),
    st.tuples(st.just("set"), number, st.sampled_from("xy"), st.sampled_from((None, 1, 0, "a", "b"))),
    st.tuples(st.just("label"), number, st.booleans()),
    st.tuples(st.just("delete"), number),
)


def breaks(view: View, kind: IndexKind) -> bool:
    """Whether two nodes with the label have the same values, or, for a key, one lacks any: by looking at all."""
    slots = np.asarray(view.nodes_with_label("A").to_array(), np.int64)
    rows = list(zip(*(view.property(NODE, slots, key).values() for key in "xy"), strict=True))
    if kind is IndexKind.KEY and any(value is None for values in rows for value in values):
        return True
    whole = [values for values in rows if all(value is not None and value == value for value in values)]
    return len(set(whole)) < len(whole)


@given(
    st.lists(st.lists(unique_steps, min_size=1, max_size=4), max_size=8),
    st.sampled_from((IndexKind.UNIQUE, IndexKind.KEY)),
)
def test_a_commit_is_refused_exactly_where_its_final_state_breaks_a_constraint(script: list, kind: IndexKind) -> None:
    engine = Engine.open(None)
    with engine.begin(exclusive=True) as transaction:
        transaction.overlay.create_index(defined("both", kind, NODE, "A", "x", "y"))
        transaction.commit()
    for actions in script:
        before = engine.position
        with engine.begin(exclusive=True) as transaction:
            view = transaction.overlay
            for step in actions:
                slots = chosen(view.nodes(), step[1] if isinstance(step[1], int) else 0)
                match step:
                    case ("create", (x, y)):
                        view.create_nodes(1, ["A"], row({"x": x, "y": y}))
                    case ("set", _, key, value) if len(slots):
                        view.set_property(NODE, slots, key, ListColumn([value]))
                    case ("label", _, add):
                        (view.add_labels if add else view.remove_labels)(slots, ["A"])
                    case ("delete", _):
                        view.delete_nodes(slots, True)
                    case _:
                        pass
            expected = breaks(view, kind)
            commit: Callable[[], object] = transaction.commit
            if expected:
                with pytest.raises(ConstraintError):
                    commit()
                assert engine.position == before
            else:
                commit()
        assert not breaks(engine.snapshot(), kind)


def test_an_index_that_comes_with_changes_of_what_it_covers_holds_the_changed_values() -> None:
    engine = Engine.open(None)
    with engine.begin(exclusive=True) as transaction:
        transaction.overlay.create_nodes(2, ["A"], {"x": ListColumn([1, 2])})
        transaction.commit()
    with engine.begin(exclusive=True) as transaction:
        transaction.overlay.create_index(DEFINITIONS[0])
        transaction.overlay.set_property(NODE, np.array([0]), "x", ListColumn([5]))
        transaction.commit()
    assert engine.snapshot().index_search("range", Keys((5,))).tolist() == [0]
    assert engine.snapshot().index_search("range", Keys((1,))).tolist() == []


def test_long_texts_are_taken_in_by_portions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("memoradb.storage.index.text_index.LETTERS_MAX", 20)
    view = a_bulk().snapshot()
    for condition in SAMPLES["text"]:
        assert view.index_search("text", condition).tolist() == scan(view, DEFINITIONS[2], condition)


def test_readers_find_what_they_see_while_a_writer_goes_on() -> None:
    engine = a_bulk()
    asked = [(d, c) for d in DEFINITIONS[:4] for c in SAMPLES[d.name]]
    done, failures = threading.Event(), []

    def read() -> None:
        while not done.is_set():
            view = engine.snapshot()
            for definition, condition in asked:
                found = view.index_search(definition.name, condition).tolist()
                if found != scan(view, definition, condition):
                    failures.append((definition.name, condition))

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    for i in range(120):
        with engine.begin(exclusive=True) as transaction:
            slots = np.array([i * 7 % COUNT, i * 13 % COUNT])
            for key, value in rows_of(i * 3 + 1).items():
                transaction.overlay.set_property(NODE, slots, key, ListColumn([value, value]))
            transaction.overlay.create_nodes(1, ["A"], row(rows_of(i)))
            transaction.overlay.remove_labels(np.array([i * 11 % COUNT]), ["A"])
            transaction.commit()
    done.set()
    for reader in readers:
        reader.join()
    assert not failures
    for index in engine.store.indexes.values():
        assert index.verify(engine.store) == []
