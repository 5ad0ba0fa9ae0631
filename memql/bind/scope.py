"""Variables in sight, and the plan names they get."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from memoradb.core.errors import SemanticError, UndefinedVariable
from memoradb.core.spans import Span

from ..syntax.suggest import did_you_mean
from .types import Type


@dataclass(frozen=True, slots=True)
class BoundVariable:
    """A variable: its column in the plan, and what it may be. ``of_relationships``: a list of them."""

    column: str
    type: Type = Type.ANY
    of_relationships: bool = False


class Names:
    """Plan names for one statement: a user's own where it is free, else with a number; made-up ones with a space."""

    def __init__(self) -> None:
        self._used: set[str] = set()
        self._count = 0

    def user(self, name: str) -> str:
        """A column for a user's variable."""
        column, number = name, 1
        while column in self._used:
            number += 1
            column = f"{name}@{number}"
        self._used.add(column)
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

    def get(self, name: str) -> BoundVariable | None:
        """The variable called ``name``."""
        found = self._variables.get(name)
        if found is None and self._outer is not None:
            return self._outer.get(name)
        return found

    def need(self, name: str, span: Span) -> BoundVariable:
        """Likewise; UndefinedVariable with a guess where there is none."""
        found = self.get(name)
        if found is None:
            raise UndefinedVariable(
                f"Undefined variable `{name}`.", span=span, hint=did_you_mean(name, list(self.names()))
            )
        return found

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
        return scope


def type_conflict(name: str, span: Span, known: Type, wanted: str) -> SemanticError:
    """A variable used as something that it is not."""
    is_what = (
        "a node"
        if known & ~Type.NULL == Type.NODE
        else "a relationship"
        if known & ~Type.NULL == Type.RELATIONSHIP
        else "a value"
    )
    return SemanticError(
        f"`{name}` is {is_what}, but stands here for {wanted}.", span=span, detail="VariableTypeConflict"
    )
