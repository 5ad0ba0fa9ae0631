"""One property key's values for all elements of a kind, in place, with undo (DESIGN 5.2).

A column starts in the form of its first values: numbers and booleans in arrays with a null mask, strings as dictionary
codes, dates and times as integers (``core.temporal_columns``), anything else as a Python list. A typed column keeps a
few values of other types aside (*misfits*) and becomes a list only when they are many. A write publishes what was
there, with its log position, before it changes the array: a reader gathers first and looks at the undo afterwards, so
it always finds the old value of what it saw too new.

Form and arrays belong together, so they are one object, replaced as a whole where an array must grow or the form
changes. A reader takes the length first and the object afterwards: it is never shorter than the length said.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from memoradb.core.columns import (
    BoolArray,
    Column,
    ConstantColumn,
    IntArray,
    Kind,
    ListColumn,
    StringColumn,
    TypedColumn,
    lift,
)
from memoradb.core.limits import MISFIT_FRACTION
from memoradb.core.serde import decode_column, encode_column
from memoradb.core.temporal_columns import (
    DTYPES,
    KINDS,
    TYPES,
    ZONED,
    TemporalColumn,
    TemporalKind,
    numbers_of,
    valid,
    value_of,
    with_zones,
)
from memoradb.core.values import Value
from memoradb.core.zones import ZoneDictionary

from ..growth import grown
from ..section import ReadLater, Section
from ..undo import UndoLog
from .dictionary import StringDictionary


class Form(IntEnum):
    """How a column keeps its values."""

    EMPTY = 0
    INTEGER = 1
    FLOAT = 2
    BOOLEAN = 3
    STRING = 4
    LIST = 5
    DATE = 6
    LOCAL_TIME = 7
    LOCAL_DATETIME = 8
    TIME = 9
    DATETIME = 10


_TEMPORAL_KINDS = {Form[kind.name]: kind for kind in TemporalKind}
_DTYPES: dict[Form, type] = {
    Form.INTEGER: np.int64,
    Form.FLOAT: np.float64,
    Form.BOOLEAN: np.bool_,
    Form.STRING: np.int32,
    **{form: DTYPES[kind][0] for form, kind in _TEMPORAL_KINDS.items()},
}
_KINDS = {Form.INTEGER: Kind.INTEGER, Form.FLOAT: Kind.FLOAT, Form.BOOLEAN: Kind.BOOLEAN}
_FORMS: dict[type, Form] = {
    int: Form.INTEGER,
    float: Form.FLOAT,
    bool: Form.BOOLEAN,
    str: Form.STRING,
    **{TYPES[kind]: form for form, kind in _TEMPORAL_KINDS.items()},
}
_FROM_KIND = {Kind.INTEGER: Form.INTEGER, Kind.FLOAT: Form.FLOAT, Kind.BOOLEAN: Form.BOOLEAN}

STRING_MEAN_MAX = 200
"""Long strings are hardly ever repeated: beyond this mean length a column of them is a list."""

_NOTHING = np.zeros(0, np.bool_)


@dataclass(frozen=True, slots=True)
class _State:
    """Form and arrays. The arrays' items change in place, under the protection of the undo."""

    form: Form
    data: Any
    """numpy array of the form's type; for LIST a Python list, which may be shorter than the column."""
    present: BoolArray = field(default_factory=lambda: _NOTHING)
    dictionary: StringDictionary | None = None
    misfits: dict[int, Value] = field(default_factory=dict)
    """Values of another type than the form's, by slot; such a slot is not ``present``."""
    rest: tuple[NDArray[np.int32], ...] = ()
    """The other arrays of a temporal form that has several, each as long as ``data``."""
    zones: ZoneDictionary | None = None
    """Of the temporal forms with a zone."""

    def numbers(self, slot: int) -> list[int]:
        """A slot's row in the arrays of a temporal form."""
        return [array[slot].item() for array in (self.data, *self.rest)]


_EMPTY = _State(Form.EMPTY, [])
"""Shared: nothing is ever written to it."""


