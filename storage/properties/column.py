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

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import inf
from typing import Any

import numpy as np
from numpy.typing import NDArray

from memoradb.core.arrays import is_run
from memoradb.core.columns import (
    BoolArray,
    Column,
    ConstantColumn,
    IntArray,
    ListColumn,
    StringColumn,
    TypedColumn,
    lift,
)
from memoradb.core.limits import MISFIT_FRACTION
from memoradb.core.regions import CHUNK_ROWS, is_region
from memoradb.core.temporal_columns import (
    TemporalColumn,
    numbers_of,
    value_of,
    with_zones,
)
from memoradb.core.values import Value

from ..growth import grown
from ..section import ReadLater, Section, chunk_slice, chunks_of, place
from ..undo import UndoLog
from .dictionary import StringDictionary
from .forms import (
    EMPTY,
    PLAIN_FORMS,
    TEMPORAL_KINDS,
    VALUE_KINDS,
    Form,
    State,
    codes_of,
    form_for,
    form_of,
    numbers_in,
    read_state,
    started,
    typed,
)
from .overwrites import Overwrites, replaced
from .pieced import DecodedCache, PiecedList
from .pieces import encoded, encoded_pieces

STRING_MEAN_MAX = 200
"""Long strings are hardly ever repeated: beyond this mean length a column of them is a list."""

DISTINCT_MIN = 4_096
"""With fewer distinct strings than that a dictionary is always kept."""

RUN_MIN = 64
"""Slots from which on it is worth a look whether they are a run."""

WHOLE_SHARE = 32
"""So many slots for each one that is asked are looked at for missing values: bytes in a row are that fast."""


def _run(slots: IntArray) -> slice | None:
    """The slots as a slice, where they are a run of ascending ones."""
    return slice(slots.item(0), slots.item(-1) + 1) if len(slots) >= RUN_MIN and is_run(slots) else None


def _present(present: BoolArray, slots: IntArray, run: slice | None) -> BoolArray | None:
    """Which of the slots have a value; None for all of them."""
    if present.strides[0] == 0 and present[0]:  # one truth for all, as of a file's column without nulls
        return None
    if run is not None:
        there = present[run]
        return None if there.all() else there.copy()
    if len(present) < WHOLE_SHARE * len(slots) and present.all():
        return None
    there = present.take(slots)
    return None if there.all() else there


