"""What constraints say of data: uniqueness, keys, existence, types; asked of a whole view and of what a commit changes.

A constraint is checked where it is created, of everything it covers, and at every commit, of the final state of the
elements that the commit touches against the newest state. Typed columns are looked at as a whole; only where that finds
fault is the element sought that is to be named.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from pyroaring import BitMap

from memoradb.core.arrays import distinct, slots_of
from memoradb.core.columns import BoolArray, Column, ConstantColumn, IntArray, ListColumn, lift
from memoradb.core.errors import ConstraintError, ExistenceViolation, TypeViolation, UniqueViolation
from memoradb.core.property_type import PropertyType
from memoradb.core.semantics import type_name
from memoradb.core.values import Value

from .changeset import Changeset, NewNodes
from .graph.bitmaps import bitmap_of, contained
from .index.composite_index import CompositeIndex, is_own_key, key_of
from .index.index import Index
from .index.range_index import RangeIndex
from .view import Element, GraphView, IndexDefinition, IndexKind

if TYPE_CHECKING:
    from .store import GraphStore

NAMED_MAX = 3
"""How many of the elements that stand against a new constraint its error names."""

VALUE_CHARACTERS_MAX = 80
"""How much of a value an error shows."""

_UniqueIndex: TypeAlias = RangeIndex | CompositeIndex


@dataclass(frozen=True, slots=True)
class Rows:
    """Elements that a constraint covers, by id, and their values by key."""

    ids: IntArray
    columns: Sequence[Column]

    def row(self, position: int) -> list[Value]:
        """One element's values."""
        return [column.item(position) for column in self.columns]


@dataclass(slots=True)
class Touched:
    """What a changeset makes of one constraint's elements."""

    parts: list[Rows] = field(default_factory=list)
    """The final values of those that it touches and that the constraint covers in the end."""
    leaving: Collection[int] = frozenset()
    """Elements of which the store's index does not tell the final values."""


# --- at commit and at creation


def check(store: GraphStore, changeset: Changeset) -> None:
    """Raise what of ``changeset`` a constraint forbids, of the newest state or of those that it creates itself.

    Raises:
        UniqueViolation: a value, or several together, would be there twice.
        ExistenceViolation: a property would be missing.
        TypeViolation: a value would be of another type.
    """
    for index in store.indexes.values():
        definition = index.definition
        if definition.kind.is_constraint and definition.name not in changeset.drop_indexes:
            if definition.kind.is_unique and _is_plainly_unique(definition, index, changeset):
                continue
            touched = _touched(store, changeset, definition)
            if touched.parts:
                _check_parts(definition, touched.parts)
                if definition.kind.is_unique:
                    assert isinstance(index, _UniqueIndex)
                    _check_unique(definition, touched.parts, store, index, touched.leaving)
    for definition in changeset.create_indexes:
        if definition.kind.is_constraint:
            _check_new(definition, _all_rows(store, changeset, definition))


def check_view(view: GraphView, definition: IndexDefinition) -> None:
    """Raise what in a view stands against a constraint that is to be created; errors as ``check`` has."""
    if definition.element is Element.NODE:
        slots = slots_of(view.nodes_with_label(definition.labels[0]))
    else:
        slots = view.relationships(definition.labels)
    columns = [view.property(definition.element, slots, key) for key in definition.keys]
    _check_new(definition, [Rows(view.ids(definition.element, slots), columns)])


def violations(store: GraphStore, definition: IndexDefinition) -> list[str]:
    """What in a store stands against a constraint: nothing, unless something went wrong."""
    slots, columns = store.indexed_values(definition)
    try:
        _check_new(definition, [Rows(store.table(definition.element).ids.take(slots), columns)])
    except ConstraintError as error:
        return [error.message]
    return []


def _check_new(definition: IndexDefinition, parts: Sequence[Rows]) -> None:
    try:
        _check_parts(definition, parts)
        if definition.kind.is_unique:
            _check_unique(definition, parts)
    except ConstraintError as error:
        failed = type(error)(
            f"Constraint `{definition.name}` cannot be created. {error.message}",
            code="Neo.ClientError.Schema.ConstraintCreationFailed",
            hint="Nothing was changed: mend the data and try again.",
        )
        raise failed from None


def _check_parts(definition: IndexDefinition, parts: Sequence[Rows]) -> None:
    """Existence and types, which need only the elements themselves."""
    if definition.kind in (IndexKind.EXISTENCE, IndexKind.KEY):
        for number, key in enumerate(definition.keys):
            missing = [part.ids.compress(_absent(part.columns[number])) for part in parts]
            ids = np.concatenate(missing) if missing else np.zeros(0, np.int64)
            if len(ids):
                raise ExistenceViolation(
                    f"{_these(definition, ids)} without the property `{key}`, "
                    f"which constraint `{definition.name}` requires."
                )
    elif definition.kind is IndexKind.TYPE:
        wanted = property_type(definition)
        for part in parts:
            column = part.columns[0]
            if wanted.admits_column(column):
                continue
            for id, value in zip(part.ids.tolist(), column.values(), strict=True):
                if not wanted.admits(value):
                    raise TypeViolation(
                        f"{_these(definition, [id])} with {definition.keys[0]} = {_shown(value)} ({type_name(value)}), "
                        f"which constraint `{definition.name}` requires to be {wanted}."
                    )


