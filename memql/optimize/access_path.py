"""The ways to find a pattern node's candidates: by label, by index, by id.

Each path says which predicates it answers itself, which variables it needs bound before, how many rows it yields for
one input row and what that costs. Choosing between them is the pattern planner's.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

from memoradb.storage.view import Element, IndexDefinition

from ..cost import constants
from ..cost.cardinality import label_rows
from ..cost.selectivity import MIRRORED, RANGE_OPERATORS, Selectivity
from ..exec.index_scan import NodeById, NodeIndexPrefix, NodeIndexRange, NodeIndexSeek
from ..exec.index_search import NodeIndexSearch
from ..exec.lookup import Lookup
from ..exec.operator import Operator
from ..exec.scan import NodeScan
from ..plan.expr import Call, Expr, Property, Variable, free_variables
from ..plan.pattern import PatternNode, PatternRelationship
from .index_questions import Question, questions
from .planning import PlanningCatalog


@dataclass(frozen=True, slots=True)
class AccessPath:
    """One way to bind ``variable``; ``answers`` are the predicates that need no filter afterwards."""

    variable: str
    labels: tuple[str, ...]
    rows: float
    cost: float
    needs: frozenset[str] = frozenset()
    answers: tuple[Expr, ...] = ()
    index: str | None = None
    lookup: str = "scan"  # scan | equal | any | range | prefix | id | search
    value: Expr | None = None
    low: tuple[Expr, bool] | None = None
    high: tuple[Expr, bool] | None = None
    search: Lookup | None = None
    values: tuple[Expr, ...] = ()

    def physical(self, expression: Callable[[Expr], Expr]) -> AccessPath:
        """The same path, with the subqueries in what it looks up made physical by ``expression``."""
        low, high = (b if b is None else (expression(b[0]), b[1]) for b in (self.low, self.high))
        value = None if self.value is None else expression(self.value)
        return replace(self, value=value, low=low, high=high, values=tuple(map(expression, self.values)))

    def operator(self, input: Operator, dead: bool = False) -> Operator:
        """The physical operator for this path over ``input``; of a ``dead`` node only the number counts."""
        match self.lookup:
            case "equal" | "any":
                assert self.index is not None and self.value is not None
                return NodeIndexSeek(input, self.variable, self.index, self.value, self.lookup == "any", self.labels)
            case "range":
                assert self.index is not None
                return NodeIndexRange(input, self.variable, self.index, self.low, self.high, self.labels)
            case "prefix":
                assert self.index is not None and self.value is not None
                return NodeIndexPrefix(input, self.variable, self.index, self.value, self.labels)
            case "id":
                assert self.value is not None
                return NodeById(input, self.variable, self.value, False, self.labels)
            case "search":
                assert self.search is not None
                return NodeIndexSearch(input, self.variable, self.search, self.values, self.labels)
            case _:
                return NodeScan(input, None if dead else self.variable, self.labels)


def access_paths(
    node: PatternNode, predicates: Sequence[Expr], catalog: PlanningCatalog, selectivity: Selectivity
) -> list[AccessPath]:
    """Every path to ``node``, the label scan first."""
    statistics = catalog.statistics
    total = label_rows(statistics, node.labels)
    paths = [
        AccessPath(
            node.variable,
            node.labels,
            total,
            constants.OPERATOR_NS + total * constants.SCAN_ROW_NS,
        )
    ]
    indexes = [i for i in catalog.indexes() if _applies(i, node.labels)]
    paths.extend(_searches(node.variable, node.labels, predicates, catalog, total, selectivity.together))
    bounds: dict[str, list[tuple[Expr, str, Expr]]] = {}
    for predicate in predicates:
        match predicate:
            case Call("=", (left, right)):
                for subject, value in ((left, right), (right, left)):
                    paths.extend(_equality(node, predicate, subject, value, indexes, total, selectivity))
            case Call("IN", (Property(Variable(name), key), values)) if name == node.variable:
                if name in free_variables(values):
                    continue
                rows = total * selectivity.of(predicate)
                for index in _with_key(indexes, key):
                    paths.append(_seek(node, index, "any", values, (predicate,), max(rows, 1.0)))
            case Call("STARTS WITH", (Property(Variable(name), key), prefix)) if name == node.variable:
                if name in free_variables(prefix):
                    continue
                rows = total * selectivity.of(predicate)
                for index in _with_key(indexes, key):
                    paths.append(_seek(node, index, "prefix", prefix, (predicate,), rows))
            case Call(operator, (left, right)) if operator in RANGE_OPERATORS:
                for subject, value, op in ((left, right, operator), (right, left, MIRRORED[operator])):
                    match subject:
                        case Property(Variable(name), key) if name == node.variable:
                            if name not in free_variables(value):
                                bounds.setdefault(key, []).append((predicate, op, value))
                        case _:
                            pass
            case _:
                pass
    for key, found in bounds.items():
        for index in _with_key(indexes, key):
            paths.append(_range(node, index, found, total, selectivity))
    return paths


def _applies(index: IndexDefinition, labels: Collection[str]) -> bool:
    return (
        index.kind.is_ordered and len(index.keys) == 1 and index.element is Element.NODE and index.labels[0] in labels
    )


def _with_key(indexes: Sequence[IndexDefinition], key: str) -> list[IndexDefinition]:
    return [i for i in indexes if i.keys == (key,)]


def _equality(
    node: PatternNode,
    predicate: Expr,
    subject: Expr,
    value: Expr,
    indexes: Sequence[IndexDefinition],
    total: float,
    selectivity: Selectivity,
) -> list[AccessPath]:
    if node.variable in free_variables(value):
        return []
    match subject:
        case Property(Variable(name), key) if name == node.variable:
            paths = []
            for index in _with_key(indexes, key):
                rows = 1.0 if index.kind.is_unique else total * selectivity.of(predicate)
                paths.append(_seek(node, index, "equal", value, (predicate,), min(rows, max(total, 1.0))))
            return paths
        case Call("id" | "elementid" as function, (Variable(name),)) if name == node.variable:
            if function == "elementid":
                return []
            return [
                AccessPath(
                    node.variable,
                    node.labels,
                    1.0,
                    constants.SEEK_NS,
                    free_variables(value),
                    (predicate,),
                    lookup="id",
                    value=value,
                )
            ]
        case _:
            return []


def _seek(
    node: PatternNode,
    index: IndexDefinition,
    lookup: str,
    value: Expr,
    answers: tuple[Expr, ...],
    rows: float,
) -> AccessPath:
    return AccessPath(
        node.variable,
        tuple(x for x in node.labels if x != index.labels[0]),
        rows,
        constants.SEEK_NS + rows * constants.RANGE_ROW_NS,
        free_variables(value),
        answers,
        index.name,
        lookup,
        value,
    )


def _range(
    node: PatternNode,
    index: IndexDefinition,
    found: Sequence[tuple[Expr, str, Expr]],
    total: float,
    selectivity: Selectivity,
) -> AccessPath:
    """The first lower and the first upper bound; further ones stay filters."""
    low = next(((v, op == ">=", p) for p, op, v in found if op in (">", ">=")), None)
    high = next(((v, op == "<=", p) for p, op, v in found if op in ("<", "<=")), None)
    needs: frozenset[str] = frozenset()
    answers: list[Expr] = []
    for bound in (low, high):
        if bound is not None:
            needs |= free_variables(bound[0])
            answers.append(bound[2])
    rows = total * selectivity.together(answers)
    return AccessPath(
        node.variable,
        tuple(x for x in node.labels if x != index.labels[0]),
        rows,
        constants.SEEK_NS + rows * constants.RANGE_ROW_NS,
        needs,
        tuple(answers),
        index.name,
        "range",
        low=None if low is None else (low[0], low[1]),
        high=None if high is None else (high[0], high[1]),
    )


def relationship_paths(
    relationship: PatternRelationship, predicates: Sequence[Expr], catalog: PlanningCatalog
) -> list[AccessPath]:
    """Every index that finds a relationship of one type by its properties."""
    if len(relationship.types) != 1 or relationship.length is not None or relationship.shortest is not None:
        return []
    total = float(catalog.statistics.relationships(relationship.types[0]))
    types = {relationship.variable: relationship.types}
    share = Selectivity(catalog.statistics, {}, types, catalog.parameters, catalog.corrections).together
    return _searches(relationship.variable, relationship.types, predicates, catalog, total, share, True)


def _searches(
    variable: str,
    labels: tuple[str, ...],
    predicates: Sequence[Expr],
    catalog: PlanningCatalog,
    total: float,
    share: Callable[[Sequence[Expr]], float],
    relationship: bool = False,
) -> list[AccessPath]:
    """Paths by composite, text and point indexes; of a relationship also by those on one key."""
    element = Element.RELATIONSHIP if relationship else Element.NODE
    paths: list[AccessPath] = []
    for index in catalog.indexes():
        if index.element is element and index.labels and index.labels[0] in labels:
            for question in questions(index, variable, predicates, relationship):
                paths.append(_search(variable, labels, index, question, total, share))
    return paths


def _search(
    variable: str,
    labels: tuple[str, ...],
    index: IndexDefinition,
    question: Question,
    total: float,
    share: Callable[[Sequence[Expr]], float],
) -> AccessPath:
    rows = total * share(question.answers)
    if index.kind.is_unique and question.lookup.equal == len(index.keys) and not question.lookup.many:
        rows = min(1.0, total)
    row = constants.RANGE_ROW_NS if index.kind.is_ordered else constants.TEXT_ROW_NS
    return AccessPath(
        variable,
        tuple(x for x in labels if x != index.labels[0]),
        rows,
        constants.SEEK_NS + rows * row,
        frozenset().union(*map(free_variables, question.values)),
        question.answers,
        index.name,
        "search",
        search=question.lookup,
        values=question.values,
    )
