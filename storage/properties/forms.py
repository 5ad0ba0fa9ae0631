"""How a property column keeps its values: the forms, their arrays, and which form holds a value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from memoradb.core.columns import BoolArray, Column, ConstantColumn, Kind, ListColumn, StringColumn, TypedColumn, lift
from memoradb.core.regions import CHUNK_ROWS, allocate
from memoradb.core.temporal_columns import (
    DTYPES,
    KINDS,
    TYPES,
    ZONED,
    TemporalColumn,
    TemporalKind,
    numbers_of,
    valid,
)
from memoradb.core.values import Value
from memoradb.core.zones import ZoneDictionary

from ..section import Section, assembled, chunk_slice, place
from .dictionary import StringDictionary
from .pieced import DecodedCache, PiecedList, decoded_cache
from .pieces import decoded


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


TEMPORAL_KINDS = {Form[kind.name]: kind for kind in TemporalKind}
FORM_DTYPES: dict[Form, type] = {
    Form.INTEGER: np.int64,
    Form.FLOAT: np.float64,
    Form.BOOLEAN: np.bool_,
    Form.STRING: np.int32,
    **{form: DTYPES[kind][0] for form, kind in TEMPORAL_KINDS.items()},
}
VALUE_KINDS = {Form.INTEGER: Kind.INTEGER, Form.FLOAT: Kind.FLOAT, Form.BOOLEAN: Kind.BOOLEAN}
_FORMS: dict[type, Form] = {
    int: Form.INTEGER,
    float: Form.FLOAT,
    bool: Form.BOOLEAN,
    str: Form.STRING,
    **{TYPES[kind]: form for form, kind in TEMPORAL_KINDS.items()},
}
PLAIN_FORMS: dict[type, Form] = {int: Form.INTEGER, float: Form.FLOAT, bool: Form.BOOLEAN, str: Form.STRING}
"""Of types that take one array, and need no look at the value."""
_FROM_KIND = {Kind.INTEGER: Form.INTEGER, Kind.FLOAT: Form.FLOAT, Kind.BOOLEAN: Form.BOOLEAN}

_NOTHING = np.zeros(0, np.bool_)


@dataclass(frozen=True, slots=True)
class State:
    """Form and arrays. The arrays' items change in place, under the protection of the undo."""

    form: Form
    data: Any
    """numpy array of the form's type; for LIST a list, or one in pieces, which may be shorter than the column."""
    present: BoolArray = field(default_factory=lambda: _NOTHING)
    dictionary: StringDictionary | None = None
    misfits: dict[int, Value] = field(default_factory=dict)
    """Values of another type than the form's, by slot; such a slot is not ``present``."""
    rest: tuple[NDArray[np.int32], ...] = ()
    """The other arrays of a temporal form that has several, each as long as ``data``."""
    zones: ZoneDictionary | None = None
    """Of the temporal forms with a zone."""
    writable: bool = False
    """Whether the arrays are known to be no file's: only then may they be written without a look at them."""

    def arrays(self) -> dict[str, NDArray[Any]]:
        """By their names in a checkpoint."""
        return {
            "data": self.data,
            "present": self.present,
            **{f"data_{i}": array for i, array in enumerate(self.rest, 1)},
        }

    def numbers(self, slot: int) -> list[int]:
        """A slot's row in the arrays of a temporal form."""
        return [array[slot].item() for array in (self.data, *self.rest)]


EMPTY = State(Form.EMPTY, [])
"""Shared: nothing is ever written to it."""


def started(form: Form) -> State:
    """A column of a form, without any value."""
    if form is Form.LIST:
        return State(form, [])
    dictionary = StringDictionary() if form is Form.STRING else None
    kind = TEMPORAL_KINDS.get(form)
    rest = () if kind is None else tuple(np.zeros(0, np.int32) for _ in DTYPES[kind][1:])
    zones = ZoneDictionary() if kind in ZONED else None
    return State(form, np.zeros(0, FORM_DTYPES[form]), np.zeros(0, np.bool_), dictionary, rest=rest, zones=zones)


def read_state(
    head: Section, chunks: Sequence[Section], strings: Sequence[Section], cache: DecodedCache | None
) -> State:
    """A column's state out of the sections of a checkpoint; ``cache`` is for what is decoded in pieces."""
    form, length = Form(head.metadata["form"]), head.metadata["length"]
    if form is Form.EMPTY:
        return EMPTY
    if form is Form.LIST:
        return State(form, PiecedList(chunks, CHUNK_ROWS, cache or decoded_cache()))
    data = assembled(chunks, "data", length, FORM_DTYPES[form])
    present: BoolArray = np.broadcast_to(np.True_, len(data))
    if any("present" in chunk.arrays for chunk in chunks):
        present = allocate(len(data), np.bool_)
        for number, chunk in enumerate(chunks):
            rows = present[chunk_slice(number, length)]
            if "present" in chunk.arrays:
                place(chunk, "present", rows)
            else:
                rows[:] = True
    misfits: dict[int, Value] = {}
    for chunk in chunks:
        if "misfits" in chunk.arrays:
            slots = chunk.arrays["misfit_slots"].tolist()
            misfits.update(zip(slots, decoded(chunk.arrays["misfits"]), strict=True))
    dictionary = StringDictionary.load(strings, head.metadata["strings"]) if form is Form.STRING else None
    kind = TEMPORAL_KINDS.get(form)
    parts = () if kind is None else DTYPES[kind][1:]
    rest = tuple(assembled(chunks, f"data_{i}", length, dtype) for i, dtype in enumerate(parts, 1))
    zones = None
    if kind in ZONED:
        zones = ZoneDictionary([(offset, name) for offset, name in decoded(head.arrays["zones"])])
    return State(form, data, present, dictionary, misfits, rest, zones)


def form_of(values: Column) -> Form:
    """The form that holds a column's values."""
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
        return Form.LIST if form in TEMPORAL_KINDS and not isinstance(values, ConstantColumn) else form
    return Form.LIST


def form_for(value: Value) -> Form:
    """The form that holds one value."""
    form = _FORMS.get(type(value), Form.LIST)
    return Form.LIST if form in TEMPORAL_KINDS and not valid(value) else form


def codes_of(values: Column, dictionary: StringDictionary) -> NDArray[np.int32]:
    """The codes of strings, given now where they have none; -1 for null."""
    if isinstance(values, ConstantColumn):
        return np.full(values.length, dictionary.intern(values.value), np.int32)
    return np.array(dictionary.intern_all(values.values()), np.int32)


def typed(column: ListColumn) -> Column:
    """Dates and times as integers, where that is what a list holds; else the list."""
    first = next((v for v in column.items if v is not None), None)
    return lift(column.items) if type(first) in KINDS else column


def numbers_in(state: State, value: Value) -> Sequence[Any] | None:
    """A value as it stands in the arrays, None where it does not."""
    if value is None or form_for(value) is not state.form:
        return None
    if state.form in TEMPORAL_KINDS:
        return numbers_of(value, state.zones)
    if state.dictionary is None:
        return (value,)
    code = state.dictionary.code(value)
    return None if code < 0 else (code,)
