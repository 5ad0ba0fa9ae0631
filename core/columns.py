"""Columns: the values of one variable over the rows of a batch, in one of a few physical forms.

A *list column* holds any Python values and is what the scalar semantics in ``core.semantics`` runs on: the law. The
other forms are accelerations that kernels may recognise; whatever they do not recognise they ask for ``values()``.
The one for dates and times is in ``core.temporal_columns``; durations stay lists, for no integers order them.
Which form a column has is a fact about this batch, never a promise of the query. Columns are immutable by
convention: nobody writes into another's arrays.

Null is ``None`` in Python values; typed forms have a mask that is True where the value is null, or None where no
value is.
"""

# A value narrowed by its type keeps unknown parts (lists of any values): strictness about those has no use here.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

import itertools
from collections.abc import Sequence
from enum import IntEnum
from typing import Any, Final, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .temporal_columns import KINDS, TemporalColumn, concat_temporal, temporal_column
from .values import NodeRef, PathRef, RelationshipRef, Value

IntArray: TypeAlias = NDArray[np.int64]
BoolArray: TypeAlias = NDArray[np.bool_]
FloatArray: TypeAlias = NDArray[np.float64]


class Kind(IntEnum):
    """The element type of a typed column, with the numpy type of its data."""

    BOOLEAN = 0  # bool
    INTEGER = 1  # int64
    FLOAT = 2  # float64
    NODE = 3  # int64, slots
    RELATIONSHIP = 4  # int64, slots


class Column(Protocol):
    """What every form of column can do. Positions are int64."""

    def __len__(self) -> int: ...

    def item(self, position: int) -> Value:
        """The value at one position."""
        ...

    def values(self) -> list[Value]:
        """All values as Python objects, ``None`` for null. The caller may not change the list."""
        ...

    def take(self, positions: IntArray) -> Column:
        """The values at ``positions``, in that order."""
        ...

    def slice(self, start: int, stop: int) -> Column:
        """A view of a range."""
        ...

    def nulls(self) -> BoolArray | None:
        """True where null; None where nothing is."""
        ...


class ListColumn:
    """Any values."""

    __slots__ = ("items",)

    def __init__(self, items: list[Value]) -> None:
        self.items = items

    def __len__(self) -> int:
        return len(self.items)

    def __repr__(self) -> str:
        return f"ListColumn({self.items!r})"

    def item(self, position: int) -> Value:
        return self.items[position]

    def values(self) -> list[Value]:
        return self.items

    def take(self, positions: IntArray) -> Column:
        items = self.items
        return ListColumn([items[i] for i in positions.tolist()])

    def slice(self, start: int, stop: int) -> Column:
        return ListColumn(self.items[start:stop])

    def nulls(self) -> BoolArray | None:
        mask = np.fromiter((v is None for v in self.items), np.bool_, len(self.items))
        return mask if mask.any() else None


class ConstantColumn:
    """One value, the same on every row: literals and parameters."""

    __slots__ = ("length", "value")

    def __init__(self, value: Value, length: int) -> None:
        self.value = value
        self.length = length

    def __len__(self) -> int:
        return self.length

    def __repr__(self) -> str:
        return f"ConstantColumn({self.value!r}, {self.length})"

    def item(self, position: int) -> Value:
        return self.value

    def values(self) -> list[Value]:
        return [self.value] * self.length

    def take(self, positions: IntArray) -> Column:
        return ConstantColumn(self.value, len(positions))

    def slice(self, start: int, stop: int) -> Column:
        return ConstantColumn(self.value, max(0, min(stop, self.length) - start))

    def nulls(self) -> BoolArray | None:
        return np.ones(self.length, np.bool_) if self.value is None and self.length else None


class TypedColumn:
    """Numbers, booleans, node and relationship slots in one array; ``mask`` is True where null."""

    __slots__ = ("data", "kind", "mask")

    def __init__(self, kind: Kind, data: NDArray[Any], mask: BoolArray | None = None) -> None:
        self.kind = kind
        self.data = data
        self.mask = mask

    def __len__(self) -> int:
        return len(self.data)

    def __repr__(self) -> str:
        return f"TypedColumn({self.kind.name}, {self.values()!r})"

    def item(self, position: int) -> Value:
        if self.mask is not None and self.mask[position]:
            return None
        value = self.data[position].item()
        if self.kind == Kind.NODE:
            return NodeRef(value)
        if self.kind == Kind.RELATIONSHIP:
            return RelationshipRef(value)
        return value

    def values(self) -> list[Value]:
        items: list[Value] = self.data.tolist()
        if self.kind == Kind.NODE:
            items = [NodeRef(i) for i in items]
        elif self.kind == Kind.RELATIONSHIP:
            items = [RelationshipRef(i) for i in items]
        if self.mask is not None:
            for i in np.flatnonzero(self.mask).tolist():
                items[i] = None
        return items

    def take(self, positions: IntArray) -> Column:
        mask = None if self.mask is None else self.mask.take(positions)
        return TypedColumn(self.kind, self.data.take(positions), mask)

    def slice(self, start: int, stop: int) -> Column:
        mask = None if self.mask is None else self.mask[start:stop]
        return TypedColumn(self.kind, self.data[start:stop], mask)

    def nulls(self) -> BoolArray | None:
        return self.mask


