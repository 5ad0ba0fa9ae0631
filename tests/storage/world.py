"""An engine and plain dictionaries that are changed together: for tests that compare the two after anything."""

from __future__ import annotations

import random

import numpy as np
from graph_model import KEYS, LABELS, TYPES, Model, Node, Relationship, check
from workload import index, open_engine

from memoradb.core.columns import lift
from memoradb.core.temporal import Date
from memoradb.core.values import Value
from memoradb.storage.engine import Engine
from memoradb.storage.snapshot import Snapshot
from memoradb.storage.vfs_memory import MemoryVfs
from memoradb.storage.view import Element, GraphWriter, IndexKind

VALUES: tuple[Value, ...] = (0, 1, 1.0, 2.5, -3, "a", "ab", "b", True, None, [1], Date(5), float("nan"), 1 << 40)


class World:
    """An engine and its model, changed together by a seeded choice."""

    def __init__(self, seed: int) -> None:
        self.choice = random.Random(seed)
        self.vfs = MemoryVfs(seed)
        self.engine: Engine = open_engine(self.vfs)
        self.model = Model()
        self.kept: list[tuple[Snapshot, Model]] = []
        """Snapshots that were taken on the way, and what they must show for as long as they are held."""
        self.under_way: Model | None = None
        """What the model is where the commit that is under way succeeds."""
        self.past: list[tuple[int, bytes, Model]] = []
        """Position, state hash and model after each commit."""

    # --- one transaction

    def transact(self) -> None:
        choice = self.choice
        model = self.model.copy()
        with self.engine.begin(exclusive=choice.random() < 0.7) as transaction:
            view = transaction.view
            for _ in range(choice.randrange(1, 5)):
                if choice.random() < 0.15:
                    mark, before = view.savepoint(), model.copy()
                    self.change(view, model)
                    self.change(view, model)
                    view.rollback_to(mark)
                    model = before
                else:
                    self.change(view, model)
                if choice.random() < 0.2:
                    check(view, model)
            if choice.random() < 0.15:
                return
            self.under_way = model
            transaction.commit()
        self.model, self.under_way = model, None
        self.past.append((self.engine.position, self.engine.store.state_hash(), model.copy()))

    def pick(self, view: GraphWriter, element: Element, ids: list[int], count: int) -> tuple[list[int], np.ndarray]:
        chosen = self.choice.sample(ids, min(count, len(ids)))
        return chosen, view.slots_of_ids(element, np.array(chosen, np.int64))

    def change(self, view: GraphWriter, model: Model) -> None:
        action = self.choice.choice(
            (self.create, self.create, self.connect, self.set, self.set, self.label, self.delete)
        )
        action(view, model)

    def create(self, view: GraphWriter, model: Model) -> None:
        choice = self.choice
        count = choice.choice((1, 1, 2, 5, 70))
        labels = choice.sample(LABELS, choice.randrange(3))
        keys = choice.sample(KEYS, choice.randrange(3))
        pool = choice.choice(((0, 1, 7, None), ("a", "ab", None), (1.5, 2.5), VALUES))
        columns: dict[str, list[Value]] = {key: [choice.choice(pool) for _ in range(count)] for key in keys}
        made = view.create_nodes(count, labels, {key: lift(items) for key, items in columns.items()})
        for i, identity in enumerate(view.ids(Element.NODE, made).tolist()):
            properties = {key: items[i] for key, items in columns.items() if items[i] is not None}
            model.nodes[identity] = Node(set(labels), properties)

    def connect(self, view: GraphWriter, model: Model) -> None:
        choice = self.choice
        count = choice.choice((1, 2, 30))
        if not model.nodes:
            return
        nodes = sorted(model.nodes)
        ends = [[choice.choice(nodes) for _ in range(count)] for _ in range(2)]
        sources, targets = (view.slots_of_ids(Element.NODE, np.array(e, np.int64)) for e in ends)
        weights: list[Value] = [choice.choice((1, 2, None)) for _ in range(count)]
        type = choice.choice(TYPES)
        made = view.create_relationships(type, sources, targets, {"p": lift(weights)})
        for i, identity in enumerate(view.ids(Element.RELATIONSHIP, made).tolist()):
            properties = {} if weights[i] is None else {"p": weights[i]}
            model.relationships[identity] = Relationship(type, ends[0][i], ends[1][i], properties)

    def set(self, view: GraphWriter, model: Model) -> None:
        choice = self.choice
        element = choice.choice(tuple(Element))
        table = model.nodes if element is Element.NODE else model.relationships
        ids, slots = self.pick(view, element, sorted(table), choice.choice((1, 2, 20)))
        key = choice.choice(KEYS)
        values = [choice.choice(VALUES) for _ in ids]
        if not ids:
            return
        view.set_property(element, slots, key, lift(values))
        for identity, value in zip(ids, values, strict=True):
            table[identity].properties.pop(key, None)
            if value is not None:
                table[identity].properties[key] = value

    def label(self, view: GraphWriter, model: Model) -> None:
        ids, slots = self.pick(view, Element.NODE, sorted(model.nodes), self.choice.choice((1, 3)))
        labels = set(self.choice.sample(LABELS, self.choice.randrange(1, 3)))
        if self.choice.random() < 0.5:
            view.add_labels(slots, sorted(labels))
            for identity in ids:
                model.nodes[identity].labels |= labels
        else:
            view.remove_labels(slots, sorted(labels))
            for identity in ids:
                model.nodes[identity].labels -= labels

    def delete(self, view: GraphWriter, model: Model) -> None:
        if self.choice.random() < 0.5:
            ids, slots = self.pick(view, Element.RELATIONSHIP, sorted(model.relationships), 2)
            view.delete_relationships(slots)
            for identity in ids:
                del model.relationships[identity]
        else:
            ids, slots = self.pick(view, Element.NODE, sorted(model.nodes), self.choice.choice((1, 2)))
            view.delete_nodes(slots, detach=True)
            for identity in ids:
                del model.nodes[identity]
            dangling = [i for i, r in model.relationships.items() if {r.source, r.target} & set(ids)]
            for identity in dangling:
                del model.relationships[identity]

    # --- between transactions

    def disturb(self) -> None:
        choice, engine = self.choice, self.engine
        match choice.randrange(8):
            case 0:
                engine.settle()
            case 1:
                engine.checkpoint()
            case 2:
                self.kept.append((engine.snapshot(), self.model.copy()))
            case 3:
                self.kept = self.kept[1:]
            case 4:
                engine.store._prune_due = 0
            case 5:
                self.toggle_index()
            case 6:
                self.reopen(clean=choice.random() < 0.5)

    def toggle_index(self) -> None:
        label, key = self.choice.choice(LABELS), self.choice.choice(KEYS[:2])
        name = f"{label}_{key}"
        with self.engine.begin() as transaction:
            if not transaction.view.drop_index(name, if_exists=True):
                transaction.view.create_index(index(name, IndexKind.RANGE, label, key))
            transaction.commit()

    def reopen(self, clean: bool) -> None:
        state = self.engine.store.state_hash()
        if clean:
            self.engine.close()
        else:
            self.vfs = self.vfs.crash()
        self.kept = []
        self.engine = open_engine(self.vfs)
        assert self.engine.store.state_hash() == state

    def check(self) -> None:
        check(self.engine.snapshot(), self.model)
        for snapshot, model in self.kept:
            check(snapshot, model)
