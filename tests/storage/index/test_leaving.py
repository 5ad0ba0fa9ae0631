"""A node that left an index is found no more, however long ago, and by a reader of the time before it is."""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from memoradb.core.columns import ListColumn, lift
from memoradb.core.spatial import CARTESIAN, Point
from memoradb.storage.index.condition import InBox, Keys, TextMatch
from memoradb.storage.index.removals import Removals
from memoradb.storage.vfs_memory import MemoryVfs
from memoradb.storage.view import Element, GraphView, GraphWriter, IndexDefinition, IndexKind, RangeBound

sys.path.insert(0, str(Path(__file__).parents[1]))

from workload import commit, index, open_engine, slots

CORNERS = Point(CARTESIAN, (0.0, 0.0)), Point(CARTESIAN, (1000.0, 1000.0))
FIND: dict[str, Callable[[GraphView], np.ndarray]] = {
    "range": lambda view: view.index_range("by_n", RangeBound(0, True), None),
    "seek": lambda view: view.index_seek("by_n", list(range(400)))[1],
    "prefix": lambda view: view.index_prefix("by_s", "s"),
    "composite": lambda view: view.index_search("both", Keys((), low=RangeBound(0, True))),
    "text": lambda view: view.index_search("within", TextMatch("CONTAINS", "s")),
    "point": lambda view: view.index_search("places", InBox(*CORNERS)),
    "words": lambda view: np.sort(view.text_search("words", "here").slots),
    "vector": lambda view: np.sort(view.vector_search("near", [1.0, 1.0], 400).slots),
}


def load(view: GraphWriter) -> None:
    view.create_nodes(
        300,
        ["A"],
        {
            "n": lift(list(range(300))),
            "s": lift([f"s{i}" for i in range(300)]),
            "t": lift(["is here"] * 300),
            "v": ListColumn([[1.0, float(i)] for i in range(300)]),
            "p": ListColumn([Point(CARTESIAN, (float(i), 1.0)) for i in range(300)]),
        },
    )
    view.create_index(index("by_n", IndexKind.RANGE, "A", "n"))
    view.create_index(index("by_s", IndexKind.RANGE, "A", "s"))
    view.create_index(index("words", IndexKind.FULLTEXT, "A", "t", analyzer="simple"))
    view.create_index(index("near", IndexKind.VECTOR, "A", "v", dimensions=2, similarity="euclidean"))
    view.create_index(IndexDefinition("both", IndexKind.RANGE, Element.NODE, ("A",), ("n", "s")))
    view.create_index(index("within", IndexKind.TEXT, "A", "s"))
    view.create_index(index("places", IndexKind.POINT, "A", "p"))


@pytest.mark.parametrize("how", ["label", "property", "node"])
def test_a_node_that_left_an_index_is_found_no_more(how: str) -> None:
    engine = open_engine(MemoryVfs())

    def leave(view: GraphWriter) -> None:
        gone = slots(7, 250)
        if how == "label":
            view.remove_labels(gone, ["A"])
        elif how == "node":
            view.delete_nodes(gone, detach=True)
        else:
            for key in "nstvp":
                view.set_property(Element.NODE, gone, key, ListColumn([None, None]))

    commit(engine, load)
    before = engine.snapshot()
    commit(engine, leave)
    left = engine.snapshot()
    commit(engine, lambda view: view.create_nodes(1, ["Other"], {}))
    for kind, find in FIND.items():
        assert find(before).tolist() == list(range(300)), kind
        for view in (left, engine.snapshot(), engine.begin().view):
            assert find(view).tolist() == [s for s in range(300) if s not in (7, 250)], kind
    engine.close()


@pytest.mark.parametrize("kind", ["composite", "text", "point"])
def test_a_node_that_leaves_while_it_is_sought_is_found(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = open_engine(MemoryVfs())
    commit(engine, load)
    before = engine.snapshot()
    original = Removals.since
    leaving = [lambda: commit(engine, lambda view: view.remove_labels(slots(7), ["A"]))]

    def since(self: Removals, position: int) -> list[int]:
        gone = original(self, position)
        if leaving:
            leaving.pop()()  # just after the reader asked who left
        return gone

    monkeypatch.setattr(Removals, "since", since)
    assert FIND[kind](before).tolist() == list(range(300))
    assert not leaving
    engine.close()
