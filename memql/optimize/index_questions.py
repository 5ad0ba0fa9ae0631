"""What the predicates of a pattern element let an index be asked: which of them it answers, and with which values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from memoradb.storage.view import IndexDefinition, IndexKind

from ..cost.selectivity import MIRRORED, RANGE_OPERATORS
from ..exec.lookup import Lookup
from ..plan.expr import Call, Expr, Property, Variable, free_variables

_OPERATORS = RANGE_OPERATORS | {"=", "IN", "STARTS WITH"}
_DISTANCE = ("point.distance", "distance")


@dataclass(frozen=True, slots=True)
class Question:
    """A question to an index; ``answers`` are the predicates that need no filter afterwards."""

    lookup: Lookup
    values: tuple[Expr, ...]
    answers: tuple[Expr, ...]


@dataclass(slots=True)
class _Tests:
    """What is said of one key: (predicate, value) pairs; bounds with whether they are included."""

    equal: list[tuple[Expr, Expr]] = field(default_factory=list)
    one_of: list[tuple[Expr, Expr]] = field(default_factory=list)
    low: list[tuple[Expr, Expr, bool]] = field(default_factory=list)
    high: list[tuple[Expr, Expr, bool]] = field(default_factory=list)
    prefix: list[tuple[Expr, Expr]] = field(default_factory=list)


def questions(
    index: IndexDefinition, variable: str, predicates: Sequence[Expr], single: bool = False
) -> list[Question]:
    """All that an index may be asked of ``variable``; ``single``: also those on one key."""
    if index.kind is IndexKind.TEXT:
        return _of_text(index, variable, predicates)
    if index.kind is IndexKind.POINT:
        return _of_points(index, variable, predicates)
    if index.kind.is_ordered and (single or len(index.keys) > 1):
        return _of_keys(index, _tests(variable, predicates))
    return []


def _tests(variable: str, predicates: Sequence[Expr]) -> dict[str, _Tests]:
    """By key, what the predicates compare with something else than ``variable``."""
    found: dict[str, _Tests] = {}
    for predicate in predicates:
        match predicate:
            case Call(operator, (left, right)) if operator in _OPERATORS:
                sides = [(left, right, operator)]
                if operator in MIRRORED:
                    sides.append((right, left, MIRRORED[operator]))
                for subject, value, as_read in sides:
                    key = _key(subject, variable)
                    if key is not None and variable not in free_variables(value):
                        _note(found.setdefault(key, _Tests()), predicate, as_read, value)
            case _:
                pass
    return found


def _note(tests: _Tests, predicate: Expr, operator: str, value: Expr) -> None:
    match operator:
        case "=":
            tests.equal.append((predicate, value))
        case "IN":
            tests.one_of.append((predicate, value))
        case "STARTS WITH":
            tests.prefix.append((predicate, value))
        case ">" | ">=":
            tests.low.append((predicate, value, operator == ">="))
        case _:
            tests.high.append((predicate, value, operator == "<="))


def _key(expr: Expr, variable: str) -> str | None:
    match expr:
        case Property(Variable(name), key) if name == variable:
            return key
        case _:
            return None


def _of_keys(index: IndexDefinition, tests: dict[str, _Tests]) -> list[Question]:
    """The first keys that equal something, and a range or prefix of the next one."""
    answers: list[Expr] = []
    values: list[Expr] = []
    for key in index.keys:
        if key not in tests or not tests[key].equal:
            break
        predicate, value = tests[key].equal[0]
        answers.append(predicate)
        values.append(value)
    equal = len(values)
    found: list[Question] = []
    if not equal and len(index.keys) == 1 and index.keys[0] in tests:
        for predicate, value in tests[index.keys[0]].one_of[:1]:
            found.append(Question(Lookup(index.name, index.keys, 1, True), (value,), (predicate,)))
    following = tests.get(index.keys[equal]) if equal < len(index.keys) else None
    if following is not None and following.prefix:
        predicate, value = following.prefix[0]
        lookup = Lookup(index.name, index.keys, equal, prefix=True)
        return [*found, Question(lookup, (*values, value), (*answers, predicate))]
    low = following.low[0] if following is not None and following.low else None
    high = following.high[0] if following is not None and following.high else None
    if not equal and low is None and high is None:
        return found
    for bound in (low, high):
        if bound is not None:
            answers.append(bound[0])
            values.append(bound[1])
    lookup = Lookup(
        index.name, index.keys, equal, low=None if low is None else low[2], high=None if high is None else high[2]
    )
    return [*found, Question(lookup, tuple(values), tuple(answers))]


def _of_text(index: IndexDefinition, variable: str, predicates: Sequence[Expr]) -> list[Question]:
    found: list[Question] = []
    for predicate in predicates:
        match predicate:
            case Call("STARTS WITH" | "ENDS WITH" | "CONTAINS" as operator, (subject, text)):
                if _key(subject, variable) == index.keys[0] and variable not in free_variables(text):
                    found.append(Question(Lookup(index.name, index.keys, text=operator), (text,), (predicate,)))
            case _:
                pass
    return found


def _of_points(index: IndexDefinition, variable: str, predicates: Sequence[Expr]) -> list[Question]:
    found: list[Question] = []

    def ask(lookup: Lookup, values: tuple[Expr, ...], predicate: Expr) -> None:
        if not any(variable in free_variables(value) for value in values):
            found.append(Question(lookup, values, (predicate,)))

    for predicate in predicates:
        match predicate:
            case Call("<" | "<=" as operator, (Call(function, (a, b)), radius)) if function in _DISTANCE:
                pass
            case Call(">" | ">=" as operator, (radius, Call(function, (a, b)))) if function in _DISTANCE:
                pass
            case Call("point.withinbbox", (subject, low, high)) if _key(subject, variable) == index.keys[0]:
                ask(Lookup(index.name, index.keys, box=True), (low, high), predicate)
                continue
            case _:
                continue
        for subject, center in ((a, b), (b, a)):
            if _key(subject, variable) == index.keys[0]:
                near = Lookup(index.name, index.keys, near=operator in ("<=", ">="))
                ask(near, (center, radius), predicate)
    return found
