"""Whole graphs from files: parts as transactions, bad rows left out, and an import that was interrupted taken up.

How far an import has come is a *note* of the graph (``storage.store.GraphStore.notes``), written by the same
transaction as the part itself: after any crash a part is in with its mark, or neither is. The note's name is a hash of
the files and options; it says for each part of nodes which ids they got, so that taking up an import reads the files
of nodes again and knows what they are called, without making them twice. A finished import leaves a small note, so that
resuming it once more does nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Final

import numpy as np

from memoradb.core.codec import digest
from memoradb.core.columns import Column, IntArray
from memoradb.core.errors import ArgumentError, ConfigurationError, ConstraintError, EntityNotFound, TypeMismatch
from memoradb.core.semantics import check_storable
from memoradb.core.serde import encode
from memoradb.storage.engine import Engine
from memoradb.storage.view import Element

from .bad_rows import BadRow, BadRows
from .columns import check_name
from .ids import IdMap, Keys
from .rows import NodeRows, RelationshipRows, Source

NOTE: Final = "import:"
"""What the names of notes about imports begin with."""

Report = Callable[[str, float], None] | None
"""Takes what is being done, and the share done."""


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did; ``resumed`` counts the parts that an earlier attempt had loaded."""

    nodes: int
    relationships: int
    bad_rows: int = 0
    resumed: int = 0


@dataclass(slots=True)
class _Done:
    """How far an import is: as its note says."""

    parts: list[list[list[int]]] = field(default_factory=list)
    """Of nodes, in order: the (first id, count) of each run of consecutive ids that the part's nodes got."""
    relationship_parts: int = 0
    nodes: int = 0
    relationships: int = 0
    bad: int = 0
    bad_size: int = 0
    finished: bool = False

    def note(self) -> list[Any]:
        """As a value for the graph's notes."""
        parts = [] if self.finished else [list(part) for part in self.parts]
        return [
            parts,
            self.relationship_parts,
            self.nodes,
            self.relationships,
            self.bad,
            self.bad_size,
            self.finished,
        ]

    @staticmethod
    def of(note: Any) -> _Done:
        """The inverse."""
        return _Done(*note)


