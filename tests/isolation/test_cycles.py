"""The checker of histories: what it must find in known bad ones, and must not in good ones."""

import random
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from cycles import Append, Executed, Read, anomalies


def t(*operations: Append | Read, committed: bool = True, at: tuple[int, int] = (0, 99)) -> Executed:
    return Executed(operations, *at, committed)


def a(key: int, value: int) -> Append:
    return Append(key, value)


def r(key: int, *values: int) -> Read:
    return Read(key, values)


KNOWN = {
    "nothing": ([], set()),
    "a chain": ([t(a(1, 1)), t(r(1, 1), a(1, 2)), t(r(1, 1, 2))], set()),
    "own writes are read": ([t(r(1), a(1, 1), r(1, 1), a(1, 2), r(1, 1, 2))], set()),
    "own writes after others'": ([t(a(1, 1)), t(a(1, 2), r(1, 1, 2))], set()),
    "a reader between two": ([t(a(1, 1)), t(r(1, 1), r(2)), t(a(1, 2), a(2, 3)), t(r(1, 1, 2), r(2, 3))], set()),
    "an own write is not read": ([t(a(1, 1), r(1))], {"internal"}),
    "a read changes": ([t(a(1, 1)), t(r(1), r(1, 1))], {"internal", "G-single"}),
    "a value twice": ([t(a(1, 1)), t(r(1, 1, 1))], {"duplicate"}),
    "two orders": ([t(a(1, 1)), t(a(1, 2)), t(r(1, 1, 2)), t(r(1, 2, 1))], {"incompatible order"}),
    "read from an aborted one": ([t(a(1, 1), committed=False), t(r(1, 1))], {"G1a"}),
    "a value from nowhere": ([t(r(1, 7))], {"G1a"}),
    "an intermediate read": ([t(a(1, 1), a(1, 2)), t(r(1, 1)), t(r(1, 1, 2))], {"G1b", "G-single"}),
    "writes interleaved": (
        [t(a(1, 1), a(2, 2)), t(a(1, 3), a(2, 4)), t(r(1, 1, 3)), t(r(2, 4, 2))],
        {"G0"},
    ),
    "each reads the other": ([t(a(1, 1), r(2, 2)), t(a(2, 2), r(1, 1))], {"G1c"}),
    "lost update": (
        [t(a(1, 1)), t(r(1, 1), a(1, 2)), t(r(1, 1), a(1, 3)), t(r(1, 1, 2, 3))],
        {"G-single"},
    ),
    "read skew": ([t(a(1, 1), a(2, 2)), t(r(1), r(2, 2))], {"G-single"}),
    "write skew": ([t(r(1), r(2), a(1, 1)), t(r(1), r(2), a(2, 2)), t(r(1, 1), r(2, 2))], {"G2"}),
    "write skew that nobody sees": ([t(r(1), r(2), a(1, 1)), t(r(1), r(2), a(2, 2))], {"G2"}),
    "the read-only anomaly": (
        # Fekete, O'Neil and O'Neil 2004: a reader sees the deposit (2), but not the withdrawal (1) that did not.
        [t(r(1), r(2), a(1, 1)), t(r(2), a(2, 2)), t(r(1), r(2, 2)), t(r(1, 1), r(2, 2))],
        {"G2"},
    ),
    "a stale read": ([t(a(1, 1), at=(0, 1)), t(r(1), at=(2, 3)), t(r(1, 1), at=(4, 5))], {"G-single-realtime"}),
    "no stale read": ([t(a(1, 1), at=(0, 3)), t(r(1), at=(2, 4)), t(r(1, 1), at=(5, 6))], set()),
}


@pytest.mark.parametrize("name", KNOWN)
def test_known_histories(name: str) -> None:
    history, expected = KNOWN[name]
    assert anomalies(history).names == expected


@pytest.mark.parametrize("seed", range(20))
def test_a_history_of_transactions_that_ran_one_after_another_has_no_anomaly(seed: int) -> None:
    choice = random.Random(seed)
    lists: dict[int, list[int]] = {k: [] for k in range(4)}
    history: list[Executed] = []
    value = 0
    for number in range(80):
        committed = choice.random() < 0.8
        own = {k: list(v) for k, v in lists.items()}
        operations: list[Append | Read] = []
        for _ in range(choice.randrange(1, 5)):
            key = choice.randrange(4)
            if choice.random() < 0.5:
                value += 1
                own[key].append(value)
                operations.append(Append(key, value))
            else:
                operations.append(Read(key, tuple(own[key])))
        if committed:
            lists = own
        history.append(Executed(operations, 2 * number, 2 * number + 1, committed))
    assert not anomalies(history).found
    # The same history with one update lost has one.
    reader = next(i for i in range(len(history) - 1, 0, -1) if history[i].committed)
    history.append(Executed([Read(k, tuple(v)) for k, v in lists.items()], 1000, 1001))
    history[reader] = Executed([*history[reader].operations, Append(0, 10**6)], 2 * reader, 2 * reader + 1)
    assert anomalies(history).found