class PropertyColumn(ReadLater):
    """Values by slot. ``length`` slots have been written to; beyond it everything is null."""

    state: State

    def __init__(self, undo: UndoLog | None = None) -> None:
        self.length = 0
        self.overwrites = Overwrites()
        self.last_change = -1
        """Log position of the newest overwrite: a snapshot at or after it needs no undo."""
        self._undo_log = UndoLog() if undo is None else undo
        self._sections: dict[int, Section] = {}
        """By number: the files that hold the column's chunks; for a dirty chunk, what it was."""
        self._dirty: set[int] = set()
        """Chunks that were written to since the last checkpoint."""
        self._mapped: set[int] = set()
        """Chunks whose memory is a file's."""
        self._files: Sequence[Section] = ()
        """All sections of the last checkpoint."""
        self._look_at = DISTINCT_MIN
        """Distinct strings from which on their lengths are looked at."""
        self.state = EMPTY

    @property
    def form(self) -> Form:
        """How the values are kept now."""
        return self.state.form

    # --- reading

    def gather(self, slots: IntArray, position: int) -> Column:
        """The values at ``slots`` as of log position ``position``."""
        column = self._gather(slots)
        if self.last_change > position and self.overwrites:
            return self.overwrites.patched(column, slots, position)
        return column

    def item(self, slot: int, position: int) -> Value:
        """One value."""
        value = self.newest(slot)
        return self.overwrites.old(slot, position, value) if self.last_change > position else value

    def newest(self, slot: int) -> Value:
        """The value now, committed or being applied: for the writer."""
        if slot >= self.length:
            return None
        state = self.state
        if state.form is Form.LIST:
            return state.data[slot] if slot < len(state.data) else None
        if state.form is Form.EMPTY or not state.present[slot]:
            return state.misfits.get(slot)
        if state.form in TEMPORAL_KINDS:
            return value_of(TEMPORAL_KINDS[state.form], state.numbers(slot), state.zones)
        value = state.data.item(slot)
        return state.dictionary.string(value) if state.dictionary is not None else value

    def _gather(self, slots: IntArray) -> Column:
        length = self.length
        state = self.state
        if state.form is Form.EMPTY or not len(slots):
            return ConstantColumn(None, len(slots))
        if state.form is Form.LIST:
            data = state.data
            if isinstance(data, PiecedList):
                return ListColumn(data.take(slots, length))
            length = min(length, len(data))
            return ListColumn([data[s] if s < length else None for s in slots.tolist()])
        run = _run(slots)
        if run is not None and run.stop > length:
            run = None
        beyond = None
        # What is picked is a copy: the arrays change in place.
        data = state.data[:length]
        try:
            values = data.take(slots) if run is None else data[run].copy()
        except IndexError:
            if not length:
                return ConstantColumn(None, len(slots))
            beyond = slots >= length
            slots = np.where(beyond, 0, slots)
            values = data.take(slots)
        there = _present(state.present[:length], slots, run)
        if beyond is not None:
            there = ~beyond if there is None else there & ~beyond
        mask = None if there is None else ~there
        if state.dictionary is not None:
            codes = values if mask is None else np.where(mask, -1, values).astype(np.int32)
            plain: Column = StringColumn(codes, state.dictionary)
        elif state.form in TEMPORAL_KINDS:
            arrays = (values, *(array.take(slots) for array in state.rest))
            plain = TemporalColumn(TEMPORAL_KINDS[state.form], arrays, state.zones, mask)
        else:
            plain = TypedColumn(VALUE_KINDS[state.form], values, mask)
        if there is None or not state.misfits:
            return plain
        missing = ~there if beyond is None else ~there & ~beyond
        found = ((i, state.misfits.get(int(slots[i]))) for i in np.flatnonzero(missing).tolist())
        return replaced(plain, {i: value for i, value in found if value is not None})

    # --- writing: one writer at a time

    def append(self, start: int, values: Column) -> None:
        """Values of new slots from ``start`` on; nobody can see them yet, so no undo is needed."""
        if len(values) == 1:
            self.append_one(start, values.item(0))
            return
        if isinstance(values, ListColumn):
            values = lift(values.items)
        form = form_of(values)
        if form is Form.EMPTY:
            return
        stop = start + len(values)
        if self.state.form is Form.EMPTY:
            self.state = started(form)
        self._reserve(stop)
        self.length = max(self.length, stop)
        self._dirty.update(range(start // CHUNK_ROWS, -(-stop // CHUNK_ROWS)))
        state = self.state
        if state.form is Form.LIST:
            state.data[start:stop] = values.values()
        elif form is state.form and isinstance(values, ConstantColumn) and form in VALUE_KINDS:
            state.data[start:stop] = values.value
            state.present[start:stop] = True
        elif form is state.form and isinstance(values, TypedColumn):
            state.data[start:stop] = values.data
            state.present[start:stop] = True if values.mask is None else ~values.mask
        elif form is state.form and isinstance(values, TemporalColumn):
            arrays = values.arrays if state.zones is None else with_zones(values, state.zones)
            for array, new in zip((state.data, *state.rest), arrays, strict=True):
                array[start:stop] = new
            state.present[start:stop] = True if values.mask is None else ~values.mask
        elif form is Form.STRING and state.dictionary is not None:
            codes = codes_of(values, state.dictionary)
            state.data[start:stop] = np.maximum(codes, 0)
            state.present[start:stop] = codes >= 0
            self._maybe_plain(state.dictionary)
        else:
            for slot, value in enumerate(values.values(), start):
                if value is not None:
                    self._put(slot, value)

    def append_one(self, slot: int, value: Value) -> None:
        """The same for the value of one new slot, as most commits do it."""
        if value is None:
            return
        state = self.state
        self._dirty.add(slot // CHUNK_ROWS)
        if PLAIN_FORMS.get(value.__class__) is state.form:
            data, present = state.data, state.present
            if slot >= len(data) or not state.writable:
                self._reserve(slot + 1)
                state = self.state
                data, present = state.data, state.present
            if slot >= self.length:
                self.length = slot + 1
            data[slot] = value if state.dictionary is None else state.dictionary.intern(value)
            present[slot] = True
        else:
            if state.form is Form.EMPTY:
                self.state = started(form_for(value))
            self._reserve(slot + 1)
            self.length = max(self.length, slot + 1)
            self._put(slot, value)
        dictionary = self.state.dictionary
        if dictionary is not None and len(dictionary) >= self._look_at:
            self._maybe_plain(dictionary)

    def _maybe_plain(self, dictionary: StringDictionary) -> None:
        """Strings that are mostly distinct and long are kept as they are."""
        distinct = len(dictionary)
        if distinct < self._look_at or distinct * 4 < self.length:
            return
        self._look_at = 2 * distinct  # what they are like is looked at again when there are twice as many
        sample = dictionary.strings()[-1024:]
        if sum(map(len, sample)) > STRING_MEAN_MAX * len(sample):
            self._to_list()

    def put(self, slot: int, value: Value, position: int) -> None:
        """Overwrite one visible slot; the old value goes to the undo first."""
        old = self.newest(slot)
        self.overwrites.add(slot, old, position)
        self._undo_log.note(self, slot, old, position)
        self.last_change = position
        self._dirty.add(slot // CHUNK_ROWS)
        state = self.state
        if slot < self.length and PLAIN_FORMS.get(value.__class__) is state.form and not state.misfits:
            data, present = state.data, state.present
            if slot < len(data) and state.writable:
                data[slot] = value if state.dictionary is None else state.dictionary.intern(value)
                present[slot] = True
                return
        if state.form is Form.EMPTY:
            if value is None:
                return
            self.state = started(form_for(value))
        self._reserve(slot + 1)
        self.length = max(self.length, slot + 1)
        self._put(slot, value)

    def put_all(self, slots: IntArray, values: Column, position: int) -> None:
        """Overwrite many visible slots, each named once; all old values go to the undo first."""
        listed, old = slots.tolist(), self._gather(slots).values()
        self.overwrites.add_all(listed, old, position)
        self._undo_log.note_all(self, listed, old, position)
        self.last_change = position
        self.overwrite(slots, values)

    def _put(self, slot: int, value: Value) -> None:
        state = self.state
        if state.form is Form.LIST:
            state.data[slot] = value
        elif value is None:
            state.present[slot] = False
            state.misfits.pop(slot, None)
        elif form_for(value) is not state.form:
            if len(state.misfits) + 1 > max(4, int(self.length * MISFIT_FRACTION)):
                self._to_list()
                self._reserve(slot + 1)
                self.state.data[slot] = value
            else:
                state.misfits[slot] = value
                state.present[slot] = False
        else:
            if state.form in TEMPORAL_KINDS:
                for array, number in zip((state.data, *state.rest), numbers_of(value, state.zones), strict=True):
                    array[slot] = number
            else:
                state.data[slot] = value if state.dictionary is None else state.dictionary.intern(value)
            state.present[slot] = True
            if state.misfits:
                state.misfits.pop(slot, None)

    def overwrite(self, slots: IntArray, values: Column) -> None:
        """New values of slots, each named once, whose old values nobody can ask for: no undo is kept."""
        if isinstance(values, ListColumn):
            values = typed(values)
        if self.state.form is Form.EMPTY:
            first = next((value for value in values.values() if value is not None), None)
            if first is None:
                return
            self.state = started(form_for(first))
        form = form_of(values)
        stop = int(slots.max()) + 1
        self._reserve(stop)
        self.length = max(self.length, stop)
        self._dirty.update((slots // CHUNK_ROWS).tolist())
        state = self.state
        if isinstance(values, TypedColumn) and not state.misfits and form is state.form:
            state.data[slots] = values.data
            state.present[slots] = True if values.mask is None else ~values.mask
        elif form is Form.STRING and state.dictionary is not None and not state.misfits:
            codes = codes_of(values, state.dictionary)
            state.data[slots] = np.maximum(codes, 0)
            state.present[slots] = codes >= 0
        else:
            for slot, value in zip(slots.tolist(), values.values(), strict=True):
                self._put(slot, value)

    def forget(self, slot: int, position: int) -> None:
        """Drop the undo of one overwrite; called by the undo log."""
        self.overwrites.forget(slot, position)

    # --- forms

    def _reserve(self, length: int) -> None:
        state = self.state
        if state.form is Form.LIST:
            if length > len(state.data):
                state.data.extend([None] * (length - len(state.data)))
            return
        used = self.length
        data = grown(state.data, length, used)
        present = grown(state.present, len(data), used)
        if data is not state.data or present is not state.present:
            rest = tuple(grown(array, len(data), used) for array in state.rest)
            self._mapped = set()
            self.state = replace(state, data=data, present=present, rest=rest, writable=True)
        elif not state.writable:
            self.state = replace(state, writable=True)

    def _to_list(self) -> None:
        self._dirty.update(chunks_of(self.length))
        self._mapped = set()
        self.state = State(Form.LIST, [self.newest(slot) for slot in range(self.length)])

    # --- dump and load

    def pin(self) -> ColumnPin:
        """What a checkpoint has to write; called by the writer. What is written to from now on is the next one's."""
        pinned = ColumnPin(self.length, frozenset(self._dirty))
        self._dirty = set()
        return pinned

    def unpin(self, pin: ColumnPin) -> None:
        """The checkpoint failed; called by the writer."""
        self._dirty |= pin.dirty

    def dump(self, name: str, pin: ColumnPin, position: int) -> Iterator[Section]:
        """The column as of ``position``, where ``pin`` was taken: a head, and then the chunks.

        The writer may go on meanwhile. A chunk that nothing was written to is the section of the last checkpoint.
        """
        held = self._held(name, pin)
        if held is not None:
            yield from held
            return
        state = self.state
        form = state.form if pin.length else Form.EMPTY
        metadata: dict[str, Value] = {"form": int(form), "length": pin.length}
        for chunk in chunks_of(pin.length):
            known = self._known(f"{name}-{chunk}", chunk, pin, form)
            yield known or self._chunk(f"{name}-{chunk}", state, chunk_slice(chunk, pin.length), position)
        arrays: dict[str, NDArray[Any]] = {}
        if state.zones is not None:
            arrays["zones"] = encoded([list(entry) for entry in state.zones.entries()])
        if state.dictionary is not None:
            metadata["strings"] = count = len(state.dictionary)  # last: the chunks' codes are below it
            yield from state.dictionary.dump(f"{name}-strings", count)
        yield Section(name, arrays, metadata)

    def _chunk(self, name: str, state: State, rows: slice, position: int) -> Section:
        """Some rows as of ``position``: copied first, and then put back what they held before younger writes."""
        start, count = rows.start, rows.stop - rows.start
        metadata: dict[str, Value] = {"rows": count, "form": int(state.form)}
        if state.form is Form.LIST:
            values = state.data[rows]
            values += [None] * (count - len(values))
            for slot in self._since(rows, position):
                values[slot - start] = self.overwrites.old(slot, position, values[slot - start])
            return Section(name, encoded_pieces(values), metadata)
        arrays = {"data": state.data[rows].copy()}
        arrays |= {f"data_{i}": array[rows].copy() for i, array in enumerate(state.rest, 1)}
        present = state.present[rows].copy()
        misfits = {s: v for s, v in list(state.misfits.items()) if rows.start <= s < rows.stop}
        for slot in self._since(rows, position):
            old = self.overwrites.old(slot, position, misfits.pop(slot, None))
            numbers = numbers_in(state, old)
            present[slot - start] = numbers is not None
            if numbers is not None:
                for array, number in zip(arrays.values(), numbers, strict=True):
                    array[slot - start] = number
            elif old is not None:
                misfits[slot] = old
        if misfits:
            ordered = sorted(misfits)
            arrays |= {"misfit_slots": np.array(ordered, np.int64), "misfits": encoded([misfits[s] for s in ordered])}
        if state.form in (Form.INTEGER, Form.FLOAT) and present.any():
            shown = arrays["data"].compress(present)
            low, high = shown.min().item(), shown.max().item()
            if low == low and abs(low) != inf and abs(high) != inf:
                metadata |= {"min": low, "max": high}
        if not present.all():
            arrays["present"] = present
        return Section(name, arrays, metadata)

    def _since(self, rows: slice, position: int) -> list[int]:
        """The slots among ``rows`` that were overwritten after ``position``."""
        if self.last_change <= position:
            return []
        slots = self.overwrites.since(position)
        return slots[slice(*np.searchsorted(slots, [rows.start, rows.stop]))].tolist()

    def _held(self, name: str, pin: ColumnPin) -> Sequence[Section] | None:
        """The sections of the last checkpoint, where nothing has changed since."""
        head = next((section for section in self._files if section.name == name), None)
        same = head is not None and not pin.dirty and head.metadata["length"] == pin.length
        return self._files if same else None

    def _known(self, name: str, chunk: int, pin: ColumnPin, form: Form) -> Section | None:
        known = self._sections.get(chunk)
        if known is None or chunk in pin.dirty or known.name != name or known.metadata["form"] != int(form):
            return None
        rows = chunk_slice(chunk, pin.length)
        return known if known.metadata["rows"] == rows.stop - rows.start else None

    def installed(self, name: str, sections: Sequence[Section]) -> None:
        """The sections of a dump are in files now, which stand in for memory where they can. Called by the writer."""
        self._keep(name, sections)
        state = self.__dict__.get("state")
        if state is None or state.form in (Form.EMPTY, Form.LIST):
            if state is not None and isinstance(state.data, PiecedList) and not self._dirty:
                self.state = replace(state, data=state.data.over(list(self._sections.values())))
            return
        for chunk, section in self._sections.items():
            rows = chunk_slice(chunk, self.length)
            clean = chunk not in self._dirty and chunk not in self._mapped
            if clean and section.metadata["rows"] == CHUNK_ROWS and section.metadata["form"] == int(state.form):
                for part, array in state.arrays().items():
                    if part in section.arrays and is_region(array):
                        place(section, part, array[rows], trusted=True)
                self._mapped.add(chunk)
        whole = not self._dirty and not any("present" in s.arrays for s in self._sections.values())
        if whole and is_region(state.present):
            self.state = replace(state, present=np.broadcast_to(np.True_, len(state.data)), writable=False)
        if state.dictionary is not None:
            strings = [s for s in sections if s.name.startswith(f"{name}-strings-")]
            state.dictionary.installed(strings, self._head(name).metadata["strings"])

    def _head(self, name: str) -> Section:
        return next(section for section in self._files if section.name == name)

    def _keep(self, name: str, sections: Sequence[Section]) -> None:
        self._files = sections
        by_name = {section.name: section for section in sections}
        self._sections = {chunk: by_name[f"{name}-{chunk}"] for chunk in chunks_of(by_name[name].metadata["length"])}

    def load(self, name: str, sections: Sequence[Section], cache: DecodedCache | None = None) -> None:
        """The inverse of ``dump``, for a new column; nothing is read before it is used. ``cache``: for pieces of it."""
        self._keep(name, sections)
        head = self._head(name)
        self.length = head.metadata["length"]
        chunks = list(self._sections.values())
        strings = [s for s in sections if s.name.startswith(f"{name}-strings-")]
        self.read_later(state=lambda: read_state(head, chunks, strings, cache))


@dataclass(frozen=True, slots=True)
class ColumnPin:
    """A column when a checkpoint began: its length, and the chunks that were written to since the last one."""

    length: int
    dirty: frozenset[int]
