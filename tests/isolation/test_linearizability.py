"""Single statements from many threads: each takes effect at one moment between its beginning and its end."""

import itertools
import random
import sys
import threading
from pathlib import Path

import pytest

import memoradb
from memoradb.core.errors import MemoraDBError

sys.path.insert(0, str(Path(__file__).parent))

from linearizability import Operation, is_linearizable
from together import together


def write(value: int, began: int, ended: int) -> Operation:
    return Operation("write", value, began, ended)


def read(value: int | None, began: int, ended: int) -> Operation:
    return Operation("read", value, began, ended)


def swap(expected: int, value: int, swapped: bool, began: int, ended: int) -> Operation:
    return Operation("swap", value, began, ended, expected, swapped)


@pytest.mark.parametrize(
    ("history", "verdict"),
    [
        ([], True),
        ([read(None, 0, 1), write(1, 2, 3), read(1, 4, 5)], True),
        ([write(1, 0, 1), read(None, 2, 3)], False),  # stale
        ([write(1, 0, 5), read(None, 1, 2), read(1, 3, 4)], True),  # both while it is written
        ([write(1, 0, 5), read(1, 1, 2), read(None, 3, 4)], False),  # and back again
        ([write(1, 0, 9), write(2, 0, 9), read(1, 1, 2), read(2, 3, 4)], True),
        ([write(1, 0, 9), write(2, 0, 9), read(1, 1, 2), read(2, 3, 4), read(1, 5, 6)], False),
        ([write(1, 0, 1), swap(1, 2, True, 2, 3), swap(1, 3, True, 2, 4), read(3, 5, 6)], False),
        ([write(1, 0, 1), swap(1, 2, True, 2, 3), swap(1, 3, False, 2, 4), read(2, 5, 6)], True),
        ([write(1, 0, 1), swap(2, 3, False, 0, 9), read(1, 2, 3)], True),
    ],
)
def test_known_histories(history: list[Operation], verdict: bool) -> None:
    assert is_linearizable(history) is verdict


@pytest.mark.parametrize("path", [None, "graph"])
def test_statements_on_registers_are_linearizable(path: str | None, tmp_path: Path) -> None:
    registers, threads, steps = 3, 4, 45
    with memoradb.open(None if path is None else tmp_path / path) as db:
        db.execute("CREATE CONSTRAINT FOR (r:Register) REQUIRE r.name IS UNIQUE")
        db.execute("UNWIND range(0, $n - 1) AS name CREATE (:Register {name: name})", {"n": registers})
        meeting = threading.Barrier(threads)
        clock, histories = itertools.count(), [[] for _ in range(registers)]

        def work(thread: int) -> None:
            choice = random.Random(thread)
            for step in range(steps):
                name, value = choice.randrange(registers), thread * 1000 + step
                kind = choice.choice(("read", "write", "swap"))
                began = next(clock)
                if step % 2:
                    meeting.wait(30)  # all have begun before any ends
                try:
                    if kind == "read":
                        found = db.execute("MATCH (r:Register {name: $name}) RETURN r.value", {"name": name}).value()
                        histories[name].append(Operation(kind, found, began, next(clock)))
                    elif kind == "write":
                        db.execute(
                            "MATCH (r:Register {name: $name}) SET r.value = $value", {"name": name, "value": value}
                        )
                        histories[name].append(Operation(kind, value, began, next(clock)))
                    else:
                        expected = choice.choice([op.value for op in histories[name][-3:]] or [None]) or -1
                        done = db.execute(
                            "MATCH (r:Register {name: $name}) WHERE r.value = $expected SET r.value = $value RETURN 1",
                            {"name": name, "value": value, "expected": expected},
                        )
                        histories[name].append(Operation("swap", value, began, next(clock), expected, bool(done.rows)))
                except MemoraDBError as error:  # a single statement never loses
                    raise AssertionError("a statement failed") from error

        together(threads, work)
        assert sum(map(len, histories)) == threads * steps
        for history in histories:
            assert is_linearizable(history)