class PropertyColumn(ReadLater):
    """Values by slot. ``length`` slots have been written to; beyond it everything is null."""

    state: _State

    def __init__(self, undo: UndoLog | None = None) -> None:
        self.length = 0
        self.undo: dict[int, list[tuple[int, Value]]] = {}
        """By slot: (position of the overwrite, value before it), oldest first; lists are replaced, never changed."""
        self.last_change = -1
        """Log position of the newest overwrite: a snapshot at or after it needs no undo."""
        self._undo_log = UndoLog() if undo is None else undo
        self._origin: Section | None = None
        """The section that the column was read from."""
        self._changed = False
        self.state = _EMPTY

    @property
    def form(self) -> Form:
        """How the values are kept now."""
        return self.state.form

    # --- reading

    def gather(self, slots: IntArray, position: int) -> Column:
        """The values at ``slots`` as of log position ``position``."""
        column = self._gather(slots)
        if self.last_change > position and self.undo:
            return self._patched(column, slots, position)
        return column

    def item(self, slot: int, position: int) -> Value:
        """One value."""
        value = self.newest(slot)
        if self.last_change > position:
            for at, old in self.undo.get(slot, ()):
                if at > position:
                    return old
        return value

    def newest(self, slot: int) -> Value:
        """The value now, committed or being applied: for the writer."""
        if slot >= self.length:
            return None
        state = self.state
        if state.form is Form.LIST:
            return state.data[slot] if slot < len(state.data) else None
        if state.form is Form.EMPTY or not state.present[slot]:
            return state.misfits.get(slot)
        if state.form in _TEMPORAL_KINDS:
            return value_of(_TEMPORAL_KINDS[state.form], state.numbers(slot), state.zones)
        value = state.data[slot].item()
        return state.dictionary.string(value) if state.dictionary is not None else value

    def _gather(self, slots: IntArray) -> Column:
        length = self.length
        state = self.state
        if state.form is Form.EMPTY or not len(slots):
            return ConstantColumn(None, len(slots))
        if state.form is Form.LIST:
            data = state.data
            length = min(length, len(data))
            return ListColumn([data[s] if s < length else None for s in slots.tolist()])
        beyond = None
        if int(slots.max()) >= length:
            if not length:
                return ConstantColumn(None, len(slots))
            beyond = slots >= length
            slots = np.where(beyond, 0, slots)
        there = state.present.take(slots)
        if beyond is not None:
            there &= ~beyond
        values = state.data.take(slots)
        whole = bool(there.all())
        if state.dictionary is not None:
            codes = values if whole else np.where(there, values, -1).astype(np.int32)
            plain: Column = StringColumn(codes, state.dictionary)
        elif state.form in _TEMPORAL_KINDS:
            arrays = (values, *(array.take(slots) for array in state.rest))
            plain = TemporalColumn(_TEMPORAL_KINDS[state.form], arrays, state.zones, None if whole else ~there)
        else:
            plain = TypedColumn(_KINDS[state.form], values, None if whole else ~there)
        if whole or not state.misfits:
            return plain
        missing = ~there if beyond is None else ~there & ~beyond
        found = ((i, state.misfits.get(int(slots[i]))) for i in np.flatnonzero(missing).tolist())
        return _replaced(plain, {i: value for i, value in found if value is not None})

    def _patched(self, column: Column, slots: IntArray, position: int) -> Column:
        undo = self.undo
        changed: dict[int, Value] = {}
        for i, slot in enumerate(slots.tolist()):
            for at, old in undo.get(slot, ()):
                if at > position:
                    changed[i] = old
                    break
        return _replaced(column, changed)

    # --- writing: one writer at a time

    def append(self, start: int, values: Column) -> None:
        """Values of new slots from ``start`` on; nobody can see them yet, so no undo is needed."""
        if isinstance(values, ListColumn):
            values = _typed(values)
        form = self._form_of(values)
        if form is Form.EMPTY:
            return
        stop = start + len(values)
        if self.state.form is Form.EMPTY:
            self._start(form)
        self._reserve(stop)
        self.length = max(self.length, stop)
        self._changed = True
        state = self.state
        if state.form is Form.LIST:
            state.data[start:stop] = values.values()
        elif form is state.form and isinstance(values, TypedColumn):
            state.data[start:stop] = values.data
            state.present[start:stop] = True if values.mask is None else ~values.mask
        elif form is state.form and isinstance(values, TemporalColumn):
            arrays = values.arrays if state.zones is None else with_zones(values, state.zones)
            for array, new in zip((state.data, *state.rest), arrays, strict=True):
                array[start:stop] = new
            state.present[start:stop] = True if values.mask is None else ~values.mask
        elif form is Form.STRING and state.dictionary is not None:
            intern = state.dictionary.intern
            codes = np.array([-1 if v is None else intern(v) for v in values.values()], np.int32)
            state.data[start:stop] = np.maximum(codes, 0)
            state.present[start:stop] = codes >= 0
            self._maybe_plain(state.dictionary)
        else:
            for slot, value in enumerate(values.values(), start):
                if value is not None:
                    self._put(slot, value)

    def _maybe_plain(self, dictionary: StringDictionary) -> None:
        """Strings that are mostly distinct and long are kept as they are."""
        distinct = len(dictionary)
        if distinct < 4096 or distinct * 4 < self.length:
            return
        sample = dictionary.strings()[-1024:]
        if sum(map(len, sample)) > STRING_MEAN_MAX * len(sample):
            self._to_list()

    def put(self, slot: int, value: Value, position: int) -> None:
        """Overwrite one visible slot; the old value goes to the undo first."""
        old = self.newest(slot)
        self.undo[slot] = [*self.undo.get(slot, ()), (position, old)]
        self._undo_log.note(self, slot, old, position)
        self.last_change = position
        self._changed = True
        if self.state.form is Form.EMPTY:
            if value is None:
                return
            self._start(_form_for(value))
        self._reserve(slot + 1)
        self.length = max(self.length, slot + 1)
        self._put(slot, value)

    def _put(self, slot: int, value: Value) -> None:
        state = self.state
        if state.form is Form.LIST:
            state.data[slot] = value
        elif value is None:
            state.present[slot] = False
            state.misfits.pop(slot, None)
        elif _form_for(value) is not state.form:
            if len(state.misfits) + 1 > max(4, int(self.length * MISFIT_FRACTION)):
                self._to_list()
                self._reserve(slot + 1)
                self.state.data[slot] = value
            else:
                state.misfits[slot] = value
                state.present[slot] = False
        else:
            if state.form in _TEMPORAL_KINDS:
                for array, number in zip((state.data, *state.rest), numbers_of(value, state.zones), strict=True):
                    array[slot] = number
            else:
                state.data[slot] = value if state.dictionary is None else state.dictionary.intern(value)
            state.present[slot] = True
            if state.misfits:
                state.misfits.pop(slot, None)

    def forget(self, slot: int, position: int) -> None:
        """Drop the undo of one overwrite; called by the undo log."""
        rest = [change for change in self.undo.get(slot, ()) if change[0] > position]
        if rest:
            self.undo[slot] = rest
        else:
            self.undo.pop(slot, None)

    # --- forms

    def _form_of(self, values: Column) -> Form:
        if isinstance(values, TypedColumn):
            return _FROM_KIND.get(values.kind, Form.LIST)
        if isinstance(values, StringColumn):
            return Form.STRING
        if isinstance(values, TemporalColumn):
            return Form[values.kind.name]
        items = [values.value] if isinstance(values, ConstantColumn) else values.values()
        kinds = set(map(type, items))
        kinds.discard(type(None))
        if not kinds:
            return Form.EMPTY
        if len(kinds) == 1:
            form = _FORMS.get(kinds.pop(), Form.LIST)
            # A list of dates that has no typed form: one of them is out of bounds.
            return Form.LIST if form in _TEMPORAL_KINDS and not isinstance(values, ConstantColumn) else form
        return Form.LIST

    def _start(self, form: Form) -> None:
        if form is Form.LIST:
            self.state = _State(form, [])
        else:
            dictionary = StringDictionary() if form is Form.STRING else None
            kind = _TEMPORAL_KINDS.get(form)
            rest = () if kind is None else tuple(np.zeros(0, np.int32) for _ in DTYPES[kind][1:])
            zones = ZoneDictionary() if kind in ZONED else None
            data = np.zeros(0, _DTYPES[form])
            self.state = _State(form, data, np.zeros(0, np.bool_), dictionary, rest=rest, zones=zones)

    def _reserve(self, length: int) -> None:
        state = self.state
        if state.form is Form.LIST:
            if length > len(state.data):
                state.data.extend([None] * (length - len(state.data)))
            return
        data = grown(state.data, length, self.length)
        if data is not state.data:
            present = np.zeros(len(data), np.bool_)
            present[: self.length] = state.present[: self.length]
            rest = tuple(np.zeros(len(data), np.int32) for _ in state.rest)
            for larger, array in zip(rest, state.rest, strict=True):
                larger[: self.length] = array[: self.length]
            self.state = replace(state, data=data, present=present, rest=rest)

    def _to_list(self) -> None:
        self.state = _State(Form.LIST, [self.newest(slot) for slot in range(self.length)])

    # --- dump and load

    def dump(self, name: str, count: int) -> Section:
        """The first ``count`` slots; the section of the last checkpoint itself where nothing was written since."""
        if self._origin is not None and not self._changed and self._origin.name == name:
            return self._origin
        state, length = self.state, min(self.length, count)
        metadata: dict[str, Value] = {"form": int(state.form), "length": length}
        if state.form is Form.EMPTY:
            return Section(name, {}, metadata)
        if state.form is Form.LIST:
            return Section(name, {"values": _encoded(state.data[:length])}, metadata)
        arrays = {"data": state.data[:length], "present": state.present[:length]}
        slots = sorted(s for s in state.misfits if s < length)
        if slots:
            arrays["misfit_slots"] = np.array(slots, np.int64)
            arrays["misfits"] = _encoded([state.misfits[s] for s in slots])
        arrays |= {f"data_{i}": array[:length] for i, array in enumerate(state.rest, 1)}
        if state.zones is not None:
            arrays["zones"] = _encoded([list(entry) for entry in state.zones.entries()])
        if state.dictionary is not None:
            arrays["strings"] = _encoded(list(state.dictionary.strings()))
        return Section(name, arrays, metadata)

    @staticmethod
    def load(section: Section, undo: UndoLog) -> PropertyColumn:
        """The inverse of ``dump``; nothing is read before the column is used.

        Arrays may be read-only maps, which the first write copies.
        """
        column = PropertyColumn(undo)
        column.length = section.metadata["length"]
        column._origin = section
        column.read_later(state=lambda: _read(section))
        return column