def property_type(definition: IndexDefinition) -> PropertyType:
    """The type that a TYPE constraint requires."""
    return _parsed(str(dict(definition.options)["type"]))


_parsed = lru_cache(64)(PropertyType.parse)


def _absent(column: Column) -> BoolArray:
    nulls = column.nulls()
    return np.zeros(len(column), np.bool_) if nulls is None else nulls


def _check_unique(
    definition: IndexDefinition,
    parts: Sequence[Rows],
    store: GraphStore | None = None,
    index: _UniqueIndex | None = None,
    leaving: Collection[int] = frozenset(),
) -> None:
    """All values of the elements against each other, and against those that an index holds of others."""
    seen: dict[Any, int] = {}
    for part in parts:
        keys = _own_keys(part.columns)
        if keys is not None and len(set(keys)) == len(keys) and seen.keys().isdisjoint(keys):
            if index is None or index.lacks(keys):
                seen |= zip(keys, part.ids.tolist(), strict=True)
                continue
        rows = zip(*(column.values() for column in part.columns), strict=True)
        for id, row in zip(part.ids.tolist(), rows, strict=True):
            if any(v is None or v != v for v in row):
                continue
            found = key_of(row)
            key = found if len(definition.keys) > 1 else found[0]
            holder = seen.setdefault(key, id)
            if holder == id and index is not None and store is not None:
                holder = _holder(store, index, definition, row, id, leaving)
            if holder != id:
                raise _not_unique(definition, id, holder, row)


def _is_plainly_unique(definition: IndexDefinition, index: Index, changeset: Changeset) -> bool:
    """Whether only new elements concern a constraint, with values that are all there, different, and in no other.

    So it is with most commits, and told by a look-up in the index. Of others all has to be looked at.
    """
    node, label = definition.element is Element.NODE, definition.labels[0]
    wanted = definition.keys
    for change in changeset.properties:
        if change.element is definition.element and change.key in wanted:
            return False
    for change in changeset.labels:
        if node and change.label == label:
            return False
    keys: list[Any] = []
    for new in changeset.new_nodes if node else changeset.new_relationships:
        if label in new.labels if isinstance(new, NewNodes) else label == new.type:
            properties = new.properties
            if not all(map(properties.__contains__, wanted)):
                return False
            found = _own_keys([properties[key] for key in wanted])
            if found is None:
                return False
            keys = [*keys, *found] if keys else found
    if not keys:
        return True
    assert isinstance(index, (RangeIndex, CompositeIndex))
    return (len(keys) == 1 or len(set(keys)) == len(keys)) and index.lacks(keys)


def _own_keys(columns: Sequence[Column]) -> list[Any] | None:
    """The values as they are, where they are their own keys; None for other columns."""
    if not all(map(is_own_key, columns)):
        return None
    if len(columns) == 1:
        return columns[0].values()
    return list(zip(*(column.values() for column in columns), strict=True))


def _holder(
    store: GraphStore,
    index: _UniqueIndex,
    definition: IndexDefinition,
    row: Sequence[Value],
    id: int,
    leaving: Collection[int],
) -> int:
    """Another element that has the values and keeps them; ``id`` where there is none."""
    value = row[0] if isinstance(index, RangeIndex) else row
    slots = np.array(index.seek(value, store.position), np.int64)  # pyright: ignore[reportArgumentType]
    for holder in store.table(definition.element).ids_of(slots).tolist():
        if holder != id and holder not in leaving:
            return holder
    return id


# --- what errors say


def _not_unique(definition: IndexDefinition, id: int, holder: int, row: Sequence[Value]) -> UniqueViolation:
    values = " and ".join(f"{key} = {_shown(value)}" for key, value in zip(definition.keys, row, strict=True))
    return UniqueViolation(
        f"{_these(definition, sorted((id, holder)))} with {values}, which constraint `{definition.name}` forbids."
    )


def _these(definition: IndexDefinition, ids: Collection[int] | IntArray) -> str:
    """The subject of an error: ``There would be node 3 (:Person)``."""
    found = [int(id) for id, _ in zip(ids, range(NAMED_MAX), strict=False)]
    node = definition.element is Element.NODE
    label = f"(:{definition.labels[0]})" if node else f"[:{definition.labels[0]}]"
    what = "node" if node else "relationship"
    if len(ids) == 1:
        return f"There would be {what} {found[0]} {label}"
    names = ", ".join(map(str, found))
    if len(ids) > NAMED_MAX:
        return f"There would be {len(ids):,} {what}s {label}, {names} and others,"
    return f"There would be {what}s {' and '.join(names.rsplit(', ', 1))} {label}"