class Dictionary(Protocol):
    """The distinct strings of a dictionary-coded column. Codes are dense and never change; order is not by value."""

    def __len__(self) -> int: ...

    def string(self, code: int) -> str:
        """The string of one code."""
        ...

    def strings(self) -> Sequence[str]:
        """All strings, by code."""
        ...

    def code(self, string: str) -> int:
        """The code of ``string``, -1 where it has none."""
        ...

    def ranks(self) -> IntArray:
        """By code: the place of its string in sorted order (by code point)."""
        ...


class StringColumn:
    """Strings as int32 codes into a dictionary; -1 is null."""

    __slots__ = ("codes", "dictionary")

    def __init__(self, codes: NDArray[np.int32], dictionary: Dictionary) -> None:
        self.codes = codes
        self.dictionary = dictionary

    def __len__(self) -> int:
        return len(self.codes)

    def __repr__(self) -> str:
        return f"StringColumn({self.values()!r})"

    def item(self, position: int) -> Value:
        code = int(self.codes[position])
        return None if code < 0 else self.dictionary.string(code)

    def values(self) -> list[Value]:
        strings, codes = self.dictionary.strings(), self.codes.tolist()
        if isinstance(strings, list):
            return [None if c < 0 else strings[c] for c in codes]
        # Each is decoded when it is asked for: once, and those next to one another in a row.
        decoded: dict[int, Value] = {c: strings[c] for c in sorted(set(codes)) if c >= 0}
        return list(map(decoded.get, codes))

    def take(self, positions: IntArray) -> Column:
        return StringColumn(self.codes.take(positions), self.dictionary)

    def slice(self, start: int, stop: int) -> Column:
        return StringColumn(self.codes[start:stop], self.dictionary)

    def nulls(self) -> BoolArray | None:
        mask = self.codes < 0
        return mask if mask.any() else None


class RaggedColumn:
    """Lists: row i is ``child[offsets[i]:offsets[i+1]]``; ``mask`` is True where the list itself is null."""

    __slots__ = ("child", "mask", "offsets")

    def __init__(self, offsets: IntArray, child: Column, mask: BoolArray | None = None) -> None:
        self.offsets = offsets
        self.child = child
        self.mask = mask

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __repr__(self) -> str:
        return f"RaggedColumn({self.values()!r})"

    def item(self, position: int) -> Value:
        if self.mask is not None and self.mask[position]:
            return None
        start, stop = int(self.offsets[position]), int(self.offsets[position + 1])
        return list(self.child.slice(start, stop).values())

    def values(self) -> list[Value]:
        items = self.child.values()
        bounds = self.offsets.tolist()
        lists: list[Value] = [items[a:b] for a, b in itertools.pairwise(bounds)]
        if self.mask is not None:
            for i in np.flatnonzero(self.mask).tolist():
                lists[i] = None
        return lists

    def take(self, positions: IntArray) -> Column:
        offsets, inner = ragged_positions(self.offsets, positions)
        mask = None if self.mask is None else self.mask.take(positions)
        return RaggedColumn(offsets, self.child.take(inner), mask)

    def slice(self, start: int, stop: int) -> Column:
        offsets = self.offsets[start : stop + 1]
        child = self.child.slice(int(offsets[0]), int(offsets[-1])) if len(offsets) else self.child
        mask = None if self.mask is None else self.mask[start:stop]
        return RaggedColumn(offsets - offsets[0], child, mask)

    def nulls(self) -> BoolArray | None:
        return self.mask


