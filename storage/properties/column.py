"""One property key's values for all elements of a kind, in place, with undo (DESIGN 5.2).

A column starts in the form of its first values: numbers and booleans in arrays with a null mask, strings as dictionary
codes, anything else as a Python list. A typed column keeps a few values of other types aside (*misfits*) and becomes a
list only when they are many. A write publishes what was there, with its log position, before it changes the array: a
reader gathers first and looks at the undo afterwards, so it always finds the old value of what it saw too new.
"""

from __future__ import annotations

from collections.abc import Sequence
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
)
from memoradb.core.limits import MISFIT_FRACTION
from memoradb.core.values import Value

from .dictionary import StringDictionary


class Form(IntEnum):
    """How a column keeps its values."""

    EMPTY = 0
    INTEGER = 1
    FLOAT = 2
    BOOLEAN = 3
    STRING = 4
    LIST = 5
    PENDING = 6  # a list that is still bytes: decoded when first touched


_DTYPES = {Form.INTEGER: np.int64, Form.FLOAT: np.float64, Form.BOOLEAN: np.bool_, Form.STRING: np.int32}
_KINDS = {Form.INTEGER: Kind.INTEGER, Form.FLOAT: Kind.FLOAT, Form.BOOLEAN: Kind.BOOLEAN}
_FORMS: dict[type, Form] = {int: Form.INTEGER, float: Form.FLOAT, bool: Form.BOOLEAN, str: Form.STRING}
_FROM_KIND = {Kind.INTEGER: Form.INTEGER, Kind.FLOAT: Form.FLOAT, Kind.BOOLEAN: Form.BOOLEAN}

STRING_MEAN_MAX = 200
"""Long strings are hardly ever repeated: beyond this mean length a column of them is a list."""


