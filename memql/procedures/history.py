"""``db.history`` and ``db.changes``: what became of an element, and what happened in a stretch of time.

Both see what their statement sees: nothing later than its snapshot, nor than the moment of its AS OF.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

import numpy as np

from memoradb.core.errors import ArgumentError, ProcedureError, TypeMismatch
from memoradb.core.semantics import type_name
from memoradb.core.serde import encode
from memoradb.core.values import INTEGER_MAX, NodeRef, RelationshipRef, Value
from memoradb.storage.view import Element

from ..changes import Change, States, changes_of
from ..past import Past, time_of, utc_ns

if TYPE_CHECKING:
    from ..exec.context import Context

Rows = Iterator[dict[str, Value]]

HISTORY_OUTPUTS: Final = [
    ("transaction", "INTEGER?"),
    ("time", "DATETIME?"),
    ("position", "INTEGER"),
    ("change", "STRING"),
    ("labels", "LIST?"),
    ("type", "STRING?"),
    ("properties", "MAP"),
    ("before", "MAP"),
    ("after", "MAP"),
]
CHANGES_OUTPUTS: Final = [
    ("transaction", "INTEGER"),
    ("time", "DATETIME"),
    ("position", "INTEGER"),
    ("element", "STRING"),
    ("kind", "STRING"),
    ("change", "STRING"),
    ("labels", "LIST?"),
    ("type", "STRING?"),
    ("before", "MAP?"),
    ("after", "MAP?"),
]

_ELEMENT_ID: Final = re.compile(r"([nr]):(.+):(\d{1,19})")


def _past(context: Context) -> Past:
    if context.past is None:
        raise ProcedureError("There is no history here.", phase="runtime")
    return context.past


# --- one element


def history(context: Context, element: Value) -> Rows:
    """Every version of an element that is kept, oldest first."""
    past = _past(context)
    kind, identity = _named(element, context, past)
    held: dict[str, Value] = {}
    for version in past.history.element_history(kind, identity, context.position, context.check):
        now = dict(version.properties)
        changed = sorted(key for key in held.keys() | now.keys() if _differ(held, now, key))
        kept = version.kind == "kept"
        yield {
            "transaction": None if kept else version.transaction,
            "time": None if kept else time_of(version.time_us),
            "position": version.position,
            "change": version.kind,
            "labels": list(version.labels) if kind is Element.NODE else None,
            "type": version.type,
            "properties": now,
            "before": {key: held[key] for key in changed if key in held},
            "after": {key: now[key] for key in changed if key in now},
        }
        held = now


def _differ(held: Mapping[str, Value], now: Mapping[str, Value], key: str) -> bool:
    """Whether a property was put, removed or changed: to the last bit, for 1 and 1.0 are two values."""
    return key not in held or key not in now or encode(held[key]) != encode(now[key])


def _named(element: Value, context: Context, past: Past) -> tuple[Element, int]:
    """Which element an argument names: one at hand, or one by its element id, which may be gone."""
    if isinstance(element, (NodeRef, RelationshipRef)):
        kind = Element.NODE if isinstance(element, NodeRef) else Element.RELATIONSHIP
        return kind, int(context.view.ids(kind, np.array([element.slot], np.int64))[0])
    if not isinstance(element, str):
        raise TypeMismatch(f"db.history takes a node, a relationship or an element id, not {type_name(element)}.")
    found = _ELEMENT_ID.fullmatch(element)
    if found is None or int(found[3]) > INTEGER_MAX:
        raise ArgumentError(f"`{element}` is no element id.", hint="elementId(n) gives that of a node or relationship.")
    if found[2] != past.uuid:
        raise ArgumentError(f"`{element}` is an element of another graph.")
    return Element.NODE if found[1] == "n" else Element.RELATIONSHIP, int(found[3])


# --- a stretch of time


def changes(context: Context, start: Value, end: Value = None) -> Rows:
    """What happened to each element from a transaction or a time to another, both included."""
    past = _past(context)
    after = _before(start, past, context.position)
    upto = context.position if end is None else min(_upto(end, past, context.position), context.position)
    if after >= upto:
        return
    states = States(past.history.at(after))
    for commit in past.history.changes(after, upto):
        context.check()
        for change in changes_of(commit.changeset, past.uuid):
            yield {
                "transaction": commit.transaction,
                "time": time_of(commit.time_us),
                "position": commit.position,
                "element": change.element,
                "kind": change.kind,
                "change": change.change,
                **_sides(change, states),
            }


def _sides(change: Change, states: States) -> dict[str, Value]:
    """Labels or type, and what changed: all properties of an element that comes or goes, else those that changed."""
    if change.kind == "index":
        return {"labels": None, "type": None, "before": None, "after": None}
    before, after = states.before(change), states.apply(change)
    shown = after or before
    old = {} if before is None else before.properties
    if change.change == "changed":
        earlier: Value = {key: old[key] for key in change.properties if key in old}
        later: Value = {key: value for key, value in change.properties.items() if value is not None}
    else:
        earlier = None if before is None else old
        later = None if after is None else after.properties
    return {
        "labels": list(shown.labels) if shown is not None and change.kind == "node" else None,
        "type": None if shown is None else shown.type,
        "before": earlier,
        "after": later,
    }


def _before(start: Value, past: Past, newest: int) -> int:
    """The position right before a transaction or a time; null is the oldest one that is kept."""
    history = past.history
    if start is None:
        return history.horizon
    if type(start) is int:
        return newest if start > _newest(past, newest) else history.position_of_transaction(max(0, start - 1))
    return history.position_at(utc_ns(start, "db.changes") // 1_000 - 1)


def _upto(end: Value, past: Past, newest: int) -> int:
    """The position of a transaction or a time; what is yet to come ends with the newest."""
    if type(end) is int:
        if end < 0:
            raise ArgumentError(f"A transaction has a number of 0 or more, not {end}.")
        return newest if end > _newest(past, newest) else past.history.position_of_transaction(end)
    return past.history.position_at(utc_ns(end, "db.changes") // 1_000)


def _newest(past: Past, position: int) -> int:
    """The number of the newest transaction up to a position."""
    commit = past.history.commit_at(position)
    return 0 if commit is None else commit.transaction
