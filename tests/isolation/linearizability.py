"""Is a history of operations on one register linearizable?

Wing and Gong's search with Lowe's memory of what was tried, as in the checkers Knossos and Porcupine: an operation that
nobody who has not ended precedes is taken next, if the register allows it; a set of operations done and a value of the
register that led nowhere once is not tried again. Operations on different registers are checked apart: linearizability
is local (Herlihy and Wing 1990).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Operation:
    """``write`` of ``value``; ``read`` that answered ``value``; ``swap`` of ``expected`` for ``value``, or not."""

    kind: Literal["read", "write", "swap"]
    value: int | None
    began: int
    ended: int
    expected: int | None = None
    swapped: bool = True


def is_linearizable(history: Sequence[Operation], initial: int | None = None) -> bool:
    """Whether there is one order of the operations, each somewhere between its beginning and its end, that explains
    what they answered."""
    operations = sorted(history, key=lambda op: op.began)
    everything = (1 << len(operations)) - 1
    tried: set[tuple[int, int | None]] = set()
    waiting = [(0, initial)]
    while waiting:
        done, value = waiting.pop()
        if done == everything:
            return True
        if (done, value) in tried:
            continue
        tried.add((done, value))
        left = [i for i in range(len(operations)) if not done >> i & 1]
        first_end = min(operations[i].ended for i in left)
        for i in left:
            if operations[i].began > first_end:
                break  # it and all after it began when one that is still to come had ended
            allowed, after = _step(operations[i], value)
            if allowed:
                waiting.append((done | 1 << i, after))
    return False


def _step(operation: Operation, value: int | None) -> tuple[bool, int | None]:
    """Whether the register may answer so, and what it holds then."""
    match operation.kind:
        case "read":
            return operation.value == value, value
        case "write":
            return True, operation.value
        case "swap":
            equal = operation.expected == value
            return equal is operation.swapped, operation.value if equal else value