class PropertyColumn:
    """Values by slot. ``length`` slots have been written to; beyond it everything is null."""

    def __init__(self) -> None:
        self.form = Form.EMPTY
        self.length = 0
        self.data: Any = None
        self.present: BoolArray | None = None
        self.dictionary: StringDictionary | None = None
        self.misfits: dict[int, Value] = {}
        self.undo: dict[int, list[tuple[int, Value]]] = {}
        self._pending: Any = b""
        self.last_change = -1
        """Log position of the newest overwrite: a snapshot at or after it needs no undo."""

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
            changes = self.undo.get(slot)
            if changes is not None:
                for at, old in changes:
                    if at > position:
                        return old
        return value

    def newest(self, slot: int) -> Value:
        """The value now, committed or being applied: for the writer."""
        if slot >= self.length:
            return None
        if self.form >= Form.LIST:
            self._settle()
            return self.data[slot]
        present = self.present
        if present is None or not present[slot]:
            return self.misfits.get(slot) if self.misfits else None
        value = self.data[slot].item()
        return self.dictionary.string(value) if self.form == Form.STRING and self.dictionary is not None else value

    def _gather(self, slots: IntArray) -> Column:
        if self.form == Form.PENDING:
            self._settle()
        form, data, present, length = self.form, self.data, self.present, self.length
        if form == Form.EMPTY or not len(slots):
            return ConstantColumn(None, len(slots))
        if form == Form.LIST:
            return ListColumn([data[s] if s < length else None for s in slots.tolist()])
        assert present is not None
        beyond = None
        if int(slots.max()) >= length:
            beyond = slots >= length
            slots = np.where(beyond, 0, slots)
        there = present.take(slots)
        if beyond is not None:
            there &= ~beyond
        values = data.take(slots)
        whole = bool(there.all())
        if self.misfits and not whole:
            return self._with_misfits(slots, beyond, values, there)
        if form == Form.STRING:
            assert self.dictionary is not None
            return StringColumn(values if whole else np.where(there, values, -1).astype(np.int32), self.dictionary)
        return TypedColumn(_KINDS[form], values, None if whole else ~there)

    def _with_misfits(
        self, slots: IntArray, beyond: BoolArray | None, values: NDArray[Any], there: BoolArray
    ) -> Column:
        odd = [i for i in np.flatnonzero(~there).tolist() if int(slots[i]) in self.misfits]
        if beyond is not None:
            odd = [i for i in odd if not beyond[i]]
        if self.form == Form.STRING:
            assert self.dictionary is not None
            plain: Column = StringColumn(np.where(there, values, -1).astype(np.int32), self.dictionary)
        else:
            plain = TypedColumn(_KINDS[self.form], values, ~there)
        if not odd:
            return plain
        items = list(plain.values())
        for i in odd:
            items[i] = self.misfits[int(slots[i])]
        return ListColumn(items)

    def _patched(self, column: Column, slots: IntArray, position: int) -> Column:
        undo = self.undo
        changed: dict[int, Value] = {}
        for i, slot in enumerate(slots.tolist()):
            changes = undo.get(slot)
            if changes is None:
                continue
            for at, old in changes:
                if at > position:
                    changed[i] = old
                    break
        if not changed:
            return column
        items = list(column.values())
        for i, old in changed.items():
            items[i] = old
        return ListColumn(items)

    def present_slots(self) -> IntArray:
        """Slots that hold a value now, ascending."""
        self._settle()
        if self.form == Form.EMPTY:
            return np.zeros(0, np.int64)
        if self.form == Form.LIST:
            return np.array([i for i, v in enumerate(self.data[: self.length]) if v is not None], np.int64)
        assert self.present is not None
        found = np.flatnonzero(self.present[: self.length])
        return np.union1d(found, np.array(sorted(self.misfits), np.int64)) if self.misfits else found

    # --- writing: one writer at a time

    def append(self, start: int, values: Column) -> None:
        """Values of new slots from ``start`` on; nobody can see them yet, so no undo is needed."""
        self._settle()
        count = len(values)
        form = self._form_of(values)
        if form == Form.EMPTY:
            return
        if self.form == Form.EMPTY:
            self._start(form)
        self._reserve(start + count)
        if self.form == Form.LIST:
            self.data[start : start + count] = values.values()
            self.length = max(self.length, start + count)
            return
        if form == self.form and isinstance(values, TypedColumn):
            self.data[start : start + count] = values.data
            self.present[start : start + count] = True if values.mask is None else ~values.mask  # pyright: ignore[reportOptionalSubscript]
            self.length = max(self.length, start + count)
            return
        if form == self.form and form == Form.STRING:
            self._append_strings(start, values)
            return
        self.length = max(self.length, start + count)
        for i, value in enumerate(values.values()):
            if value is not None:
                self._put(start + i, value)

    def _append_strings(self, start: int, values: Column) -> None:
        assert self.dictionary is not None and self.present is not None
        intern = self.dictionary.intern
        items = values.values()
        codes = np.fromiter((-1 if v is None else intern(v) for v in items), np.int32, len(items))
        self.data[start : start + len(items)] = np.maximum(codes, 0)
        self.present[start : start + len(items)] = codes >= 0
        self.length = max(self.length, start + len(items))
        self._maybe_plain()

    def _maybe_plain(self) -> None:
        """Strings that are mostly distinct and long are kept as they are."""
        distinct = len(self.dictionary or ())
        if distinct < 4096 or distinct * 4 < self.length:
            return
        sample = self.dictionary.strings()[-1024:] if self.dictionary is not None else []
        if sum(map(len, sample)) > STRING_MEAN_MAX * len(sample):
            self._to_list()

    def put(self, slot: int, value: Value, position: int) -> None:
        """Overwrite one visible slot; the old value goes to the undo first."""
        self._settle()
        self.undo.setdefault(slot, []).append((position, self.newest(slot)))
        self.last_change = position
        if value is not None and self.form == Form.EMPTY:
            self._start(_FORMS.get(type(value), Form.LIST))
        if self.form == Form.EMPTY:
            return
        self._reserve(slot + 1)
        self.length = max(self.length, slot + 1)
        self._put(slot, value)

    def _put(self, slot: int, value: Value) -> None:
        if self.form == Form.LIST:
            self.data[slot] = value
            return
        assert self.present is not None
        if value is None:
            self.present[slot] = False
            self.misfits.pop(slot, None)
            return
        form = _FORMS.get(type(value), Form.LIST)
        if form != self.form:
            if self._too_many_misfits():
                self._to_list()
                self.data[slot] = value
                return
            self.misfits[slot] = value
            self.present[slot] = False
            return
        if form == Form.STRING:
            assert self.dictionary is not None
            value = self.dictionary.intern(value)
        self.data[slot] = value
        self.present[slot] = True
        if self.misfits:
            self.misfits.pop(slot, None)

    def prune(self) -> None:
        """No snapshot is older than the newest state: forget the undo."""
        if self.undo:
            self.undo = {}

    # --- forms

    def _form_of(self, values: Column) -> Form:
        if isinstance(values, TypedColumn):
            return _FROM_KIND.get(values.kind, Form.LIST)
        if isinstance(values, StringColumn):
            return Form.STRING
        items = [values.value] if isinstance(values, ConstantColumn) else values.values()
        kinds = {type(v) for v in items}
        kinds.discard(type(None))
        if not kinds:
            return Form.EMPTY
        if len(kinds) == 1:
            return _FORMS.get(kinds.pop(), Form.LIST)
        return Form.LIST if len(items) > 8 or self.form == Form.EMPTY else self.form

    def _settle(self) -> None:
        """Decode a list that was left as bytes when the database was opened."""
        if self.form != Form.PENDING:
            return
        from memoradb.core.serde import decode_column

        items = list(decode_column(bytes(self._pending)).values())
        if self.form == Form.PENDING:  # two readers may have decoded; either's list serves
            self.__dict__.update(data=items, form=Form.LIST, _pending=b"")

    def _start(self, form: Form) -> None:
        if form == Form.LIST:
            self.data = []
        else:
            self.data = np.zeros(0, _DTYPES[form])
            self.present = np.zeros(0, np.bool_)
            if form == Form.STRING:
                self.dictionary = StringDictionary()
        self.form = form

    def _reserve(self, length: int) -> None:
        if self.form == Form.LIST:
            missing = length - len(self.data)
            if missing > 0:
                self.data.extend([None] * missing)
            return
        assert self.present is not None
        if len(self.data) < length or not self.data.flags.writeable:
            # Readers keep the arrays they hold; values come before presence.
            size = max(length, 16, len(self.data) * 2 if len(self.data) < length else len(self.data))
            data, present = np.zeros(size, self.data.dtype), np.zeros(size, np.bool_)
            data[: len(self.data)] = self.data
            present[: len(self.present)] = self.present
            self.data, self.present = data, present

    def _too_many_misfits(self) -> bool:
        return len(self.misfits) + 1 > max(4, int(self.length * MISFIT_FRACTION))

    def _to_list(self) -> None:
        items = [self.newest(s) for s in range(self.length)]
        items.extend([None] * (len(self.data) - self.length))
        # One attribute at a time could be seen half done by a reader: state is replaced as a whole.
        self.__dict__.update(data=items, form=Form.LIST)

    # --- dump and load

    def dump(self, count: int) -> tuple[dict[str, NDArray[Any]], dict[str, Value]]:
        """Arrays and metadata of the first ``count`` slots."""
        from memoradb.core.serde import encode_column

        self._settle()
        if self.form in (Form.EMPTY, Form.LIST):
            items = list(self.data[:count]) if self.form == Form.LIST else []
            raw = np.frombuffer(encode_column(ListColumn(items)), np.uint8)
            return {"values": raw}, {"form": int(self.form), "length": len(items)}
        assert self.present is not None
        length = min(self.length, count)
        arrays = {"data": self.data[:length], "present": self.present[:length]}
        metadata: dict[str, Value] = {"form": int(self.form), "length": length}
        if self.misfits:
            slots = sorted(s for s in self.misfits if s < count)
            arrays["misfit_slots"] = np.array(slots, np.int64)
            column = ListColumn([self.misfits[s] for s in slots])
            arrays["misfits"] = np.frombuffer(encode_column(column), np.uint8)
        if self.form == Form.STRING:
            assert self.dictionary is not None
            arrays["strings"] = np.frombuffer(encode_column(ListColumn(list(self.dictionary.strings()))), np.uint8)
        return arrays, metadata

    @staticmethod
    def load(arrays: dict[str, NDArray[Any]], metadata: dict[str, Value]) -> PropertyColumn:
        """The inverse of ``dump``; arrays may be read-only maps, which the first write copies."""
        from memoradb.core.serde import decode_column

        column = PropertyColumn()
        column.form = Form(metadata["form"])
        column.length = metadata["length"]
        if column.form == Form.EMPTY:
            return column
        if column.form == Form.LIST:
            column._pending = arrays["values"].data  # a view: nothing is read yet
            column.form = Form.PENDING
            return column
        column.data, column.present = arrays["data"], arrays["present"]
        if "misfits" in arrays:
            values = decode_column(arrays["misfits"].tobytes()).values()
            column.misfits = dict(zip(arrays["misfit_slots"].tolist(), values, strict=True))
        if column.form == Form.STRING:
            strings: Sequence[str] = decode_column(arrays["strings"].tobytes()).values()
            column.dictionary = StringDictionary(list(strings))
        return column
