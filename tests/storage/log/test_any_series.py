"""Any series of appends, cuts, syncs, upkeep, restarts and crashes, against a plain list of what was written."""

import sys
from dataclasses import dataclass, field
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from memoradb.storage.disk_image import SECTORS
from memoradb.storage.log.groups import AUDIT_START, next_audit
from memoradb.storage.log.place import place_of, segments
from memoradb.storage.log.reader import LogReader
from memoradb.storage.log.record import RecordKind, payload_digest
from memoradb.storage.log.superblock import read_superblock
from memoradb.storage.log.writer import LogWriter
from memoradb.storage.vfs_memory import Crashed, MemoryVfs

sys.path.insert(0, str(Path(__file__).parent))

from log_disk import UUID, a_disk

GROUPS: tuple[int, ...] = (0, 3)


@dataclass
class Group:
    """What one group's log must be."""

    entries: list[tuple[int, int, int, bytes]] = field(default_factory=list)
    """Kind, term, time, payload."""
    hard_state: bytes = b""

    def audit(self) -> bytes:
        audit, transaction = AUDIT_START, 0
        for i, (kind, term, time_us, payload) in enumerate(self.entries):
            transaction += kind == RecordKind.CHANGESET
            audit = next_audit(audit, i + 1, term, kind, time_us, transaction, payload_digest(payload))
        return audit


Event = tuple[str, int, int, int, int, bytes]
"""What one record did: what, group, kind or index, term, time, payload."""


def outcome(events: list[Event]) -> dict[int, Group]:
    groups = {group: Group() for group in GROUPS}
    for what, group, number, term, time_us, payload in events:
        log = groups[group]
        if what == "entry":
            log.entries.append((number, term, time_us, payload))
        elif what == "cut":
            del log.entries[number:]
        else:
            log.hard_state = payload
    return groups


def opened(vfs: MemoryVfs) -> LogWriter:
    reader = LogReader(vfs, "/log", UUID, read_superblock(vfs, "/super"), verify=True)
    list(reader.stream())
    return LogWriter(vfs, "/log", UUID, reader, "strict", "/super", commits_durable=False)


def check(vfs: MemoryVfs, events: list[Event]) -> int:
    """The log is what a number of events made it; returns that number. From every segment on it reads the same."""
    reader = LogReader(vfs, "/log", UUID, read_superblock(vfs, "/super"), verify=True)
    list(reader.stream())
    expected = outcome(events[: reader.sequence])
    for number, group in expected.items():
        found = LogReader(vfs, "/log", UUID, verify=True)
        records = list(found.records(number))
        assert [(r.kind, r.term, r.time_us, r.payload) for r in records] == group.entries
        assert [r.index for r in records] == list(range(1, len(records) + 1))
        log = reader.group(number)
        assert (log.index, log.audit, log.hard_state) == (len(group.entries), group.audit(), group.hard_state)
        for header, _ in segments(vfs, "/log"):
            later = LogReader(vfs, "/log", UUID, start=place_of(header))
            list(later.stream())
            assert later.group(number).state.audit == log.state.audit and later.sequence == reader.sequence
    return reader.sequence


steps = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.sampled_from(GROUPS), st.integers(0, 150)),
        st.tuples(st.sampled_from(("empty", "members", "hard")), st.sampled_from(GROUPS), st.integers(0, 20)),
        st.tuples(st.sampled_from(("commit", "cut")), st.sampled_from(GROUPS), st.integers(0, 6)),
        st.tuples(st.sampled_from(("sync", "mark", "tend", "reopen", "kill", "crash")), st.just(0), st.integers(0, 99)),
    ),
    max_size=40,
)


@settings(max_examples=60, deadline=None)
@given(steps, st.integers(0, 1_000))
def test_the_log_is_what_was_written_up_to_some_record_and_to_all_that_were_durable(
    series: list[tuple[str, int, int]], seed: int
) -> None:
    vfs = a_disk(seed)
    writer = opened(vfs)
    events: list[Event] = []
    committed: dict[int, int] = dict.fromkeys(GROUPS, 0)
    kinds = {"append": RecordKind.CHANGESET, "empty": RecordKind.EMPTY, "members": RecordKind.MEMBERSHIP}
    for i, (what, group, number) in enumerate(series):
        if what in kinds:
            payload = bytes([i % 251 + 1]) * number
            writer.append(payload, kinds[what], term=i, group=group, time_us=i)
            events.append(("entry", group, kinds[what], i, i, payload))
        elif what == "hard":
            payload = b"vote" * number
            writer.append(payload, RecordKind.HARD_STATE, group=group)
            events.append(("hard", group, 0, 0, 0, payload))
        elif what == "commit":
            committed[group] = max(committed[group], writer.group(group).index - number)
            writer.commit(committed[group], group)
        elif what == "cut":
            log = writer.group(group)
            index = max(committed[group], log.committed, log.index - number)
            if index < log.index and log.entry(index) is not None:
                writer.cut(index, group)
                events.append(("cut", group, index, 0, 0, b""))
        elif what == "sync":
            writer.sync()
            assert writer.durable == len(events)
        elif what == "mark":
            writer.mark()
        elif what == "tend":
            writer.tend()
        else:
            durable = writer.durable
            if what == "reopen":
                writer.close()
                durable = len(events)
            elif what == "kill":
                durable = len(events)
            else:
                vfs = vfs.crash(sector=SECTORS[number % 2])
            kept = check(vfs, events)
            assert kept >= durable
            del events[kept:]
            for each, log in outcome(events).items():
                committed[each] = min(committed[each], len(log.entries))
            writer = opened(vfs)
            assert writer.durable == kept == check(vfs, events)
    writer.close()
    assert check(vfs.crash(), events) == len(events)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 60), st.integers(0, 1_000))
def test_a_crash_at_any_call_to_the_disk_leaves_what_was_durable(at: int, seed: int) -> None:
    vfs = a_disk(seed)
    events: list[Event] = []
    durable = 0
    vfs.faults.crash_at = vfs.operations + at
    try:
        writer = opened(vfs)
        for i in range(40):
            payload = bytes([i + 1]) * (17 * i % 130)
            events.append(("entry", i % 2 * 3, RecordKind.CHANGESET, 0, i, payload))
            writer.append(payload, group=i % 2 * 3, time_us=i)
            if i % 3 == 0:
                writer.sync()
                durable = len(events)
            if i % 7 == 0:
                writer.tend()
                writer.mark()
        writer.close()
    except Crashed:
        pass
    vfs = vfs.crash()
    kept = check(vfs, events)
    assert durable <= kept <= len(events)
    opened(vfs).close()
    assert check(vfs.crash(), events) == kept
