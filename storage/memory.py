"""How much memory the graph and the open transactions take, and the limit on it.

The graph is measured: every array, bitmap, dictionary and list that the store reaches, long ones of plain values by a
sample; arrays that a checkpoint maps are the file's pages, not counted, as the system takes them back when it needs
them. Between two measurements what commits add is estimated from their data. A transaction *takes* from the pool before
it keeps anything: what it wrote counts twice until it ends, since at commit the graph holds it as well. So a write that
does not fit fails in its statement, before anything is logged or applied, and a commit never fails for memory.

Deletes take nothing: a graph that is at its limit can be made smaller.
"""

from __future__ import annotations

import re
import sys
import threading
import types
import weakref
from collections import deque
from collections.abc import Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from memoradb.core.byte_sizes import parse_byte_size
from memoradb.core.columns import Column, ConstantColumn, TypedColumn
from memoradb.core.errors import ConfigurationError, MemoryLimitExceeded
from memoradb.core.regions import is_region
from memoradb.core.temporal_columns import TemporalColumn

if TYPE_CHECKING:
    from .store import GraphStore

NODE_BYTES: Final = 64
"""What a new node is taken to need, beside its properties."""
RELATIONSHIP_BYTES: Final = 64
"""What a new relationship is taken to need, beside its properties."""
PATCH_BYTES: Final = 150
"""What a changed value is taken to need: its place in the transaction's dictionary, and its undo."""
VALUE_BYTES: Final = 16
"""What a number, a boolean, a date or a null in a column is taken to need."""
SAMPLE: Final = 128
"""Values of a long column or container that are looked at."""

MEASURE_BYTES_MIN: Final = 16 << 20
MEASURE_FRACTION: Final = 1 / 16
"""The graph is measured anew when it is estimated to have grown by so much, and at least by so many bytes."""


DEFAULT_LIMIT: Final = "80%"
"""Of the machine's memory, or of what the container may use: the rest is for statements and for everybody else."""

_PERCENT: Final = re.compile(r"\s*(\d+(?:\.\d+)?)\s*%\s*", re.ASCII)


def parse_limit(limit: int | str | None, machine: int | None) -> int | None:
    """A limit in bytes, from a number of them, ``"4GB"``, ``"512MiB"`` or ``"80%"`` of ``machine``; None is none.

    Raises:
        ConfigurationError: it is no such thing.

    >>> parse_limit("512MiB", None), parse_limit("50%", 8_000_000_000)
    (536870912, 4000000000)
    """
    if limit is None or (type(limit) is int and limit > 0):
        return limit
    if isinstance(limit, str):
        percent = _PERCENT.fullmatch(limit)
        if percent is not None and 0 < float(percent[1]) <= 100:
            return None if machine is None else int(machine * float(percent[1]) / 100)
        size = parse_byte_size(limit) or parse_byte_size(f"{limit}B")
        if size:
            return size
    raise ConfigurationError(
        f"memory_limit is a number of bytes, not {limit!r}.", hint='Give 4_000_000_000, "4GB", "512MiB" or "80%".'
    )


class MemoryPool:
    """The memory of one database. Any number of threads."""

    def __init__(self, limit: int | None = None) -> None:
        self.limit = limit
        """Bytes that graph and transactions may take together; None: as many as there are."""
        self.transaction_bytes = 0
        """What open transactions have taken."""
        self._measured = 0
        self._grown = 0
        self._lock = threading.RLock()  # a share that is collected while it is held gives back in the same thread

    @property
    def graph_bytes(self) -> int:
        """What the graph takes: as measured, and what came since."""
        return self._measured + self._grown

    def metrics(self) -> dict[str, int | float]:
        """For ``Engine.metrics``."""
        return {
            "graph_bytes": self.graph_bytes,
            "transaction_bytes": self.transaction_bytes,
            "memory_limit_bytes": self.limit or 0,
        }

    def share(self) -> MemoryShare:
        """For one transaction; what it took is given back when it is dropped."""
        return MemoryShare(self)

    def take(self, size: int) -> None:
        """Account ``size`` bytes to a transaction; MemoryLimitExceeded where they are not there."""
        with self._lock:
            limit = self.limit
            if limit is not None and self._measured + self._grown + self.transaction_bytes + size > limit:
                raise MemoryLimitExceeded(
                    f"The write needs {size:,} bytes more, but graph and transactions may take {limit:,} bytes and "
                    f"take {self.graph_bytes + self.transaction_bytes:,}.",
                    limit="memory_limit",
                    value=limit,
                    hint="Nothing was changed. Write less in one transaction, delete what is not needed, or open the "
                    "database with a larger memory_limit.",
                )
            self.transaction_bytes += size

    def give_back(self, size: int) -> None:
        """The opposite of ``take``."""
        with self._lock:
            self.transaction_bytes -= size

    def committed(self, share: MemoryShare | None, store: GraphStore) -> None:
        """What a transaction wrote is the graph's now; by the writer. Measures the graph where that is due."""
        if share is None:
            return
        written, share.written = share.written, 0
        with self._lock:
            self._grown += written
            self.transaction_bytes -= 2 * written
        if self._grown > max(MEASURE_BYTES_MIN, self._measured * MEASURE_FRACTION):
            self.measure(store)

    def measure(self, store: GraphStore) -> None:
        """Count what the graph takes; by the writer, or before there is one."""
        found = reachable_bytes(store)
        with self._lock:
            self._measured, self._grown = found, 0