def _shown(value: Value) -> str:
    text = repr(value) if isinstance(value, (str, int, float, list, bytes)) else str(value)
    return text if len(text) <= VALUE_CHARACTERS_MAX else f"{text[:VALUE_CHARACTERS_MAX]}..."


# --- what a changeset touches


@dataclass(frozen=True, slots=True)
class _Chunk:
    """New elements of one changeset entry, and whether the constraint covers them as they are created."""

    first_id: int
    count: int
    covered: bool
    columns: Sequence[Column]


def _chunks(changeset: Changeset, definition: IndexDefinition) -> list[_Chunk]:
    label = definition.labels[0]
    new = changeset.new_nodes if definition.element is Element.NODE else changeset.new_relationships
    found: list[_Chunk] = []
    for item in new:
        covered = label in item.labels if isinstance(item, NewNodes) else label == item.type
        null = ConstantColumn(None, item.count)
        columns = [item.properties.get(key, null) for key in definition.keys]
        found.append(_Chunk(item.first_id, item.count, covered, columns))
    return found


def _touched(store: GraphStore, changeset: Changeset, definition: IndexDefinition) -> Touched:
    element, label = definition.element, definition.labels[0]
    node = element is Element.NODE
    patches = [c for c in changeset.properties if c.element is element and c.key in definition.keys]
    labels = [c for c in changeset.labels if c.label == label] if node else []
    deleted = changeset.delete_nodes if node else changeset.delete_relationships
    chunks = _chunks(changeset, definition)
    if not patches and not labels:
        parts = [Rows(np.arange(c.first_id, c.first_id + c.count), c.columns) for c in chunks if c.covered]
        return Touched(parts, frozenset(deleted.tolist()))
    changed = distinct(np.concatenate([c.ids for c in (*patches, *labels)]))
    parts: list[Rows] = []
    values: dict[int, list[Value]] = {}
    covered: dict[int, bool] = {}
    for chunk in chunks:
        ids = np.arange(chunk.first_id, chunk.first_id + chunk.count)
        as_created = ~np.isin(ids, changed)
        if chunk.covered and as_created.any():
            kept = np.flatnonzero(as_created)
            parts.append(Rows(ids.take(kept), [column.take(kept) for column in chunk.columns]))
        for position in np.flatnonzero(~as_created).tolist():
            id = chunk.first_id + position
            values[id] = [column.item(position) for column in chunk.columns]
            covered[id] = chunk.covered
    _add_old(store, definition, changed, values, covered)
    for change in patches:
        number = definition.keys.index(change.key)
        for id, value in zip(change.ids.tolist(), change.values.values(), strict=True):
            values[id][number] = value
    for change in labels:
        covered.update(dict.fromkeys(change.ids.tolist(), not change.remove))
    gone = frozenset(deleted.tolist())
    rest = [id for id in sorted(values) if covered[id] and id not in gone]
    if rest:
        columns = [_column([values[id][i] for id in rest]) for i in range(len(definition.keys))]
        parts.append(Rows(np.array(rest, np.int64), columns))
    return Touched(parts, gone | frozenset(changed.tolist()))


def _add_old(
    store: GraphStore,
    definition: IndexDefinition,
    changed: IntArray,
    values: dict[int, list[Value]],
    covered: dict[int, bool],
) -> None:
    """The stored values of those that are not new, and whether the constraint covers them now."""
    ids = np.array([id for id in changed.tolist() if id not in values], np.int64)
    slots = store.table(definition.element).slots_of(ids)
    known = np.flatnonzero(slots >= 0)  # of others a changeset cannot be applied at all
    ids, slots = ids.take(known), slots.take(known)
    if definition.element is Element.NODE:
        has = contained(slots, store.labels.get(definition.labels[0], BitMap()))
    else:
        has = store.relationships.type_code.take(slots) == store.type_codes.get(definition.labels[0], -1)
    columns = [store.columns[definition.element].get(key) for key in definition.keys]
    null = ConstantColumn(None, len(slots))
    held = [(null if c is None else c.gather(slots, store.position)).values() for c in columns]
    for id, row, there in zip(ids.tolist(), zip(*held, strict=True), has.tolist(), strict=True):
        values[id], covered[id] = list(row), there


def _column(items: list[Value]) -> Column:
    return ListColumn(items) if len(items) < 16 else lift(items)


def _all_rows(store: GraphStore, changeset: Changeset, definition: IndexDefinition) -> list[Rows]:
    """All that a new constraint will cover: old elements as they are, and those that come or change with it."""
    touched = _touched(store, changeset, definition)
    slots, columns = store.indexed_values(definition)
    table = store.table(definition.element)
    leaving = table.slots_of(np.array(sorted(touched.leaving), np.int64))
    leaving = leaving.compress(leaving >= 0)
    if len(leaving):
        kept = np.flatnonzero(~contained(slots, bitmap_of(leaving)))
        slots, columns = slots.take(kept), [column.take(kept) for column in columns]
    return [Rows(table.ids_of(slots), columns), *touched.parts]
