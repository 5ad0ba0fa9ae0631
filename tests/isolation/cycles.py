"""Is a history of transactions over append-only lists serializable? Cycles of dependencies say where it is not.

Every value is appended once, so that a list that was read tells in which order its values were written, and by whom
(Kingsbury and Alvaro, "Elle", 2020). From that follow the dependencies of Adya's thesis: who overwrote whose value
(ww), who read it (wr), who read a list before somebody appended to it (rw), and, for strict serializability, who had
ended before another began (rt). Transactions on a cycle have no order in which they could have run one by one.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["ww", "wr", "rw", "rt"]


@dataclass(frozen=True)
class Append:
    key: int
    value: int


@dataclass(frozen=True)
class Read:
    key: int
    values: tuple[int, ...]


@dataclass
class Executed:
    """One transaction as its client saw it; ``began`` and ``ended`` by a clock that all clients share."""

    operations: Sequence[Append | Read]
    began: int = 0
    ended: int = 0
    committed: bool = True


@dataclass
class Anomalies:
    """What was found, by Adya's names."""

    found: dict[str, list[object]] = field(default_factory=lambda: defaultdict(list))

    def add(self, name: str, what: object) -> None:
        self.found[name].append(what)

    @property
    def names(self) -> set[str]:
        return set(self.found)


def anomalies(history: Sequence[Executed], real_time: bool = True) -> Anomalies:
    """All that is wrong with ``history``.

    ``internal``: a transaction contradicts itself; ``duplicate``: a value is in a list twice; ``incompatible order``:
    two reads of a key that no one order of appends explains; G1a: read from one that was aborted; G1b: read a value
    that its writer overwrote itself; G0, G1c, G-single, G2: cycles, see ``_cycles``.
    """
    result = Anomalies()
    committed = [number for number, t in enumerate(history) if t.committed]
    writer = {op.value: n for n, t in enumerate(history) for op in t.operations if isinstance(op, Append)}
    for number in committed:
        _check_internal(number, history[number], result)
    reads = [(n, op) for n in committed for op in _first_reads(history[n])]
    _check_reads(history, reads, writer, result)
    order = _version_orders(reads, result)
    if "incompatible order" in result.found:
        return result
    edges = _edges(history, committed, reads, writer, order)
    if real_time:
        edges["rt"] = _real_time(history, committed)
    _cycles(len(history), edges, result)
    return result


def _first_reads(transaction: Executed) -> Iterable[Read]:
    """Reads of what others wrote: those before the transaction's own first append to the key."""
    appended: set[int] = set()
    for operation in transaction.operations:
        if isinstance(operation, Append):
            appended.add(operation.key)
        elif operation.key not in appended:
            yield operation


def _check_internal(number: int, transaction: Executed, result: Anomalies) -> None:
    """What was read before, and own appends since, must be at the end of what is read."""
    whole: dict[int, tuple[int, ...]] = {}
    tails: dict[int, tuple[int, ...]] = defaultdict(tuple)
    for operation in transaction.operations:
        key = operation.key
        if isinstance(operation, Append):
            tails[key] += (operation.value,)
            continue
        tail = tails.pop(key, ())
        expected = (*whole[key], *tail) if key in whole else (*operation.values[: -len(tail) or None], *tail)
        if operation.values != expected:
            result.add("internal", (number, operation))
        whole[key] = operation.values


def _check_reads(
    history: Sequence[Executed], reads: Sequence[tuple[int, Read]], writer: dict[int, int], result: Anomalies
) -> None:
    for number, read in reads:
        if len(set(read.values)) < len(read.values):
            result.add("duplicate", (number, read))
        for value in read.values:
            if value not in writer or not history[writer[value]].committed:
                result.add("G1a", (number, value))
        if read.values and read.values[-1] in writer:
            last = writer[read.values[-1]]
            own = [op.value for op in history[last].operations if isinstance(op, Append) and op.key == read.key]
            if last != number and own[-1] != read.values[-1]:
                result.add("G1b", (number, read))


def _version_orders(reads: Sequence[tuple[int, Read]], result: Anomalies) -> dict[int, tuple[int, ...]]:
    """By key the longest list that was read, of which every other read is a beginning."""
    longest: dict[int, tuple[int, ...]] = {}
    for _, read in reads:
        if len(read.values) > len(longest.get(read.key, ())):
            longest[read.key] = read.values
    for number, read in reads:
        if longest.get(read.key, ())[: len(read.values)] != read.values:
            result.add("incompatible order", (number, read))
    return longest


