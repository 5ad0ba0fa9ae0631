"""Engine and reference interpreter must agree: the oracle of all generated queries.

Where they differ, the difference may be legal: which rows an unordered LIMIT keeps, the order inside collect, which of
1 and 1.0 stands for a group. The reference is then run again with everything that is open shuffled. If the engine's
answer turns up, or the reference's own answers differ among themselves and the engine's is like one of them, they
agree. An engine may also compute what nothing reads, and fail there: so may the reference when asked to be eager. If
the reference always answers the same, the engine is wrong (or the reference is).
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from enum import Enum
from typing import Final

from .engine import Bench, Prepared
from .outcomes import Outcome, same, similar
from .reference.run import Exhausted

SHUFFLES: Final = 24
SHUFFLES_OF_SIMILAR: Final = 400
"""Tried where answers differ in an order alone: one that only a twentieth of all shuffles shows is not missed."""

_DELETED: Final = {"DeleteConnectedNode at runtime", "EntityNotFound at runtime"}
"""A statement that deletes a connected node fails at its end, or before where a pattern happens upon that node."""


class Verdict(Enum):
    """How a comparison ended."""

    AGREED = "agreed"
    SOME_ORDER = "agreed in some order"
    EAGER = "agreed where all is computed"
    UNDECIDED = "undecided"
    EXHAUSTED = "too much to try"
    WRONG = "disagreed"


@dataclass
class Finding:
    """A disagreement: which oracle found it, and both answers."""

    oracle: str
    what: str
    expected: str
    found: str

    def text(self) -> str:
        """For people."""
        return f"{self.what}\nexpected: {self.expected}\nfound: {self.found}"


class Comparison:
    """One query on one graph: the reference's answer, and the judgement of any number of others."""

    def __init__(self, bench: Bench, prepared: Prepared) -> None:
        self._bench = bench
        self._prepared = prepared
        self._shuffled: list[Outcome] = []
        self._computed: Outcome | None = None
        self.expected = bench.reference(prepared)

    def judge(self, found: Outcome) -> Verdict:
        """Whether ``found`` is a right answer."""
        if same(self.expected, found) or {self.expected.error, found.error} == _DELETED:
            return Verdict.AGREED
        if found.error is not None and same(self._eager(), found):
            return Verdict.EAGER
        varied = False
        known = self._bench.known
        for i in range(SHUFFLES_OF_SIMILAR if similar(known, self.expected, found) else SHUFFLES):
            if i == len(self._shuffled):
                try:
                    self._shuffled.append(self._bench.reference(self._prepared, random.Random(i)))
                except Exhausted:
                    return Verdict.EXHAUSTED
            other = self._shuffled[i]
            if same(other, found):
                return Verdict.SOME_ORDER
            varied = varied or not same(self.expected, other)
        if not varied:
            return Verdict.WRONG
        if any(similar(known, other, found) for other in (self.expected, *self._shuffled)):
            return Verdict.SOME_ORDER
        return Verdict.UNDECIDED

    def _eager(self) -> Outcome:
        if self._computed is None:
            try:
                self._computed = self._bench.reference(self._prepared, eager=True)
            except Exhausted:
                self._computed = self.expected
        return self._computed