class PathColumn:
    """Paths: row i has relationships ``relationships[offsets[i]:offsets[i+1]]`` and one node more than that.

    ``nodes`` of row i start at ``offsets[i] + i``. Both arrays hold slots, int64.
    """

    __slots__ = ("mask", "nodes", "offsets", "relationships")

    def __init__(
        self,
        offsets: IntArray,
        nodes: IntArray,
        relationships: IntArray,
        mask: BoolArray | None = None,
    ) -> None:
        self.offsets = offsets
        self.nodes = nodes
        self.relationships = relationships
        self.mask = mask

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __repr__(self) -> str:
        return f"PathColumn({self.values()!r})"

    def item(self, position: int) -> Value:
        if self.mask is not None and self.mask[position]:
            return None
        a, b = int(self.offsets[position]), int(self.offsets[position + 1])
        nodes = self.nodes[a + position : b + position + 1].tolist()
        return PathRef(tuple(nodes), tuple(self.relationships[a:b].tolist()))

    def values(self) -> list[Value]:
        nodes, relationships = self.nodes.tolist(), self.relationships.tolist()
        bounds = self.offsets.tolist()
        paths: list[Value] = [
            PathRef(tuple(nodes[a + i : b + i + 1]), tuple(relationships[a:b]))
            for i, (a, b) in enumerate(itertools.pairwise(bounds))
        ]
        if self.mask is not None:
            for i in np.flatnonzero(self.mask).tolist():
                paths[i] = None
        return paths

    def take(self, positions: IntArray) -> Column:
        offsets, inner = ragged_positions(self.offsets, positions)
        node_offsets = self.offsets + np.arange(len(self.offsets))
        _, inner_nodes = ragged_positions(node_offsets, positions)
        mask = None if self.mask is None else self.mask.take(positions)
        return PathColumn(offsets, self.nodes.take(inner_nodes), self.relationships.take(inner), mask)

    def slice(self, start: int, stop: int) -> Column:
        return self.take(np.arange(start, min(stop, len(self))))

    def nulls(self) -> BoolArray | None:
        return self.mask


def ragged_positions(offsets: IntArray, positions: IntArray) -> tuple[IntArray, IntArray]:
    """New offsets, and the child positions, of the ragged rows at ``positions``.

    >>> ragged_positions(np.array([0, 2, 2, 5]), np.array([2, 0]))
    (array([0, 3, 5]), array([2, 3, 4, 0, 1]))
    """
    starts = offsets.take(positions)
    lengths = offsets.take(positions + 1) - starts
    out = np.zeros(len(positions) + 1, np.int64)
    np.cumsum(lengths, out=out[1:])
    inner = np.repeat(starts - out[:-1], lengths) + np.arange(out[-1])
    return out, inner


def node_column(slots: IntArray, mask: BoolArray | None = None) -> TypedColumn:
    """A column of nodes."""
    return TypedColumn(Kind.NODE, slots, mask)


def relationship_column(slots: IntArray, mask: BoolArray | None = None) -> TypedColumn:
    """A column of relationships."""
    return TypedColumn(Kind.RELATIONSHIP, slots, mask)


_LIFT: Final = {
    bool: (Kind.BOOLEAN, np.bool_),
    int: (Kind.INTEGER, np.int64),
    float: (Kind.FLOAT, np.float64),
}


def lift(items: list[Value]) -> Column:
    """The most specific column for ``items``: typed where all are of one type (or null), else the list itself.

    >>> lift([1, None, 3])
    TypedColumn(INTEGER, [1, None, 3])
    >>> lift([1, 2.0])
    ListColumn([1, 2.0])
    """
    types = set(map(type, items))
    has_null = type(None) in types
    types.discard(type(None))
    if len(types) != 1:
        return ListColumn(items)
    of = types.pop()
    mask = np.fromiter((v is None for v in items), np.bool_, len(items)) if has_null else None
    if of is NodeRef or of is RelationshipRef:
        slots = np.fromiter((0 if v is None else v.slot for v in items), np.int64, len(items))
        return TypedColumn(Kind.NODE if of is NodeRef else Kind.RELATIONSHIP, slots, mask)
    if of in KINDS:
        return temporal_column(KINDS[of], items) or ListColumn(items)
    if of not in _LIFT:
        return ListColumn(items)
    kind, dtype = _LIFT[of]
    filled = [0 if v is None else v for v in items] if has_null else items
    return TypedColumn(kind, np.array(filled, dtype), mask)


def _joined_mask(columns: Sequence[Column]) -> BoolArray | None:
    masks = [c.nulls() for c in columns]
    if all(m is None for m in masks):
        return None
    return np.concatenate([np.zeros(len(c), np.bool_) if m is None else m for c, m in zip(columns, masks, strict=True)])


