"""The past as a data directory keeps it: checkpoints, and the log from one to the next."""

from __future__ import annotations

import bisect
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from memoradb.core.errors import CorruptionError, HistoryUnavailable, StorageError
from memoradb.core.limits import HISTORY_MARK_RECORDS

from ..checkpoint.contents import load
from ..checkpoint.manifest import Manifest, manifest_numbers, open_checkpoint, read_manifest
from ..checkpoint.packed import cold_cache
from ..log.place import START, LogPlace, place_of
from ..log.reader import LogReader
from ..log.record import RecordKind
from ..log.segment import decode_header, segment_name, segment_numbers
from ..store import GraphStore
from ..vfs import Vfs
from .records import Entry, Mark


@dataclass(frozen=True, slots=True)
class _Kept:
    """What the directory holds now."""

    manifests: tuple[Manifest, ...]
    """Whole checkpoints, by position."""
    first: int
    """The oldest segment's number; 1 where there is none yet."""

    @property
    def horizon(self) -> int:
        """The oldest position whose state can be made."""
        if self.first == 1:
            return 0
        return self.manifests[0].position if self.manifests else 0


class LogRecords:
    """Reads a data directory beside its writer; what it asks for is committed, so it is whole.

    Knows a sparse set of places in the log, found as the log is written and read: looking for a transaction or a time
    begins at the nearest one.
    """

    def __init__(self, vfs: Vfs, path: str, uuid: str) -> None:
        self._vfs = vfs
        self._path = path
        self._uuid = uuid
        self._lock = threading.Lock()
        self._places: list[LogPlace] = [START]
        """By index."""
        self._cold = cold_cache()
        """What was decompressed of old checkpoints."""
        self._manifests: dict[int, Manifest] = {}
        """By number; replaced, never changed."""
        self._begins: dict[int, LogPlace] = {1: START}
        """Where each segment begins, by number."""

    # --- places

    def remember(self, place: LogPlace) -> None:
        """A place in the log, for later; called by the writer every so often."""
        with self._lock:
            where = bisect.bisect_left(self._places, place.index, key=_index)
            near = self._places[max(0, where - 1) : where + 1]
            if all(abs(known.index - place.index) >= HISTORY_MARK_RECORDS // 2 for known in near):
                self._places.insert(where, place)

    def _place(self, key: Callable[[LogPlace], int], most: int) -> LogPlace:
        """The last place that is still kept with ``key`` at most ``most``; the oldest one where there is none."""
        kept = self._kept()
        with self._lock:
            known = [p for p in (*self._places, *self._begun()) if p.segment >= kept.first]
        known += (manifest.place for manifest in kept.manifests)
        places = sorted((p for p in known if p.index >= kept.horizon), key=_index)
        if not places:
            raise CorruptionError(f"{self._path} has neither a log from its beginning nor a checkpoint.")
        return places[max(0, bisect.bisect_right(places, most, key=key) - 1)]

    def _begun(self) -> list[LogPlace]:
        """Where the segments begin; headers say so."""
        found: list[LogPlace] = []
        for number in segment_numbers(self._vfs.list(f"{self._path}/log")):
            place = self._begins.get(number)
            if place is None:
                path = f"{self._path}/log/{segment_name(number)}"
                try:
                    place = self._begins[number] = place_of(decode_header(self._vfs.map(path), path))
                except StorageError:
                    continue  # prepared and not begun, or gone since it was listed
            found.append(place)
        return found

    # --- checkpoints

    def _kept(self) -> _Kept:
        first = min(segment_numbers(self._vfs.list(f"{self._path}/log")), default=1)
        found: dict[int, Manifest] = {}
        for number in manifest_numbers(self._vfs, self._path):
            manifest = self._manifests.get(number)
            if manifest is None:
                try:
                    manifest = read_manifest(self._vfs, self._path, number)
                except StorageError:
                    continue  # damaged, or gone since it was listed: an older one serves as well
            found[number] = manifest
        self._manifests = found
        whole = (manifest for manifest in found.values() if manifest.place.segment >= first)
        return _Kept(tuple(sorted(whole, key=lambda m: m.position)), first)

    @property
    def horizon(self) -> int:
        return self._kept().horizon

    def _nearest(self, position: int) -> tuple[Manifest, ...]:
        """Checkpoints at or before ``position``, the nearest first."""
        return tuple(m for m in reversed(self._kept().manifests) if m.position <= position)

    def base(self, position: int) -> GraphStore:
        for manifest in self._nearest(position):
            try:
                return load(open_checkpoint(self._vfs, self._path, manifest, self._cold))
            except CorruptionError:
                continue  # an older one and more of the log tell the same
        horizon = self.horizon
        if horizon:
            raise HistoryUnavailable(
                f"The state at position {position} is no longer kept; the oldest is that at {horizon}.",
                horizon=horizon,
                hint="The setting `history` says how much of the past is kept.",
            )
        return GraphStore(self._uuid)

    def distance(self, position: int) -> int:
        return position - next((m.position for m in self._nearest(position)), 0)

    # --- the log

    def entries(self, after: int, upto: int) -> Iterator[Entry]:
        if after >= upto:
            return
        horizon = self.horizon
        if after < horizon:
            raise _forgotten(after, horizon)
        reader = LogReader(self._vfs, f"{self._path}/log", self._uuid, start=self._place(_index, after))
        unmarked = 0
        try:
            for record in reader.records(upto=upto):
                unmarked += 1
                if unmarked >= HISTORY_MARK_RECORDS:
                    self.remember(reader.place)
                    unmarked = 0
                if record.index > after and record.kind is RecordKind.CHANGESET:
                    if record.erased:
                        raise HistoryUnavailable(
                            f"What transaction {record.transaction} changed was erased.", horizon=self.horizon
                        )
                    yield Entry(record.index, record.transaction, record.time_us, record.payload)
        except StorageError as error:
            horizon = self.horizon
            if after >= horizon:
                raise
            raise _forgotten(after, horizon) from error  # its segment went meanwhile

    def mark_at(self, position: int) -> Mark:
        return _mark(self._place(_index, position))

    def mark_of_transaction(self, transaction: int) -> Mark:
        return _mark(self._place(lambda place: place.transaction, transaction - 1))

    def mark_of_time(self, time_us: int) -> Mark:
        return _mark(self._place(lambda place: place.time_us, time_us))

    def metrics(self) -> dict[str, int | float]:
        found = self._cold.statistics
        return {
            "cold_cache_bytes": found.bytes,
            "cold_cache_hits": found.hits,
            "cold_cache_misses": found.misses,
            "cold_cache_hit_rate": found.hit_rate,
        }


def _forgotten(after: int, horizon: int) -> HistoryUnavailable:
    return HistoryUnavailable(
        f"Changes after position {after} are no longer kept; the oldest are those after {horizon}.",
        horizon=horizon,
        hint="The setting `history` says how much of the past is kept.",
    )


def _index(place: LogPlace) -> int:
    return place.index


def _mark(place: LogPlace) -> Mark:
    return Mark(place.index, place.transaction, place.time_us)