class GraphImport:
    """One import. ``run`` it once."""

    def __init__(
        self,
        engine: Engine,
        source: Source,
        *,
        bad_rows: BadRows,
        resume: bool | None = None,
        match: Mapping[str, tuple[str, str]] | None = None,
        report: Report = None,
    ) -> None:
        """An import into ``engine``.

        Args:
            engine: where to.
            source: the files.
            bad_rows: takes what cannot be loaded.
            resume: go on where an earlier attempt stopped; False begins anew all the same, None refuses to.
            match: by space the (label, property) of nodes that are there already.
            report: told how far it is.
        """
        self._engine = engine
        self._source = source
        self._bad = bad_rows
        self._report = report
        self._match = dict(match or {})
        self._spaces: dict[str, IdMap] = {}
        self._name = NOTE + digest(encode(_plain([source.identity(), sorted(self._match.items())]))).hex()[:32]
        self._done = _Done()
        self._bytes = 0
        self._begin(resume)

    def _begin(self, resume: bool | None) -> None:
        note = self._engine.snapshot().notes.get(self._name)
        if note is None or resume is False:
            return
        done = _Done.of(note)
        if resume:
            self._done = done
        elif not done.finished:
            raise ConfigurationError(
                f"An import of these files was interrupted after {done.nodes:,} nodes and {done.relationships:,} "
                "relationships.",
                hint="Resume it (resume=True, --resume), or begin anew beside what is there (False, --no-resume).",
            )

    def run(self) -> Imported:
        """Load everything.

        Raises:
            TooManyBadRows: more than are tolerated; the parts before are loaded.
            ConstraintError: a row breaks a constraint of the graph.
            ArgumentError, LimitError: a file is damaged or not what it should be.
        """
        done = self._done
        resumed = len(done.parts) + done.relationship_parts
        if done.finished:
            return Imported(done.nodes, done.relationships, done.bad, done.relationship_parts)
        self._bad.begin(done.bad, done.bad_size)
        try:
            for number, rows in enumerate(self._source.nodes()):
                self._nodes(rows, done.parts[number] if number < len(done.parts) else None)
                self._tell("nodes", rows.bytes)
            skipped = done.relationship_parts
            for number, part in enumerate(self._source.relationships()):
                if number >= skipped:
                    self._relationships(part)
                self._tell("relationships", part.bytes)
            done.finished = True
            with self._engine.begin(exclusive=True) as transaction:
                transaction.view.put_note(self._name, done.note())
                transaction.commit()
        finally:
            self._bad.close()
        self._engine.settle()
        return Imported(done.nodes, done.relationships, done.bad, resumed)

    def _tell(self, what: str, bytes: int) -> None:
        self._bytes += bytes
        if self._report is not None:
            self._report(what, min(1.0, self._bytes / self._source.bytes) if self._source.bytes else 1.0)

    # --- nodes

    def _nodes(self, rows: NodeRows, runs: list[list[int]] | None) -> None:
        """One part; ``runs`` are the ids of one that an earlier attempt loaded."""
        space = self._space(rows.space) if rows.keys is not None else None
        bad = list(rows.bad)
        if space is not None and rows.keys is not None:
            again = space.repeated(rows.keys)
            if len(again):
                named = f" in `{rows.space}`" if rows.space else ""
                why = (f"the id {_shown(rows.keys, i)} is there already{named}" for i in again.tolist())
                bad += map(rows.describe, again.tolist(), why)
                rows = rows.take(np.setdiff1d(np.arange(rows.count), again))
        groups = list(rows.labels.groups(rows.count))
        if runs is not None:
            ids = np.concatenate([np.arange(first, first + count) for first, count in runs] or [np.zeros(0, np.int64)])
            if len(ids) != rows.count:
                raise ArgumentError("The files are not those that the interrupted import read.")
        else:
            self._take_bad(bad)
            ids = self._create_nodes(rows, groups)
        if space is not None and rows.keys is not None:
            order = [np.arange(rows.count) if at is None else at for _, at in groups]
            keys = rows.keys if len(order) < 2 else rows.keys.take(np.concatenate(order))
            space.add(keys, ids)

    def _create_nodes(self, rows: NodeRows, groups: list[tuple[tuple[str, ...], IntArray | None]]) -> IntArray:
        done = self._done
        for labels, _ in groups:
            for label in labels:
                check_name(label, "A label")
        found: list[IntArray] = [np.zeros(0, np.int64)]
        runs: list[list[int]] = []
        with _Located(rows), self._engine.begin(exclusive=True) as transaction:
            view = transaction.view
            for labels, at in groups:
                columns = _of_rows(rows.columns, at)
                slots = view.create_nodes(rows.count if at is None else len(at), labels, columns)
                ids = view.ids(Element.NODE, slots)
                found.append(ids)
                if runs and sum(runs[-1]) == int(ids[0]):
                    runs[-1][1] += len(ids)  # nobody else took ids meanwhile: mostly a part has one run
                else:
                    runs.append([int(ids[0]), len(ids)])
            done.parts.append(runs)
            done.nodes += rows.count
            view.put_note(self._name, done.note())
            transaction.commit()
        return np.concatenate(found)

    # --- relationships

    def _relationships(self, rows: RelationshipRows) -> None:
        sources, targets = (self._space(space).find(keys) for space, keys in (rows.starts, rows.ends))
        wrong = (sources < 0) | (targets < 0)
        bad = list(rows.bad)
        untyped = [code for code, option in enumerate(rows.types.options) if not option or not option[0]]
        typeless = np.zeros(rows.count, np.bool_)
        if untyped and rows.count:
            codes = np.zeros(rows.count, np.int64) if rows.types.codes is None else rows.types.codes
            typeless = np.isin(codes, untyped)
        if wrong.any() or typeless.any():
            for row in np.flatnonzero(wrong | typeless).tolist():
                bad.append(rows.describe(row, self._why(rows, row, sources, targets)))
            good = np.flatnonzero(~(wrong | typeless))
            rows, sources, targets = rows.take(good), sources.take(good), targets.take(good)
        self._take_bad(bad)
        done = self._done
        with _Located(rows), self._engine.begin(exclusive=True) as transaction:
            view = transaction.view
            ends = view.slots_of_ids(Element.NODE, sources), view.slots_of_ids(Element.NODE, targets)
            if rows.count and min(int(ends[0].min()), int(ends[1].min())) < 0:
                raise EntityNotFound("A node of this import was deleted meanwhile.", detail="NodeNotFound")
            for names, at in rows.types.groups(rows.count):
                starts, stops = ends if at is None else (ends[0].take(at), ends[1].take(at))
                view.create_relationships(names[0], starts, stops, _of_rows(rows.columns, at))
            done.relationship_parts += 1
            done.relationships += rows.count
            view.put_note(self._name, done.note())
            transaction.commit()

    def _why(self, rows: RelationshipRows, row: int, sources: IntArray, targets: IntArray) -> str:
        for (space, keys), found, what in ((rows.starts, sources, "start"), (rows.ends, targets, "end")):
            if found[row] < 0:
                if keys.key(row) is None:
                    return f"the {what} is missing"
                where = f" in `{space}`" if space else ""
                return f"there is no node {_shown(keys, row)}{where} for the {what}"
        return "the type is missing"

    # --- both

    def _space(self, name: str) -> IdMap:
        """The nodes of one space; at first those that are there already, where the caller said which."""
        found = self._spaces.get(name)
        if found is None:
            found = self._spaces[name] = IdMap()
            if name in self._match:
                label, key = self._match[name]
                view = self._engine.snapshot()
                slots = np.asarray(view.nodes_with_label(label).to_array(), np.int64)
                values = view.property(Element.NODE, slots, key)
                nulls = values.nulls()
                if nulls is not None:
                    there = np.flatnonzero(~nulls)
                    slots, values = slots.take(there), values.take(there)
                ids = view.ids(Element.NODE, slots)
                own = np.zeros(len(ids), np.bool_)
                for first, count in chain.from_iterable(self._done.parts):
                    own |= (ids >= first) & (ids < first + count)  # those come with the files once more
                others = np.flatnonzero(~own)
                keys, ids = Keys.of_column(values.take(others)), ids.take(others)
                again = found.repeated(keys)
                if len(again):
                    raise ArgumentError(
                        f"Several nodes (:{label} {{{key}}}) have the value {_shown(keys, int(again[0]))}, "
                        "so it does not say which one is meant.",
                        hint="Match by a key that is unique.",
                    )
                found.add(keys, ids)
        return found

    def _take_bad(self, bad: list[BadRow]) -> None:
        self._bad.take(sorted(bad, key=lambda row: row.line))
        self._done.bad, self._done.bad_size = self._bad.count, self._bad.size