def _joined_offsets(parts: Sequence[IntArray]) -> IntArray:
    lengths = [np.diff(offsets) for offsets in parts]
    joined = np.zeros(sum(map(len, lengths)) + 1, np.int64)
    np.cumsum(np.concatenate(lengths), out=joined[1:])
    return joined


def concat(columns: Sequence[Column]) -> Column:
    """One column after the other; typed where all parts are of one form."""
    if len(columns) == 1:
        return columns[0]
    first = columns[0]
    if isinstance(first, TypedColumn) and all(isinstance(c, TypedColumn) and c.kind == first.kind for c in columns):
        data = np.concatenate([c.data for c in columns])  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType, reportUnknownArgumentType]
        return TypedColumn(first.kind, data, _joined_mask(columns))
    if isinstance(first, StringColumn) and all(
        isinstance(c, StringColumn) and c.dictionary is first.dictionary for c in columns
    ):
        codes = np.concatenate([c.codes for c in columns])  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType, reportUnknownArgumentType]
        return StringColumn(codes, first.dictionary)
    if isinstance(first, TemporalColumn):
        temporal = [c for c in columns if isinstance(c, TemporalColumn) and c.kind == first.kind]
        if len(temporal) == len(columns):
            return concat_temporal(temporal, _joined_mask(columns))
    if isinstance(first, RaggedColumn):
        lists = [c for c in columns if isinstance(c, RaggedColumn)]
        if len(lists) == len(columns):
            child = concat([c.child.slice(int(c.offsets[0]), int(c.offsets[-1])) for c in lists])
            return RaggedColumn(_joined_offsets([c.offsets for c in lists]), child, _joined_mask(columns))
    if isinstance(first, PathColumn):
        paths = [c for c in columns if isinstance(c, PathColumn)]
        if len(paths) == len(columns):
            nodes, relationships = (np.concatenate([getattr(c, n) for c in paths]) for n in ("nodes", "relationships"))
            offsets = _joined_offsets([c.offsets for c in paths])
            return PathColumn(offsets, nodes, relationships, _joined_mask(columns))
    items: list[Value] = []
    for column in columns:
        items.extend(column.values())
    return ListColumn(items)


def _spread(column: Column, places: IntArray, length: int) -> Column:
    """The lists or paths of a column at ``places`` of a longer one; the rest is null, and takes nothing."""
    assert isinstance(column, (RaggedColumn, PathColumn))
    lengths = np.zeros(length, np.int64)
    lengths[places] = np.diff(column.offsets)
    offsets = np.zeros(length + 1, np.int64)
    np.cumsum(lengths, out=offsets[1:])
    mask = np.ones(length, np.bool_)
    mask[places] = False if column.mask is None else column.mask
    if isinstance(column, RaggedColumn):
        return RaggedColumn(offsets, column.child, mask)
    nodes = np.zeros(int(offsets[-1]) + length, np.int64)
    own = np.ones(len(nodes), np.bool_)
    own[offsets[:-1].compress(mask) + np.flatnonzero(mask)] = False  # a null has a node, too, of no meaning
    held = np.ones(len(column.nodes), np.bool_)
    if column.mask is not None:
        held[column.offsets[:-1].compress(column.mask) + np.flatnonzero(column.mask)] = False
    nodes[own] = column.nodes.compress(held)
    return PathColumn(offsets, nodes, column.relationships, mask)


def take_or_null(column: Column, positions: IntArray) -> Column:
    """Like ``take``, but a position of -1 gives null: the misses of an optional match.

    >>> take_or_null(lift([7, 8]), np.array([1, -1]))
    TypedColumn(INTEGER, [8, None])
    """
    missing = positions < 0
    if not missing.any():
        return column.take(positions)
    if len(column) == 0:
        return ConstantColumn(None, len(positions))
    if isinstance(column, (RaggedColumn, PathColumn)):
        return _spread(column.take(positions.compress(~missing)), np.flatnonzero(~missing), len(positions))
    taken = column.take(np.where(missing, 0, positions))
    if isinstance(taken, TypedColumn):
        mask = missing if taken.mask is None else taken.mask | missing
        return TypedColumn(taken.kind, taken.data, mask)
    if isinstance(taken, StringColumn):
        return StringColumn(np.where(missing, -1, taken.codes).astype(np.int32), taken.dictionary)
    if isinstance(taken, TemporalColumn):
        mask = missing if taken.mask is None else taken.mask | missing
        return TemporalColumn(taken.kind, taken.arrays, taken.zones, mask)
    items = list(taken.values())
    for i in np.flatnonzero(missing).tolist():
        items[i] = None
    return ListColumn(items)
