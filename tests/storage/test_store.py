"""The state hash: equal for equal graphs, whatever their layout, and different for different ones."""

import sys
from pathlib import Path

import pytest

from memoradb.core.columns import ListColumn, lift
from memoradb.core.values import Value
from memoradb.storage.engine import Engine
from memoradb.storage.vfs_memory import MemoryVfs
from memoradb.storage.view import Element, IndexKind

sys.path.insert(0, str(Path(__file__).parent))

from workload import Step, commit, index, open_engine, slots


def an_engine(*steps: Step) -> Engine:
    engine = open_engine(MemoryVfs())
    for step in steps:
        commit(engine, step)
    return engine


def base(values: list[Value]) -> Step:
    def step(view: object) -> None:
        made = view.create_nodes(3, ["A"], {"x": ListColumn(values)})  # type: ignore[attr-defined]
        view.create_relationships("R", made[:2], made[1:], {})  # type: ignore[attr-defined]

    return step


@pytest.mark.parametrize(
    "change",
    [
        lambda view: view.set_property(Element.NODE, slots(0), "x", ListColumn([1.0])),
        lambda view: view.set_property(Element.NODE, slots(0), "x", ListColumn([True])),
        lambda view: view.set_property(Element.NODE, slots(1), "x", ListColumn([0])),
        lambda view: view.set_property(Element.NODE, slots(2), "x", ListColumn([None])),
        lambda view: view.set_property(Element.NODE, slots(0), "y", ListColumn([1])),
        lambda view: view.set_property(Element.RELATIONSHIP, slots(0), "x", ListColumn([1])),
        lambda view: view.add_labels(slots(0), ["B"]),
        lambda view: view.remove_labels(slots(0), ["A"]),
        lambda view: view.delete_relationships(slots(1)),
        lambda view: view.create_relationships("R", slots(1), slots(0), {}),
        lambda view: view.create_nodes(1, [], {}),
        lambda view: view.create_index(index("i", IndexKind.RANGE, "A", "x")),
    ],
)
def test_any_change_changes_the_hash(change: Step) -> None:
    one, other = an_engine(base([1, None, 3])), an_engine(base([1, None, 3]), change)
    assert one.store.state_hash() != other.store.state_hash()


def test_the_layout_does_not_matter() -> None:
    plain = an_engine(base([1, None, 3]))
    changed = an_engine(
        base([1, None, 3]),
        lambda view: view.set_property(Element.NODE, slots(0, 1), "x", ListColumn(["odd", [1]])),
        lambda view: view.create_nodes(30, ["Gone"], {"x": lift(["s"] * 30), "gone": lift([1] * 30)}),
        lambda view: view.set_property(Element.NODE, slots(*range(3, 33)), "x", ListColumn([[1]] * 30)),
        lambda view: view.delete_nodes(slots(*range(3, 33)), detach=True),
        lambda view: view.set_property(Element.NODE, slots(0, 1), "x", ListColumn([1, None])),
    )
    assert changed.store.columns[Element.NODE]["x"].form != plain.store.columns[Element.NODE]["x"].form
    assert changed.store.state_hash() == plain.store.state_hash()
    changed.settle()
    assert changed.store.state_hash() == plain.store.state_hash()
