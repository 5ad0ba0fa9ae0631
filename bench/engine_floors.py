"""Hand-written numpy for the questions that ``../shared/bench/peers/floor.py`` does not answer.

Not a database: arrays made for these very questions, without transactions, nulls, plans or texts. What an engine takes
above it is the price of being one.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
from engine_workload import Parameters, Rows
from peers import floor  # pyright: ignore[reportMissingImports]

CHUNK = 1 << 16
"""Rows of an expansion at a time: they stay in the cache."""


class Floor(floor.Engine):
    """Columns and compressed rows, mapped; what is written stays beside them in memory."""

    def load(self, data: str) -> None:
        import pyarrow.parquet as parquet  # pyright: ignore[reportMissingImports]

        super().load(data)
        names = parquet.read_table(f"{data}/nodes/persons.parquet", columns=["name"])["name"].to_pylist()
        words = sorted(set(names))
        codes = {word: code for code, word in enumerate(words)}
        np.save(f"{self.path}/words.npy", np.array(words))
        # Person 0 is nobody.
        np.save(f"{self.path}/name_code.npy", np.array([0, *map(codes.__getitem__, names)], np.int32))

    def open(self) -> None:
        super().open()
        self.strings: list[str] | None = None
        self.slots: dict[int, int] | None = None
        self.new: dict[str, list[Any]] = {"id": [], "name": [], "gender": [], "age": []}
        self.new_edges: list[tuple[Any, Any]] = []

    def close(self) -> None:
        """Nothing is kept."""

    def ready(self, operation: str, values: Parameters, fresh: bool) -> tuple[str, Parameters, bool]:
        return operation, values, fresh

    def plain(self, rows: Rows) -> Rows:
        return rows

    def _words(self) -> list[str]:
        if self.strings is None:
            self.strings = self.words.tolist()
        return self.strings

    # --- two hops

    def op_two_hop(self) -> Rows:
        return self.op_q8()

    def op_two_hop_ends(self, young: int, old: int) -> Rows:
        into = _sums(self.iptr, self.age.take(self.isrc) < young)
        out = _sums(self.optr, self.age.take(self.odst) > old)
        return [(int(np.dot(into, out)),)]

    def op_two_hop_grouped(self) -> Rows:
        ways = _sums(self.iptr, np.diff(self.iptr).take(self.isrc))
        top = np.argpartition(-ways, 20)[:20].tolist()
        return sorted(((v, int(ways[v])) for v in top), key=lambda row: (-row[1], row[0]))[:10]

    def op_two_hop_flat(self) -> Rows:
        far, degrees = self.age.take(self.odst), np.diff(self.optr)
        first_age = np.repeat(self.age, degrees[: len(self.age)])
        starts, lengths = self.optr.take(self.odst).astype(np.int32), degrees.take(self.odst)
        ends = np.cumsum(lengths)
        count = begin = 0
        while begin < len(ends):
            done = int(ends[begin - 1]) if begin else 0
            stop = max(begin + 1, int(np.searchsorted(ends, done + CHUNK, "right")))
            n = lengths[begin:stop]
            shift = starts[begin:stop] - (ends[begin:stop] - n - done).astype(np.int32)
            edges = np.repeat(shift, n)
            edges += np.arange(len(edges), dtype=np.int32)
            count += int(np.count_nonzero(np.repeat(first_age[begin:stop], n) < far.take(edges)))
            begin = stop
        return [(count,)]

    # --- paths

    def op_paths13(self, id: int) -> Rows:
        found: Rows = []
        # A path is its nodes and the places of its relationships in ``odst``.
        nodes, edges = np.array([[id]]), np.zeros((1, 0), np.int64)
        for _ in range(3):
            ends = nodes[:, -1]
            start = self.optr.take(ends)
            n = self.optr.take(ends + 1) - start
            total = np.cumsum(n)
            edge = np.repeat(start - (total - n), n) + np.arange(total[-1] if len(total) else 0)
            owner = np.repeat(np.arange(len(nodes)), n)
            kept = ~(edges.take(owner, axis=0) == edge[:, None]).any(axis=1)
            owner, edge = owner.compress(kept), edge.compress(kept)
            nodes = np.concatenate([nodes.take(owner, axis=0), self.odst.take(edge)[:, None]], axis=1)
            edges = np.concatenate([edges.take(owner, axis=0), edge[:, None]], axis=1)
            found += [(path,) for path in map(tuple, nodes.tolist())]
        return found

    # --- scans

    def op_scan(self, age: int) -> Rows:
        ages = self.age[1:]
        ages = ages.compress(ages > age)
        return [(len(ages), float(ages.mean()))]

    def op_contains(self, part: str) -> Rows:
        hits = np.fromiter((part in word for word in self._words()), np.bool_)
        return [(int(np.count_nonzero(hits.take(self.name_code[1:]))),)]

    def op_top(self) -> Rows:
        # Codes are in the order of the strings.
        keys = (100 - self.age[1:].astype(np.int32)) * len(self.words) + self.name_code[1:]
        first = np.argpartition(keys, 10)[:10]
        first = first.take(np.argsort(keys.take(first))) + 1
        words = self._words()
        return [(int(self.age[v]), words[self.name_code[v]]) for v in first.tolist()]

    def op_group_by_name(self) -> Rows:
        counts = np.bincount(self.name_code[1:])
        keys = -counts * len(counts) + np.arange(len(counts))
        first = np.argpartition(keys, 10)[:10]
        first = first.take(np.argsort(keys.take(first)))
        words = self._words()
        return [(words[code], int(counts[code])) for code in first.tolist()]

    def op_columns(self) -> Rows:
        names = map(self._words().__getitem__, self.name_code[1:].tolist())
        return list(zip(range(1, len(self.age)), names, self.age[1:].tolist(), strict=True))

    # --- by key

    def op_one_match(self, rows: list[Parameters]) -> Rows:
        pairs = [np.fromiter(map(operator.itemgetter(side), rows), np.int64, len(rows)) for side in "ab"]
        known = [side[(side > 0) & (side < len(self.age))] for side in pairs]
        return [(len(known[0]), sum(int(self.age.take(side).sum(dtype=np.int64)) for side in known))]

    op_two_matches = op_one_match

    # --- writes

    def _slot_of(self) -> dict[int, int]:
        if self.slots is None:
            self.slots = {i: i for i in range(1, len(self.age))}
            self.age = np.array(self.age)
        return self.slots

    def op_batch_nodes(self, rows: list[Parameters]) -> Rows:
        slots = self._slot_of()
        top = len(slots) + 1
        ids = list(map(operator.itemgetter("id"), rows))
        slots.update(zip(ids, range(top, top + len(ids)), strict=True))
        for key, column in self.new.items():
            column += map(operator.itemgetter(key), rows)
        ages = np.fromiter(map(operator.itemgetter("age"), rows), np.int8, len(rows))
        self.age = np.concatenate([self.age, ages])
        return []

    def op_batch_edges(self, rows: list[Parameters]) -> Rows:
        find = self._slot_of().__getitem__
        ends = (np.fromiter((find(row[side]) for row in rows), np.int32, len(rows)) for side in "ab")
        self.new_edges.append(tuple(ends))  # pyright: ignore[reportArgumentType]
        return []

    def op_update1k(self, rows: list[Parameters]) -> Rows:
        find = self._slot_of().__getitem__
        slots = np.fromiter((find(row["id"]) for row in rows), np.int64, len(rows))
        self.age[slots] = np.fromiter(map(operator.itemgetter("age"), rows), np.int8, len(rows))
        return []

    def op_count_persons(self) -> Rows:
        return [(len(self.age) - 1,)]

    def op_count_follows(self) -> Rows:
        return [(len(self.odst) + sum(len(ends[0]) for ends in self.new_edges),)]

    def op_sum_age(self) -> Rows:
        return [(int(self.age[1:].sum(dtype=np.int64)),)]


def _sums(offsets: Any, values: Any) -> Any:
    """By row the sum of its values."""
    running = np.zeros(len(values) + 1, np.int64)
    np.cumsum(values, out=running[1:])
    return np.diff(running.take(offsets))
