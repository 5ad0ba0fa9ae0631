"""What share of rows a predicate keeps: from statistics where they say, from the textbook's guesses elsewhere.

A predicate on one property is tried on the values that the property's summary holds (its frequent values, and those
where buckets end), whatever functions it applies to them; equality, ranges and IN ask the summary itself. Parameters
have the values that the statement was first run with: a plan serves all values, its estimates are for these. Selinger
et al. 1979 for the guesses where nothing is known. Terms of a conjunction that speak of the same variable are mostly
not independent: the more selective one counts whole, each further one by a root more (exponential back-off).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from memoradb.core import semantics
from memoradb.core.errors import MemoraDBError
from memoradb.core.values import Value
from memoradb.storage.view import Element, Follows, RangeBound, Statistics, ValueSummary

from ..plan import nodes
from ..plan.expr import (
    And,
    Call,
    Expr,
    HasLabels,
    IsNull,
    LabelTest,
    ListOf,
    Literal,
    Or,
    Parameter,
    Property,
    Subquery,
    Variable,
    free_variables,
)
from ..plan.expr import LabelOperator as Op
from ..syntax.ast_expr import SubqueryKind
from .corrections import Applied, part_of_predicate
from .inner import exists_share

EQUALITY_GUESS: Final = 0.1
RANGE_GUESS: Final = 1 / 3
TEXT_GUESS: Final = 0.1
POINT_GUESS: Final = 0.05
OTHER_GUESS: Final = 0.5
LIST_GUESS: Final = 10
"""Elements of a list that is not known."""

RANGE_OPERATORS: Final = frozenset(("<", "<=", ">", ">="))
MIRRORED: Final = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "="}

_TESTS: Final[dict[str, Callable[..., Any]]] = {
    "=": semantics.equals,
    "<>": semantics.not_equals,
    "IN": semantics.in_list,
    "STARTS WITH": semantics.starts_with,
    "ENDS WITH": semantics.ends_with,
    "CONTAINS": semantics.contains,
    "=~": semantics.matches,
    "<": lambda a, b: _ordered(a, b, -1, False),
    "<=": lambda a, b: _ordered(a, b, -1, True),
    ">": lambda a, b: _ordered(a, b, 1, False),
    ">=": lambda a, b: _ordered(a, b, 1, True),
    "lower": lambda a: _lower(a),
    "tolower": lambda a: _lower(a),
    "upper": lambda a: _upper(a),
    "toupper": lambda a: _upper(a),
    "size": lambda a: len(a) if isinstance(a, (str, list)) else None,
    "trim": lambda a: a.strip() if isinstance(a, str) else None,
    "left": lambda a, n: a[:n] if isinstance(a, str) else None,
    "substring": lambda a, *n: a[n[0] : n[0] + n[1]] if len(n) == 2 else a[n[0] :],
    "%": lambda a, b: a % b,
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
}
"""What an estimate can compute: near enough to the law for that."""


def _lower(a: Value) -> Value:
    return a.lower() if isinstance(a, str) else None


def _upper(a: Value) -> Value:
    return a.upper() if isinstance(a, str) else None


def _ordered(a: Value, b: Value, sign: int, inclusive: bool) -> bool | None:
    order = semantics.compare(a, b)
    return None if order is None else order == sign or (inclusive and order == 0)


class _Unknown(Exception):
    """An expression cannot be computed for an estimate."""


class Selectivity:
    """Estimates over the variables of one pattern graph.

    Args:
        statistics: of the view that the plan is made for.
        labels: of node variables.
        types: of relationship variables.
        parameters: values to estimate with; a parameter that has none may be anything.
        corrections: what runs have shown of predicates.
        met_by: relationships that node variables were met by, as seen from the node: it is more often one of many.
    """

    def __init__(
        self,
        statistics: Statistics,
        labels: Mapping[str, tuple[str, ...]],
        types: Mapping[str, tuple[str, ...]] | None = None,
        parameters: Mapping[str, Value] | None = None,
        corrections: Applied | None = None,
        met_by: Mapping[str, Follows] | None = None,
    ) -> None:
        self._statistics = statistics
        self._labels = labels
        self._types = types or {}
        self._parameters = parameters or {}
        self._corrections = corrections
        self._met_by = met_by or {}
        self._known: dict[int, tuple[Expr, float]] = {}

    def where(self, met_by: Mapping[str, Follows]) -> Selectivity:
        """The same where node variables were met by relationships."""
        known = (self._statistics, self._labels, self._types, self._parameters, self._corrections)
        return Selectivity(*known, {**self._met_by, **met_by})

    def of(self, predicate: Expr) -> float:
        """The share of rows on which ``predicate`` is true, between 0 and 1."""
        known = self._known.get(id(predicate))
        if known is not None:
            return known[1]
        share = self._share(predicate)
        if self._corrections:
            share *= self._corrections.factor(self.part(predicate))
        share = min(1.0, max(0.0, share))
        self._known[id(predicate)] = (predicate, share)
        return share

    def together(self, predicates: Sequence[Expr]) -> float:
        """The share on which all of ``predicates`` are true."""
        share = 1.0
        by_subject: dict[frozenset[str], list[Expr]] = {}
        for predicate in predicates:
            by_subject.setdefault(free_variables(predicate), []).append(predicate)
        for terms in by_subject.values():
            share *= self._damped(terms)
        return share

    def given(self, predicate: Expr, before: Sequence[Expr]) -> float:
        """The share of the rows on which ``before`` are true that ``predicate`` keeps."""
        reads = free_variables(predicate)
        same = [term for term in before if free_variables(term) == reads]
        if not same:
            return self.of(predicate)
        share = self._damped(same)
        return min(1.0, self._damped([*same, predicate]) / share) if share else 0.0

    def part(self, predicate: Expr) -> str:
        """The name under which runs of any statement speak of ``predicate``."""
        return part_of_predicate(predicate, {**self._labels, **self._types})

    def distinct(self, expr: Expr) -> float | None:
        """Distinct values of an expression over all rows that its variables can be; None where nothing is known."""
        match expr:
            case Literal() | Parameter():
                return 1.0
            case Variable(name) if name in self._types:
                return float(sum(self._statistics.relationships(t) for t in self._types[name] or (None,)))
            case Variable(name) if name in self._labels:
                return float(self._statistics.nodes_with_labels(self._labels[name]))
            case Property(Variable(name), key) if name in self._labels or name in self._types:
                found = self._summary(name, key)
                return None if found is None else found.distinct + (1.0 if found.null_share else 0.0)
            case Call("tolower" | "toupper" | "lower" | "upper" | "trim", (argument,)):
                return self.distinct(argument)
            case IsNull() | HasLabels():
                return 2.0
            case Call(operator, _) if operator in RANGE_OPERATORS or operator in ("=", "<>", "NOT", "IN", "CONTAINS"):
                return 2.0
            case Call("id" | "elementid", (Variable() as subject,)):
                return self.distinct(subject)
            case _:
                return None

    # --- conjunctions

    def _damped(self, terms: Sequence[Expr]) -> float:
        """Terms about the same variables: both ends of a range are one term, the others count less and less."""
        shares: list[float] = []
        bounds: dict[tuple[str, str], list[tuple[str, Value, Expr]]] = {}
        for term in terms:
            found = self._bound(term)
            if found is None:
                shares.append(self.of(term))
            else:
                bounds.setdefault(found[:2], []).append((*found[2:], term))
        for (name, key), found in bounds.items():
            summary = self._summary(name, key)
            if len(found) == 1 or summary is None:
                shares.extend(self.of(term) for _, _, term in found)
                continue
            low = [RangeBound(value, op == ">=") for op, value, _ in found if op in (">", ">=")]
            high = [RangeBound(value, op == "<=") for op, value, _ in found if op in ("<", "<=")]
            share = summary.range_share(low[0] if low else None, high[0] if high else None)
            if self._corrections:
                for _, _, term in found:
                    share *= self._corrections.factor(self.part(term))
            shares.append(min(1.0, share))
        together, root = 1.0, 1.0
        for share in sorted(shares):
            together *= share**root
            root /= 2.0
        return together

    def _bound(self, term: Expr) -> tuple[str, str, str, Value] | None:
        """(variable, key, operator, value) of one end of a range whose value is known."""
        match term:
            case Call(operator, (left, right)) if operator in RANGE_OPERATORS:
                for subject, other, read in ((left, right, operator), (right, left, MIRRORED[operator])):
                    if isinstance(subject, Property) and isinstance(subject.subject, Variable):
                        try:
                            return subject.subject.name, subject.key, read, self._value(other)
                        except _Unknown:
                            return None
            case _:
                pass
        return None

    # --- single predicates

    def _share(self, predicate: Expr) -> float:
        match predicate:
            case Literal(value):
                return 1.0 if value is True else 0.0
            case And(operands):
                return self.together(operands)
            case Or(operands):
                missing = 1.0
                for operand in operands:
                    missing *= 1.0 - self.of(operand)
                return 1.0 - missing
            case IsNull(operand, negated):
                null = self._null_share(operand)
                return 1.0 - null if negated else null
            case HasLabels(Variable(name), test):
                return self._label_share(name, test)
            case Call("NOT", (operand,)):
                return 1.0 - self.of(operand)
            case Call("=", (left, right)):
                return self._equality(left, right)
            case Call("<>", (left, right)):
                return max(0.0, 1.0 - self._equality(left, right) - self._null_share(left) - self._null_share(right))
            case Call("IN", (left, right)):
                return self._membership(predicate, left, right)
            case Call(operator, (left, right)) if operator in RANGE_OPERATORS:
                return self._range(predicate, operator, left, right)
            case Call("point.withinbbox"):
                return POINT_GUESS
            case Call("STARTS WITH" | "ENDS WITH" | "CONTAINS" | "=~"):
                return self._tried(predicate, TEXT_GUESS)
            case Property():
                return self._tried(predicate, OTHER_GUESS)
            case Subquery(SubqueryKind.EXISTS, plan, _):
                return self._exists(plan)
            case _:
                return OTHER_GUESS

    def _exists(self, plan: object) -> float:
        match plan:
            case nodes.Match(nodes.Argument(), graph):
                labels = {**self._labels, **{n.variable: n.labels for n in graph.nodes if n.labels}}
                types = {**self._types, **{r.variable: r.types for r in graph.relationships if r.length is None}}
                inner = Selectivity(self._statistics, labels, types, self._parameters, self._corrections)
                return exists_share(graph, self._labels, self._statistics, inner)
            case _:
                return OTHER_GUESS

    def _label_share(self, name: str, test: LabelTest) -> float:
        labels = self._labels.get(name, ())
        match test.operator:
            case Op.NAME:
                total = self._statistics.nodes_with_labels(labels)
                both = self._statistics.nodes_with_labels(tuple(dict.fromkeys((*labels, test.name))))
                return min(1.0, both / total) if total else 0.0
            case Op.NOT:
                return 1.0 - self._label_share(name, test.operands[0])
            case Op.AND:
                shares = [self._label_share(name, operand) for operand in test.operands]
                return min(shares, default=1.0)
            case Op.OR:
                missing = 1.0
                for operand in test.operands:
                    missing *= 1.0 - self._label_share(name, operand)
                return 1.0 - missing
            case _:
                return 1.0

    def _summary(self, variable: str, key: str) -> ValueSummary | None:
        """The values of a property of a variable, by its rarest label or its one type; None for other variables."""
        statistics = self._statistics
        if variable in self._types:
            types = self._types[variable]
            return statistics.values(types[0] if len(types) == 1 else None, key, Element.RELATIONSHIP)
        labels = self._labels.get(variable)
        if labels is None:
            return None
        label = min(labels, key=statistics.nodes_with_label, default=None)
        met_by = self._met_by.get(variable)
        if met_by is None or len(met_by.types) != 1:
            return statistics.values(label, key)
        found = statistics.values(label, key, Element.NODE, met_by)
        return found if found.rows else statistics.values(label, key)

    def _null_share(self, operand: Expr) -> float:
        match operand:
            case Literal(value):
                return 1.0 if value is None else 0.0
            case Property(Variable(name), key):
                found = self._summary(name, key)
                return EQUALITY_GUESS if found is None else found.null_share
            case Call(_, (Property() as argument,)):
                return self._null_share(argument)
            case Variable() | Parameter():
                return 0.0
            case _:
                return EQUALITY_GUESS if isinstance(operand, Property) else 0.0

    def _equality(self, left: Expr, right: Expr) -> float:
        for subject, other in ((left, right), (right, left)):
            match subject:
                case Property(Variable(name), key):
                    found = self._summary(name, key)
                    if found is None:
                        continue
                    try:
                        return found.equal_share(self._value(other))
                    except _Unknown:
                        pass
                case _:
                    pass
        tried = self._tried(Call("=", (left, right)), None)
        if tried is not None:
            return tried
        # Equal to a value that is not known, or two that vary: each value of the one that has more is met as often.
        counts = [n for side in (left, right) if free_variables(side) and (n := self.distinct(side)) is not None]
        return 1.0 / max(1.0, *counts) if counts else EQUALITY_GUESS

    def _membership(self, predicate: Expr, left: Expr, right: Expr) -> float:
        try:
            items = self._value(right)
            count = len(items) if isinstance(items, list) else 0
            return min(1.0, sum(self._equality(left, Literal(item)) for item in dict.fromkeys(map(_hashable, items))))
        except (_Unknown, TypeError):
            count = len(right.items) if isinstance(right, ListOf) else LIST_GUESS
        return min(1.0, count * self._equality(left, Parameter(" any")))

    def _range(self, predicate: Expr, operator: str, left: Expr, right: Expr) -> float:
        match left, right:
            case (Call("point.distance" | "distance"), _) | (_, Call("point.distance" | "distance")):
                return POINT_GUESS
            case _:
                pass
        bound = self._bound(predicate)
        if bound is not None:
            name, key, read, value = bound
            found = self._summary(name, key)
            if found is not None and value is not None:
                end = RangeBound(value, read in ("<=", ">="))
                return found.range_share(*((end, None) if read in (">", ">=") else (None, end)))
        return self._tried(predicate, RANGE_GUESS)

    # --- trying predicates on values

    def _tried(self, predicate: Expr, guess: Any) -> Any:
        """The share of a property's values on which a predicate of it alone is true; ``guess`` where it cannot say."""
        properties = _properties(predicate)
        if len(properties) != 1:
            return guess
        subject = next(iter(properties))
        assert isinstance(subject.subject, Variable)
        found = self._summary(subject.subject.name, subject.key)
        if found is None or not (found.frequent or found.histograms):
            return guess
        try:
            return found.matching_share(lambda value: self._value(predicate, subject, value) is True)
        except _Unknown:
            return guess

    def _value(self, expr: Expr, subject: Property | None = None, value: Value = None) -> Value:
        """An expression's value where ``subject`` has ``value``; _Unknown where it cannot be computed here."""
        match expr:
            case Literal(literal):
                return literal
            case Parameter(name) if name in self._parameters:
                return self._parameters[name]
            case Property() if expr == subject:
                return value
            case ListOf(items):
                return [self._value(item, subject, value) for item in items]
            case Call(name, arguments) if name in _TESTS:
                given = [self._value(argument, subject, value) for argument in arguments]
                if any(item is None for item in given):
                    return None
                try:
                    return _TESTS[name](*given)
                except (MemoraDBError, ArithmeticError, TypeError, ValueError, IndexError):
                    return None
            case _:
                raise _Unknown


def _hashable(value: Value) -> Value:
    hash(value)
    return value


def _properties(expr: Expr) -> set[Property]:
    """The properties of variables in an expression; a variable otherwise read makes it empty."""
    found: set[Property] = set()

    def visit(inner: Expr) -> bool:
        match inner:
            case Property(Variable(), _):
                found.add(inner)
                return True
            case Literal() | Parameter():
                return True
            case ListOf(items):
                return all(map(visit, items))
            case Call(_, arguments):
                return all(map(visit, arguments))
            case _:
                return False

    return found if visit(expr) else set()


def constant(expr: Expr) -> tuple[bool, Value]:
    """Whether ``expr`` is the same on every row and known now, and its value if so."""
    match expr:
        case Literal(value):
            return True, value
        case _:
            return False, None


def is_row_independent(expr: Expr) -> bool:
    """Whether ``expr`` is a literal or a parameter: the same on every row."""
    return isinstance(expr, (Literal, Parameter))