def _read(section: Section) -> _State:
    form, arrays = Form(section.metadata["form"]), section.arrays
    if form is Form.EMPTY:
        return _EMPTY
    if form is Form.LIST:
        return _State(form, _decoded(arrays["values"]))
    misfits: dict[int, Value] = {}
    if "misfits" in arrays:
        misfits = dict(zip(arrays["misfit_slots"].tolist(), _decoded(arrays["misfits"]), strict=True))
    dictionary = StringDictionary(_decoded(arrays["strings"])) if form is Form.STRING else None
    kind = _TEMPORAL_KINDS.get(form)
    rest = () if kind is None else tuple(arrays[f"data_{i}"] for i in range(1, len(DTYPES[kind])))
    zones = None
    if kind in ZONED:
        zones = ZoneDictionary([(offset, name) for offset, name in _decoded(arrays["zones"])])
    return _State(form, arrays["data"], arrays["present"], dictionary, misfits, rest, zones)


def _form_for(value: Value) -> Form:
    """The form that holds one value."""
    form = _FORMS.get(type(value), Form.LIST)
    return Form.LIST if form in _TEMPORAL_KINDS and not valid(value) else form


def _typed(column: ListColumn) -> Column:
    """Dates and times as integers, where that is what a list holds; else the list."""
    first = next((v for v in column.items if v is not None), None)
    return lift(column.items) if type(first) in KINDS else column


def _encoded(items: list[Value]) -> NDArray[np.uint8]:
    return np.frombuffer(encode_column(ListColumn(items)), np.uint8)


def _decoded(data: NDArray[Any]) -> list[Value]:
    return list(decode_column(data.data).values())


def _replaced(column: Column, items: dict[int, Value]) -> Column:
    """``column`` with other values at some positions."""
    if not items:
        return column
    values = list(column.values())
    for i, value in items.items():
        values[i] = value
    return ListColumn(values)
