"""Readers on their snapshots while a writer writes: real threads, met at barriers inside the writer's steps.

The writer is stopped between publishing undo and writing, in the middle of growing arrays, and before it publishes; at
each stop readers of several snapshots must see exactly what they saw when they began.
"""

import random
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from memoradb.core.columns import ListColumn, lift
from memoradb.core.spatial import CARTESIAN, Point
from memoradb.core.values import Value
from memoradb.storage.engine import Engine
from memoradb.storage.graph.delta import Chains
from memoradb.storage.index.composite_index import CompositeIndex
from memoradb.storage.index.condition import InBox, Keys, TextMatch
from memoradb.storage.index.point_index import PointIndex
from memoradb.storage.index.range_index import RangeIndex
from memoradb.storage.index.removals import Removals
from memoradb.storage.index.text_index import TextIndex
from memoradb.storage.overlay import Overlay
from memoradb.storage.properties.column import PropertyColumn
from memoradb.storage.snapshot import Snapshot
from memoradb.storage.store import GraphStore
from memoradb.storage.text.fulltext import FulltextIndex
from memoradb.storage.undo import UndoLog
from memoradb.storage.vector.vector_index import VectorIndex
from memoradb.storage.vfs_memory import MemoryVfs
from memoradb.storage.view import Direction, Element, GraphView, GraphWriter, IndexDefinition, IndexKind, RangeBound

sys.path.insert(0, str(Path(__file__).parent))

from workload import commit, index, open_engine, slots


def everything(view: GraphView) -> tuple[object, ...]:
    nodes = np.asarray(view.nodes().to_array(), np.int64)
    found = view.expand(nodes, None, Direction.BOTH)
    keys = ("n", "s", "m")
    return (
        nodes.tolist(),
        [view.property(Element.NODE, nodes, key).values() for key in keys],
        [view.nodes_with_label(label).to_array().tolist() for label in ("A", "B")],
        found.source_position.tolist(),
        found.node.tolist(),
        found.relationship.tolist(),
        view.degrees(nodes, None, Direction.OUT).tolist(),
        [sorted(view.neighbours(s, None, Direction.OUT)) for s in nodes.tolist()[:5]],
        view.index_seek("by_n", [0, 1, 5, "odd"])[1].tolist(),
        view.index_range("by_n", RangeBound(2, True), None).tolist(),
        view.index_prefix("by_s", "s1").tolist(),
        view.text_search("words", "s1 OR s2").slots.tolist(),
        view.vector_search("near", [1.0, 1.0], 4).slots.tolist(),
        view.index_search("both", Keys((1,), prefix="s")).tolist(),
        view.index_search("within", TextMatch("CONTAINS", "1")).tolist(),
        view.index_search("places", InBox(point(0.0), point(2.0))).tolist(),
        [sorted(view.properties(Element.NODE, s).items(), key=str) for s in nodes.tolist()[-5:]],
        [view.node_labels(s) for s in nodes.tolist()[-5:]],
    )


def point(x: float) -> Point:
    return Point(CARTESIAN, (x, x))


def seeded(engine: Engine) -> None:
    def load(view: Overlay) -> None:
        numbers: list[Value] = list(range(15))
        made = view.create_nodes(15, ["A"], {"n": lift(numbers), "s": lift([f"s{i}" for i in range(15)])})
        view.create_relationships("R", made, np.roll(made, 3), {})
        view.create_index(index("by_n", IndexKind.RANGE, "A", "n"))
        view.create_index(index("by_s", IndexKind.RANGE, "A", "s"))
        view.create_index(index("words", IndexKind.FULLTEXT, "A", "s", analyzer="simple"))
        view.create_index(index("near", IndexKind.VECTOR, "A", "v", dimensions=2, similarity="euclidean"))
        view.create_index(IndexDefinition("both", IndexKind.RANGE, Element.NODE, ("A",), ("n", "s")))
        view.create_index(index("within", IndexKind.TEXT, "A", "s"))
        view.create_index(index("places", IndexKind.POINT, "A", "p"))

    commit(engine, load)


