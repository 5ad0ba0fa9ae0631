"""Variables in sight, and the plan names they get."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from memoradb.core.errors import SemanticError, UndefinedVariable
from memoradb.core.spans import Span

from ..syntax.suggest import did_you_mean
from .types import Type, type_text


@dataclass(frozen=True, slots=True)
class BoundVariable:
    """A variable: its column in the plan, and what it may be. ``of_relationships``: a list of them."""

    column: str
    type: Type = Type.ANY
    of_relationships: bool = False


class Names:
    """Plan names for one statement: a user's own where it is free, else with a number; made-up ones with a space."""

    def __init__(self) -> None:
        self._used: dict[str, int] = {}
        """Columns taken, and for a user's name the last number that it got."""
        self._count = 0

    def user(self, name: str) -> str:
        """A column for a user's variable."""
        number = self._used.get(name, 0) + 1
        column = name if number == 1 else f"{name}@{number}"
        while column in self._used:
            number += 1
            column = f"{name}@{number}"
        self._used[name] = number
        self._used.setdefault(column, 1)
        return column

    def fresh(self, hint: str) -> str:
        """A column that no user can name."""
        self._count += 1
        return f" {hint}{self._count}"


class Scope:
    """Names to variables. Clauses add; WITH starts anew; an inner scope sees the outer one."""

    def __init__(self, outer: Scope | None = None) -> None:
        self._variables: dict[str, BoundVariable] = {}
        self._outer = outer
        self._lost: dict[str, str] = {}
        """Names that a clause left behind, and what to do about it."""

    def get(self, name: str) -> BoundVariable | None:
        """The variable called ``name``."""
        found = self._variables.get(name)
        if found is None and self._outer is not None:
            return self._outer.get(name)
        return found

    def need(self, name: str, span: Span, hint: str | None = None) -> BoundVariable:
        """Likewise; UndefinedVariable where there is none, with a guess, or else ``hint``."""
        found = self.get(name)
        if found is None:
            guess = self._lost_hint(name) or did_you_mean(name, list(self.names())) or hint
            raise UndefinedVariable(f"Undefined variable `{name}`.", span=span, hint=guess or _quoting(name))
        return found

    def lose(self, names: Iterable[str], hint: str) -> None:
        """Remember names that are out of sight from here on; ``{}`` in the hint stands for the name."""
        for name in names:
            if name not in self._variables:
                self._lost[name] = hint.format(name)

    def _lost_hint(self, name: str) -> str | None:
        found = self._lost.get(name)
        return self._outer._lost_hint(name) if found is None and self._outer is not None else found

    def add(self, name: str, variable: BoundVariable) -> None:
        """Bring a variable into sight."""
        self._variables[name] = variable

    def names(self) -> Iterator[str]:
        """All names in sight, inner ones first."""
        yield from self._variables
        if self._outer is not None:
            yield from (n for n in self._outer.names() if n not in self._variables)

    def items(self) -> list[tuple[str, BoundVariable]]:
        """Names with their variables."""
        return [(n, v) for n in self.names() if (v := self.get(n)) is not None]

    def columns(self) -> tuple[str, ...]:
        """The plan columns of all variables in sight."""
        return tuple(dict.fromkeys(v.column for _, v in self.items()))

    def copy(self) -> Scope:
        """A scope of its own with the same variables."""
        scope = Scope()
        for name, variable in self.items():
            scope.add(name, variable)
        scope._lost = dict(self._lost)
        return scope


def _quoting(name: str) -> str:
    """What else a lone word may have meant."""
    if not name.isidentifier():
        return "Variables come from patterns, UNWIND, WITH and CALL."
    return f"A text goes between quotes, '{name}'; a parameter begins with a dollar sign, ${name}."


def type_conflict(name: str, span: Span, known: Type, wanted: str) -> SemanticError:
    """A variable used as something that it is not."""
    return SemanticError(
        f"`{name}` is {type_text(known)}, but stands here for {wanted}.",
        span=span,
        hint="Choose another name for one of the two.",
        detail="VariableTypeConflict",
    )
