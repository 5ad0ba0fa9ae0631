"""What the search of a pattern's plan compares: plans of its parts."""

from __future__ import annotations

from dataclasses import dataclass

from .steps import (
    Costed,
    Step,
)


@dataclass(slots=True)
class State:
    """A plan of a part of the pattern, and what it has bound, solved and tested: sets are integers, bit by bit."""

    bound: int
    solved: int
    done: int
    """Predicates that need no more."""
    tested: int
    """Predicates that may fail and were tested leniently."""
    rows: float
    cost: float
    last: Costed | None = None
    before: State | None = None

    def chain(self) -> list[State]:
        """The states with a step that lead here, this one last."""
        found: list[State] = []
        state: State | None = self
        while state is not None:
            if state.last is not None:
                found.append(state)
            state = state.before
        found.reverse()
        return found

    def after(self, step: Step, rows: float, cost: float, bound: int = 0, solved: int = 0, done: int = 0) -> State:
        """The state that ``step`` leads to; ``cost`` is what it adds."""
        total = self.cost + cost
        return State(
            self.bound | bound,
            self.solved | solved,
            self.done | done,
            self.tested,
            rows,
            total,
            Costed(step, rows, total),
            self,
        )