def random_change(choice: random.Random) -> Callable[[GraphWriter], None]:
    def change(view: GraphWriter) -> None:
        live = np.asarray(view.nodes().to_array(), np.int64)
        one = choice.choice(live.tolist())
        count = choice.choice((1, 1, 3, 20))
        made = view.create_nodes(
            count,
            ["A"],
            {
                "n": lift([choice.randrange(9) for _ in range(count)]),
                "s": lift([f"s{choice.randrange(30)}" for _ in range(count)]),
                "v": ListColumn([[float(choice.randrange(5)), 1.0] for _ in range(count)]),
                "p": ListColumn([point(float(choice.randrange(4))) for _ in range(count)]),
            },
        )
        view.create_relationships("R", made, np.full(count, one), {})
        some = np.array(sorted(choice.sample(live.tolist(), min(4, len(live)))), np.int64)
        view.set_property(Element.NODE, some, "n", ListColumn([choice.choice((1, 5, "odd", None, 2.5)) for _ in some]))
        view.set_property(Element.NODE, some, "s", ListColumn([choice.choice(("s1", "s2", None, 7)) for _ in some]))
        view.set_property(Element.NODE, some, "m", ListColumn([choice.choice((True, "m", 1.0)) for _ in some]))
        view.set_property(Element.NODE, some, "v", ListColumn([choice.choice(([1.0, 1.0], None)) for _ in some]))
        view.set_property(Element.NODE, some, "p", ListColumn([choice.choice((point(1.0), None, 3)) for _ in some]))
        view.add_labels(some[:1], ["B"])
        if choice.random() < 0.3:
            view.remove_labels(some[:1], ["A"])
        if choice.random() < 0.3 and len(live) > 5:
            view.delete_nodes(slots(choice.choice(live.tolist())), detach=True)

    return change


STOPS = [
    (PropertyColumn, "_put"),
    (PropertyColumn, "_reserve"),
    (PropertyColumn, "_to_list"),
    (Chains, "link"),
    (RangeIndex, "_insert"),
    (RangeIndex, "_remove"),
    (CompositeIndex, "_insert"),
    (CompositeIndex, "_remove"),
    (TextIndex, "add"),
    (TextIndex, "replace"),
    (PointIndex, "add"),
    (PointIndex, "replace"),
    (FulltextIndex, "_insert"),
    (FulltextIndex, "replace"),
    (VectorIndex, "_append"),
    (VectorIndex, "replace"),
    (Removals, "note"),
    (UndoLog, "note"),
    (GraphStore, "applied"),
    (GraphStore, "publish"),
]
"""The writer's steps. It is stopped before each: undo is published and nothing written, or what came first is."""


READS = 40
"""Times that the writer is stopped in one test."""


@pytest.mark.parametrize(("owner", "method"), STOPS)
def test_a_reader_that_meets_the_writer_in_the_middle_of_a_step_sees_its_snapshot(
    owner: type, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = open_engine(MemoryVfs())
    seeded(engine)
    choice = random.Random(method)
    kept = [(engine.snapshot(), everything(engine.snapshot()))]
    transactions: list[tuple[GraphView, tuple[object, ...]]] = []
    original = getattr(owner, method)
    writer: list[int] = []
    reads = 0

    def look() -> None:
        nonlocal reads
        reads += 1
        published = engine.snapshot()
        for snapshot, expected in kept[-3:]:
            assert everything(snapshot) == expected
        for view, expected in transactions[-3:]:
            assert everything(view) == expected
        assert published.position == kept[-1][0].position
        assert everything(published) == kept[-1][1]

    def stopped(self: object, *arguments: object) -> object:
        if threading.get_ident() in writer and reads < READS:
            errors: list[BaseException] = []

            def read() -> None:
                try:
                    look()
                except BaseException as error:
                    errors.append(error)

            reader = threading.Thread(target=read)
            reader.start()
            reader.join()
            if errors:
                raise errors[0]
        return original(self, *arguments)

    monkeypatch.setattr(owner, method, stopped)
    for _ in range(8):
        writer[:] = [threading.get_ident()]
        commit(engine, random_change(choice))
        writer.clear()
        kept.append((engine.snapshot(), everything(engine.snapshot())))
        # Each transaction has changes of its own over the snapshot that it began on.
        view = engine.begin(isolation=choice.choice(("serializable", "snapshot"))).view
        random_change(choice)(view)
        transactions.append((view, everything(view)))
    assert reads or method == "_to_list"
    for view, expected in (*kept, *transactions):
        assert everything(view) == expected
    engine.close()


def test_readers_and_a_writer_that_run_freely(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("memoradb.storage.store.PRUNE_CHANGES", 20)
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    engine = open_engine(MemoryVfs())
    seeded(engine)
    start, stop = threading.Barrier(4), threading.Event()
    errors: list[BaseException] = []
    looks: list[int] = []

    def read(seed: int) -> None:
        choice = random.Random(seed)
        start.wait()
        kept: list[tuple[Snapshot, tuple[object, ...]]] = []
        count = 0
        try:
            while not stop.is_set():
                snapshot = engine.snapshot()
                kept.append((snapshot, everything(snapshot)))
                old, expected = choice.choice(kept)
                assert everything(old) == expected
                kept = kept[-4:]
                count += 1
        except BaseException as error:
            errors.append(error)
        looks.append(count)

    threads = [threading.Thread(target=read, args=(seed,)) for seed in range(3)]
    for thread in threads:
        thread.start()
    choice = random.Random(5)
    start.wait()
    try:
        for i in range(80):
            commit(engine, random_change(choice))
            if i % 30 == 20:
                engine.settle()
    finally:
        stop.set()
        for thread in threads:
            thread.join()
        sys.setswitchinterval(before)
    assert not errors, errors[0]
    assert min(looks) > 2
    engine.close()
