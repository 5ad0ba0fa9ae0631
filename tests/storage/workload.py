"""A fixed series of transactions that uses everything storage has, and what the graph is after each of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from memoradb.core.columns import ListColumn, lift
from memoradb.core.errors import StorageError
from memoradb.core.temporal import Date
from memoradb.storage.engine import Engine
from memoradb.storage.vfs_memory import Crashed, MemoryVfs
from memoradb.storage.view import Element, GraphWriter, IndexDefinition, IndexKind

UUID = "0c6b5d5e-8f0a-4c55-9d4e-1f2a3b4c5d6e"
PATH = "/db"

Step = Callable[[Any], object]
"""Changes a view."""


def slots(*items: int) -> np.ndarray:
    return np.array(items, np.int64)


def open_engine(vfs: MemoryVfs, durability: str = "strict", path: str = PATH) -> Engine:
    """The database on ``vfs``; nothing happens in the background."""
    return Engine.open(path, vfs=vfs, durability=durability, new_uuid=lambda: UUID, background=False)


def commit(engine: Engine, work: Step) -> None:
    with engine.begin(exclusive=True) as transaction:
        work(transaction.view)
        transaction.commit()


def index(name: str, kind: IndexKind, label: str, key: str, **options: object) -> IndexDefinition:
    return IndexDefinition(name, kind, Element.NODE, (label,), (key,), tuple(sorted(options.items())))


def _people(view: GraphWriter) -> None:
    view.create_nodes(4, ["Person"], {"age": lift([30, None, 41, 7]), "name": lift(["Ana", "Bo", "Cy", "Di"])})
    view.create_relationships("KNOWS", slots(0, 1, 2, 0), slots(1, 2, 0, 0), {"since": lift([2001, None, 2003, 4])})


def _indexes(view: GraphWriter) -> None:
    view.create_index(index("by_age", IndexKind.RANGE, "Person", "age"))
    view.create_index(index("one_name", IndexKind.UNIQUE, "Person", "name"))
    view.create_index(index("words", IndexKind.FULLTEXT, "Note", "text", analyzer="english"))
    view.create_index(index("near", IndexKind.VECTOR, "Note", "place", dimensions=2, similarity="cosine"))


def _notes(view: GraphWriter) -> None:
    texts = lift(["the cat sat", "a date is parsed", "nothing"])
    view.create_nodes(3, ["Note"], {"text": texts, "place": ListColumn([[1.0, 0.0], [0.5, 0.5], [0.0, 1.0]])})


def _changes(view: GraphWriter) -> None:
    view.set_property(Element.NODE, slots(0, 1), "age", ListColumn([31, "old"]))
    view.set_property(Element.RELATIONSHIP, slots(0), "since", ListColumn([None]))
    view.add_labels(slots(2), ["Admin", "Note"])
    view.remove_labels(slots(3), ["Person"])


def _mixed(view: GraphWriter) -> None:
    made = view.create_nodes(2, ["Note", "Person"], {"name": lift(["Ed", "Flo"]), "born": ListColumn([Date(1), None])})
    view.create_relationships("WROTE", made, slots(4, 5), {})
    view.delete_relationships(slots(1))


def _deletes(view: GraphWriter) -> None:
    view.delete_nodes(slots(2), detach=True)


def _again(view: GraphWriter) -> None:
    view.set_property(Element.NODE, slots(0, 1, 4), "age", ListColumn([None, 3, 2.5]))
    view.set_property(Element.NODE, slots(4), "text", ListColumn(["the dog sat"]))


def _drop(view: GraphWriter) -> None:
    view.drop_index("by_age")
    view.create_nodes(1, [], {})


def _large(view: GraphWriter) -> None:
    view.create_nodes(60, ["Bulk"], {"n": lift(list(range(60))), "s": lift([f"string {i}" for i in range(60)])})


STEPS: list[Step | str] = [
    _people,
    _indexes,
    _notes,
    _changes,
    "checkpoint",
    _mixed,
    "abandon",
    _deletes,
    _large,
    "rest",
    _drop,
    "checkpoint",
    _large,
    _again,
]


def run(engine: Engine, committed: Callable[[Engine], None]) -> None:
    """All steps; ``committed`` is called after each commit."""
    for step in STEPS:
        if step == "checkpoint":
            engine.checkpoint()
        elif step == "rest":
            engine.rest()
        elif step == "abandon":
            with engine.begin() as transaction:
                transaction.view.create_nodes(3, ["Person"], {})
        else:
            assert callable(step)
            commit(engine, step)
            committed(engine)


def states() -> list[bytes]:
    """The state hash before the first step and after each commit, with a disk that works."""
    found: list[bytes] = []
    with_engine = open_engine(MemoryVfs())
    found.append(with_engine.store.state_hash())
    run(with_engine, lambda engine: found.append(engine.store.state_hash()))
    with_engine.close()
    return found


def run_until_failure(vfs: MemoryVfs, durability: str = "strict") -> tuple[int, BaseException | None]:
    """How many commits were acknowledged before the disk failed, and how it did."""
    done = 0

    def count(_: Engine) -> None:
        nonlocal done
        done += 1

    try:
        engine = open_engine(vfs, durability)
        run(engine, count)
        engine.close()
    except (Crashed, StorageError) as error:
        return done, error
    return done, None