def _of_rows(columns: Mapping[str, Column], at: IntArray | None) -> Mapping[str, Column]:
    """The columns of some rows, without those that none of them has anything in."""
    if at is None:
        return columns
    found: dict[str, Column] = {}
    for name, column in columns.items():
        taken = column.take(at)
        nulls = taken.nulls()
        if nulls is None or not nulls.all():
            found[name] = taken
    return found


class _Located:
    """Errors inside say which file, and where a value is at fault which row, they are about."""

    def __init__(self, rows: NodeRows | RelationshipRows) -> None:
        self._rows = rows

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        rows = self._rows
        if isinstance(error, TypeMismatch):
            for name, column in rows.columns.items():
                for row, value in enumerate(column.values()):
                    try:
                        check_storable(value)
                    except TypeMismatch as found:
                        place = rows.describe(row, f"`{name}`: {found.message}")
                        raise TypeMismatch(str(place), detail=found.detail, hint=found.hint) from None
        elif isinstance(error, ConstraintError) and rows.count:
            first = rows.describe(0, "")
            error.hint = (
                f"It is in the part that begins at {first.file}:{first.line}. Nothing of this part was loaded; the "
                "parts before it are, and the import can be resumed."
            )


def _shown(keys: Keys, row: int) -> str:
    return repr(str(keys.key(row)))


def _plain(tree: Any) -> Any:
    """Nested sequences as lists, which can be encoded."""
    return [_plain(item) for item in tree] if isinstance(tree, (list, tuple)) else tree