class MemoryShare:
    """What one transaction took of the pool."""

    def __init__(self, pool: MemoryPool) -> None:
        self._pool = pool
        self.written = 0
        """Bytes of what the transaction wrote, once."""

    def take(self, size: int) -> None:
        """For ``size`` bytes of data that are about to be written.

        Raises:
            MemoryLimitExceeded: they do not fit; nothing was taken.
        """
        self._pool.take(2 * size)
        self.written += size

    def take_elements(self, count: int, each: int, properties: Mapping[str, Column]) -> None:
        """For new elements and their properties."""
        size = count * each
        for column in properties.values():
            size += column_bytes(column)
        self._pool.take(2 * size)
        self.written += size

    def return_to(self, written: int) -> None:
        """Give back what was taken since ``written`` was so much: a statement was rolled back."""
        taken, self.written = 2 * (self.written - written), written
        self._pool.give_back(taken)

    def drop(self) -> None:
        """The transaction is over; a second time changes nothing."""
        taken, self.written = 2 * self.written, 0
        if taken:
            self._pool.give_back(taken)

    def __del__(self) -> None:
        self.drop()


def column_bytes(column: Column) -> int:
    """About what a column of properties takes in the graph."""
    if isinstance(column, ConstantColumn):
        value = column.value
        kind = value.__class__
        beside = 0 if kind is int else sys.getsizeof(value) if kind is str else _value_bytes(value)
        return column.length * VALUE_BYTES + beside
    count = len(column)
    if isinstance(column, (TypedColumn, TemporalColumn)):
        return count * VALUE_BYTES
    part = column
    if count > SAMPLE:
        part = column.take(np.linspace(0, count - 1, SAMPLE).astype(np.int64))
    found = sum(VALUE_BYTES + _value_bytes(value) for value in part.values())
    return found if part is column else found * count // SAMPLE


def _value_bytes(value: Any) -> int:
    """What a value takes beside its place in a column."""
    if isinstance(value, (list, tuple)):
        return sys.getsizeof(value) + sum(map(_value_bytes, value))
    if isinstance(value, dict):
        return sys.getsizeof(value) + sum(_value_bytes(k) + _value_bytes(v) for k, v in value.items())
    return 0 if value is None or isinstance(value, (int, float)) else sys.getsizeof(value)


_ATOMS: Final = (int, float, bool, str, bytes, type(None), range)
_FOREIGN: Final = (
    type, types.ModuleType, types.FunctionType, types.MethodType, types.BuiltinFunctionType, weakref.ref,
    weakref.WeakSet, memoryview, property,
)  # fmt: skip
"""Not of the graph, or not in memory: code, other owners' objects, mapped files."""


def reachable_bytes(root: object) -> int:
    """The bytes that ``root`` and all that it holds take.

    Long containers of plain values count by a sample of theirs. Nothing may change meanwhile.
    """
    total = 0
    seen: set[int] = set()
    waiting: list[Any] = [root]
    while waiting:
        item = waiting.pop()
        if isinstance(item, _FOREIGN) or id(item) in seen:
            continue
        seen.add(id(item))
        if isinstance(item, np.ndarray):
            owner = _owner(item)
            if owner is item:
                total += item.nbytes
            elif isinstance(owner, np.ndarray):
                waiting.append(owner)
            elif id(owner) not in seen:
                seen.add(id(owner))
                # A region of ours can be written to, a file's map cannot. What was reserved and not used is no memory.
                total += item.nbytes if is_region(item) else 0
        elif isinstance(item, BitMap):
            held = item.get_statistics()
            total += 64 + held["n_bytes_array_containers"] + held["n_bytes_run_containers"]
            total += held["n_bytes_bitset_containers"]
        elif isinstance(item, (dict, list, tuple, set, frozenset, deque)):
            total += sys.getsizeof(item) + _contents(item, waiting)
        elif isinstance(item, _ATOMS):
            total += sys.getsizeof(item)
        else:
            total += sys.getsizeof(item)
            waiting.extend(_attributes(item))
    return total


def _owner(array: NDArray[Any]) -> Any:
    """What an array's bytes belong to: an array, a map of a file or of memory, or other bytes."""
    owner: Any = array
    while isinstance(owner, np.ndarray) and owner.base is not None:
        owner = owner.base
    return owner.obj if isinstance(owner, memoryview) else owner


def _contents(container: Any, waiting: list[Any]) -> int:
    """Bytes of a long container's plain items by a sample; the others are put to what waits."""
    count = len(container)
    items = container.items() if isinstance(container, dict) else container
    sample: list[Any] = list(islice(items, SAMPLE))
    flat: list[Any] = [part for item in sample for part in item] if isinstance(container, dict) else sample
    if count > SAMPLE and all(_is_plain(part) for part in flat):
        return sum(_plain_bytes(part) for part in flat) * count // SAMPLE
    waiting.extend(flat)
    for item in islice(items, SAMPLE, None):
        waiting.extend(item) if isinstance(container, dict) else waiting.append(item)
    return 0


def _is_plain(value: object) -> bool:
    if isinstance(value, (tuple, list)):
        return len(value) <= 8 and all(map(_is_plain, value))
    return isinstance(value, _ATOMS) or not hasattr(value, "__dict__")


def _plain_bytes(value: Any) -> int:
    size = sys.getsizeof(value)
    if isinstance(value, (tuple, list)):
        parts: list[Any] = list(value)
        return size + sum(map(_plain_bytes, parts))
    return 0 if type(value) is int and -5 <= value <= 256 else size


def _attributes(item: Any) -> list[Any]:
    found: list[Any] = list(getattr(item, "__dict__", {}).values())
    for kind in type(item).__mro__:
        slots = kind.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if name not in ("__weakref__", "__dict__") and hasattr(item, name):
                found.append(getattr(item, name))
    return found
