"""A script of some two hundred operations that uses everything storage has, the same for each seed.

Transactions of every kind, indexes made and dropped, deletes, bulk loads, checkpoints, folding, idle moments, clean
restarts, abandoned transactions. What an operation does depends on the seed and the graph alone.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import numpy as np

from memoradb.core.columns import ListColumn, lift
from memoradb.core.temporal import Date
from memoradb.core.values import Value
from memoradb.storage.engine import Engine
from memoradb.storage.vfs_memory import MemoryVfs
from memoradb.storage.view import Element, GraphWriter, IndexKind

sys.path.insert(0, str(Path(__file__).parent))

from workload import PATH, UUID, index

LENGTH: Final = 200
LABELS: Final = ("A", "B", "Note")
TYPES: Final = ("R", "S")
VALUES: Final[tuple[Value, ...]] = (0, 1, 2.5, "a", "some longer text", True, None, Date(5), 1 << 40)


def open_engine(vfs: MemoryVfs, durability: str = "strict") -> Engine:
    """The database on ``vfs``; nothing happens in the background."""
    return Engine.open(PATH, vfs=vfs, durability=durability, new_uuid=lambda: UUID, background=False)


class Script:
    """The operations, run one by one on an engine of a failing disk."""

    def __init__(self, vfs: MemoryVfs, seed: int = 0, length: int = LENGTH, durability: str = "strict") -> None:
        self.vfs = vfs
        self.seed = seed
        self.length = length
        self.durability = durability
        self.engine: Engine | None = None
        self.acknowledged = 0
        """Commits that the engine said are durable."""
        self.operations = 0

    def run(self, committed: Callable[[Engine], object] = lambda engine: None) -> None:
        """All of it, from opening to closing; ``committed`` is called after each commit."""
        engine = self.engine = open_engine(self.vfs, self.durability)
        for number in range(self.length):
            choice = random.Random(f"{self.seed}/{number}")
            self.operations += 1
            for work in self._operation(engine, choice, number):
                with engine.begin(exclusive=choice.random() < 0.5) as transaction:
                    work(transaction.view)
                    if transaction.commit().transaction is None:
                        continue
                self.acknowledged += 1
                committed(engine)
            if choice.random() < 0.02:
                engine.close()
                engine = self.engine = open_engine(self.vfs, self.durability)
        engine.close()

    def _operation(
        self, engine: Engine, choice: random.Random, number: int
    ) -> Iterator[Callable[[GraphWriter], object]]:
        """The transactions of one operation."""
        kind = choice.random()
        if number == 3:
            yield _indexes
        elif kind < 0.04:
            engine.checkpoint()
        elif kind < 0.07:
            engine.rest()
        elif kind < 0.09:
            engine.settle()
        elif kind < 0.12:
            with engine.begin() as abandoned:
                abandoned.view.create_nodes(3, ["A"], {})
        elif kind < 0.15:
            yield lambda view: _toggle_index(view)
        elif kind < 0.18:
            for part in range(3):
                yield lambda view, part=part: _bulk(view, choice, part)
        else:
            yield lambda view: _change(view, choice)


def _indexes(view: GraphWriter) -> None:
    view.create_index(index("b_unique", IndexKind.UNIQUE, "B", "key"))
    view.create_index(index("words", IndexKind.FULLTEXT, "Note", "text", analyzer="english"))
    view.create_index(index("near", IndexKind.VECTOR, "Note", "place", dimensions=2, similarity="cosine"))


def _toggle_index(view: GraphWriter) -> None:
    if not view.drop_index("a_p", if_exists=True):
        view.create_index(index("a_p", IndexKind.RANGE, "A", "p"))


def _bulk(view: GraphWriter, choice: random.Random, part: int) -> None:
    made = view.create_nodes(40, ["A"], {"n": lift([part * 40 + i for i in range(40)]), "s": lift(["bulk"] * 40)})
    ends = [np.array([choice.choice(made.tolist()) for _ in range(50)], np.int64) for _ in range(2)]
    view.create_relationships("R", ends[0], ends[1], {"w": lift(list(range(50)))})


def _change(view: GraphWriter, choice: random.Random) -> None:
    nodes = np.asarray(view.nodes().to_array(), np.int64)
    relationships = view.relationships()
    for _ in range(choice.choice((1, 1, 2, 4))):
        action = choice.randrange(9) if len(nodes) else 0
        some = _some(choice, nodes, 3)
        if action < 3:
            _create(view, choice)
        elif action < 5 and len(nodes):
            ends = np.array([[choice.choice(nodes.tolist()) for _ in range(3)] for _ in range(2)], np.int64)
            view.create_relationships(choice.choice(TYPES), ends[0], ends[1], {"w": lift([1, None, choice.random()])})
        elif action == 5:
            values = ListColumn([choice.choice(VALUES) for _ in some])
            view.set_property(Element.NODE, some, choice.choice(("p", "q")), values)
        elif action == 6:
            view.add_labels(some, [choice.choice(LABELS[::2])])
        elif action == 7:
            view.remove_labels(some, [choice.choice(LABELS)])
        elif choice.random() < 0.5 and len(relationships):
            view.delete_relationships(_some(choice, relationships, 2))
            return
        else:
            view.delete_nodes(some, detach=True)
            return


def _some(choice: random.Random, slots: np.ndarray, count: int) -> np.ndarray:
    return np.array(choice.sample(slots.tolist(), min(count, len(slots))), np.int64)


def _create(view: GraphWriter, choice: random.Random) -> None:
    label = choice.choice(LABELS)
    if label == "Note":
        texts = lift([choice.choice(("the cat sat", "a date is parsed", "nothing to see")) for _ in range(2)])
        places = ListColumn([[choice.random(), 1.0], None])
        view.create_nodes(2, ["Note"], {"text": texts, "place": places})
    elif label == "B":
        view.create_nodes(1, ["B"], {"key": lift([choice.randrange(1 << 40)])})
    else:
        view.create_nodes(2, ["A"], {"p": ListColumn([choice.choice(VALUES), choice.choice(VALUES)])})


def states(seed: int = 0, length: int = LENGTH) -> list[bytes]:
    """The state hash before the first commit and after each, with a disk that works."""
    vfs = MemoryVfs()
    engine = open_engine(vfs)
    found = [engine.store.state_hash()]
    engine.close()
    Script(MemoryVfs(), seed, length).run(lambda engine: found.append(engine.store.state_hash()))
    return found