def _edges(
    history: Sequence[Executed],
    committed: Collection[int],
    reads: Sequence[tuple[int, Read]],
    writer: dict[int, int],
    order: dict[int, tuple[int, ...]],
) -> dict[Kind, set[tuple[int, int]]]:
    edges: dict[Kind, set[tuple[int, int]]] = {"ww": set(), "wr": set(), "rw": set(), "rt": set()}
    unread: dict[int, set[int]] = defaultdict(set)
    """By key the writers of committed values that nobody read: they came after all that was read."""
    seen = {value for values in order.values() for value in values}
    for number in committed:
        for op in history[number].operations:
            if isinstance(op, Append) and op.value not in seen:
                unread[op.key].add(number)
    for key, values in order.items():
        writers = [writer[v] for v in values if v in writer]
        edges["ww"] |= {(a, b) for a, b in itertools.pairwise(writers) if a != b}
        if writers:
            edges["ww"] |= {(writers[-1], late) for late in unread[key] if late != writers[-1]}
    for number, read in reads:
        if read.values and read.values[-1] in writer and writer[read.values[-1]] != number:
            edges["wr"].add((writer[read.values[-1]], number))
        known = order.get(read.key, ())
        later = [writer[v] for v in known[len(read.values) :] if v in writer]
        following = {later[0]} if later else unread[read.key]
        edges["rw"] |= {(number, other) for other in following if other != number}
    return edges


def _real_time(history: Sequence[Executed], committed: Sequence[int]) -> set[tuple[int, int]]:
    return {(a, b) for a in committed for b in committed if history[a].ended < history[b].began}


def _cycles(count: int, edges: dict[Kind, set[tuple[int, int]]], result: Anomalies) -> None:
    """G0: writes alone; G1c: writes and reads of them; G-single: one anti-dependency; G2: several.

    With ``-realtime`` where a cycle only closes by who had ended before another began.
    """
    for suffix, more in (("", set()), ("-realtime", edges["rt"])):
        plain = edges["ww"] | edges["wr"]
        for name, kind in (("G0", edges["ww"]), ("G1c", plain)):
            if any(len(part) > 1 for part in _components(count, kind | more)):
                result.add(name + suffix, "cycle")
                return
        every = plain | edges["rw"] | more
        cyclic = [part for part in _components(count, every) if len(part) > 1]
        if cyclic:
            forward = _reachable(count, plain | more)
            single = any(a in forward[b] for a, b in edges["rw"])
            result.add(("G-single" if single else "G2") + suffix, cyclic)
            return


def _neighbours(count: int, edges: Iterable[tuple[int, int]]) -> list[list[int]]:
    found: list[list[int]] = [[] for _ in range(count)]
    for a, b in edges:
        found[a].append(b)
    return found


def _reachable(count: int, edges: Iterable[tuple[int, int]]) -> list[set[int]]:
    after = _neighbours(count, edges)
    found: list[set[int]] = []
    for start in range(count):
        seen, waiting = {start}, [start]
        while waiting:
            fresh = [n for n in after[waiting.pop()] if n not in seen]
            seen.update(fresh)
            waiting += fresh
        found.append(seen)
    return found


def _components(count: int, edges: Iterable[tuple[int, int]]) -> list[list[int]]:
    """Strongly connected components (Tarjan 1972), without recursion."""
    after = _neighbours(count, edges)
    index: dict[int, int] = {}
    low: dict[int, int] = {}
    stack: list[int] = []
    on_stack: set[int] = set()
    parts: list[list[int]] = []
    for root in range(count):
        if root in index:
            continue
        work = [(root, iter(after[root]))]
        index[root] = low[root] = len(index)
        stack.append(root)
        on_stack.add(root)
        while work:
            node, children = work[-1]
            for child in children:
                if child not in index:
                    index[child] = low[child] = len(index)
                    stack.append(child)
                    on_stack.add(child)
                    work.append((child, iter(after[child])))
                    break
                if child in on_stack:
                    low[node] = min(low[node], index[child])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == index[node]:
                    part: list[int] = []
                    while not part or part[-1] != node:
                        part.append(stack.pop())
                        on_stack.discard(part[-1])
                    parts.append(part)
    return parts
