"""Which parts of a pattern graph can be folded: trees of dead variables that hang from the rest.

A leaf is peeled off where nothing reads it or its relationship, its predicates read it alone and cannot fail, and its
relationship is a single hop. What that leaves bare is peeled next. Relationship uniqueness is kept: two of one group
that might be the same one must hang from the same node, where inclusion and exclusion corrects their product; or the
facts must show that they never are the same (different types; one into a node and one out of it, of types without
self-loops). Where neither holds the later one stays in the pattern.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from memoradb.storage.view import Direction, Follows

from ..cost import constants
from ..cost.cardinality import degree, degree_of_reached
from ..cost.scope import Scope
from ..plan.expr import (
    And,
    Call,
    Expr,
    HasLabels,
    IsNull,
    Literal,
    Or,
    Parameter,
    Property,
    Variable,
    conjunction,
    free_variables,
)
from ..plan.fold import Branches, FoldEdge, FoldNode
from ..plan.pattern import PatternGraph, PatternRelationship
from .planning import PlanningCatalog
from .steps import Costed, Count, Test

_COMPARISONS = frozenset(("=", "<>", "<", "<=", ">", ">="))


def cannot_fail(predicate: Expr) -> bool:
    """Whether a predicate is a truth value on every row: it compares properties and constants, or joins such."""
    match predicate:
        case Call(operator, (left, right)) if operator in _COMPARISONS:
            return _is_simple(left) and _is_simple(right)
        case IsNull(operand, _):
            return _is_simple(operand)
        case HasLabels(Variable(), _):
            return True
        case And(operands) | Or(operands):
            return all(map(cannot_fail, operands))
        case Call("NOT", (operand,)):
            return cannot_fail(operand)
        case _:
            return False


def _is_simple(expr: Expr) -> bool:
    return isinstance(expr, (Literal, Parameter)) or (isinstance(expr, Property) and isinstance(expr.subject, Variable))


@dataclass(frozen=True, slots=True)
class Folding:
    """A pattern graph without its folded parts, and these by the node that they hang from."""

    graph: PatternGraph
    branches: tuple[tuple[str, Branches], ...]
    catalog: PlanningCatalog
    """Holds the facts that it rests on."""


@dataclass(slots=True)
class _Hanging:
    """A relationship that was peeled off, with its leaf, as seen from ``root``."""

    relationship: PatternRelationship
    root: str
    leaf: str
    direction: Direction


def foldings(graph: PatternGraph, required: frozenset[str], catalog: PlanningCatalog) -> list[Folding]:
    """Ways to fold ``graph``, of which the variables ``required`` are read: at most one, or one for each node."""
    core = set(required | graph.arguments)
    for predicate in graph.predicates:
        read = free_variables(predicate)
        if len(read) != 1 or not cannot_fail(predicate):
            core |= read
    core &= {n.variable for n in graph.nodes} | {r.variable for r in graph.relationships}
    for relationship in graph.relationships:
        if relationship.length is not None or relationship.variable in graph.arguments:
            core |= {relationship.source, relationship.target}
        if relationship.hop_predicate is not None:
            core |= free_variables(relationship.hop_predicate)
    nodes = {n.variable for n in graph.nodes}
    roots = [frozenset(core)] if core & nodes else [frozenset(core | {n}) for n in sorted(nodes)]
    found = [_Peeler(graph, root, catalog.trial()).folding() for root in roots]
    return [f for f in found if f is not None]


class _Peeler:
    def __init__(self, graph: PatternGraph, core: frozenset[str], catalog: PlanningCatalog) -> None:
        self._graph = graph
        self._core = core
        self._catalog = catalog

    def folding(self) -> Folding | None:
        stay: set[str] = set()
        while True:
            peeled = self._peel(stay)
            if not peeled:
                return None
            pairs = self._pairs(peeled)
            if isinstance(pairs, str):
                stay.add(pairs)
                continue
            return self._built(peeled, pairs)

    def _peel(self, stay: set[str]) -> dict[str, _Hanging]:
        """Relationships that can go, from the leaves inwards, by variable."""
        left = {r.variable: r for r in self._graph.relationships}
        nodes = {n.variable for n in self._graph.nodes}
        peeled: dict[str, _Hanging] = {}
        again = True
        while again:
            again = False
            for node in sorted(nodes - self._core):
                touching = [r for r in left.values() if node in (r.source, r.target)]
                if len(touching) != 1 or not self._may_go(touching[0], stay):
                    continue
                relationship = touching[0]
                away = relationship.source != node
                root = relationship.source if away else relationship.target
                direction = relationship.direction if away else relationship.direction.reversed
                peeled[relationship.variable] = _Hanging(relationship, root, node, direction)
                del left[relationship.variable]
                nodes.discard(node)
                again = True
        return peeled

    def _may_go(self, relationship: PatternRelationship, stay: set[str]) -> bool:
        return (
            relationship.variable not in stay
            and relationship.variable not in self._core
            and relationship.length is None
            and relationship.shortest is None
            and relationship.source != relationship.target
            and not any(relationship.variable in free_variables(p) for p in self._graph.predicates)
        )

    def _pairs(self, peeled: dict[str, _Hanging]) -> list[tuple[str, str]] | str:
        """Pairs to correct; or the variable of a relationship that must stay because of another one."""
        pairs: list[tuple[str, str]] = []
        taken: set[str] = set()
        order = list(peeled)
        for number, name in enumerate(order):
            hanging = peeled[name]
            for other in self._graph.relationships:
                if other.variable == name or not self._may_be_same(hanging.relationship, other):
                    continue
                if self._never_meets_itself(hanging.relationship, other):
                    continue
                sibling = peeled.get(other.variable)
                if sibling is None:
                    return name
                if order.index(other.variable) < number:
                    continue  # looked at already
                if sibling.root != hanging.root or {name, other.variable} & taken:
                    return other.variable
                pairs.append((name, other.variable))
                taken |= {name, other.variable}
        return pairs

    def _may_be_same(self, a: PatternRelationship, b: PatternRelationship) -> bool:
        if not any(a.variable in group and b.variable in group for group in self._graph.uniqueness):
            return False
        return not a.types or not b.types or bool(set(a.types) & set(b.types))

    def _never_meets_itself(self, a: PatternRelationship, b: PatternRelationship) -> bool:
        """One leads into a node that the other leaves: the same only as a self-loop, of which there are none."""
        if a.length is not None or b.length is not None or Direction.BOTH in (a.direction, b.direction):
            return False
        follows = a.target == b.source or b.target == a.source
        common = set(a.types) & set(b.types) if a.types and b.types else set(a.types) or set(b.types)
        return follows and self._catalog.loop_free(sorted(common))

    def _built(self, peeled: dict[str, _Hanging], pairs: list[tuple[str, str]]) -> Folding:
        by_root: dict[str, list[_Hanging]] = {}
        for hanging in peeled.values():
            by_root.setdefault(hanging.root, []).append(hanging)
        leaves = {h.leaf for h in peeled.values()}
        labels = {n.variable: n.labels for n in self._graph.nodes}
        own = {leaf: tuple(p for p in self._graph.predicates if free_variables(p) == {leaf}) for leaf in leaves}

        def branches(root: str) -> Branches | None:
            hangings = by_root.get(root)
            if hangings is None:
                return None
            position = {h.relationship.variable: i for i, h in enumerate(hangings)}
            here = tuple((position[a], position[b]) for a, b in pairs if a in position)
            return Branches(tuple(edge(h) for h in hangings), here)

        def edge(hanging: _Hanging) -> FoldEdge:
            relationship, leaf = hanging.relationship, hanging.leaf
            tested = self._catalog.labels_to_check(relationship.types, hanging.direction, labels[leaf])
            predicate = conjunction(own[leaf]) if own[leaf] else None
            node = FoldNode(tested, predicate, leaf, branches(leaf))
            return FoldEdge(relationship.variable, relationship.types, hanging.direction, node)

        roots = [n.variable for n in self._graph.nodes if n.variable in by_root and n.variable not in leaves]
        gone = {p for terms in own.values() for p in terms}
        graph = replace(
            self._graph,
            nodes=tuple(n for n in self._graph.nodes if n.variable not in leaves),
            relationships=tuple(r for r in self._graph.relationships if r.variable not in peeled),
            predicates=tuple(p for p in self._graph.predicates if p not in gone),
            uniqueness=tuple(g - peeled.keys() for g in self._graph.uniqueness),
        )
        found = [(root, branches(root)) for root in roots]
        return Folding(graph, tuple((root, b) for root, b in found if b is not None), self._catalog)


def with_counts(steps: Sequence[Costed], folding: Folding, catalog: PlanningCatalog, rows: float) -> list[Costed]:
    """``steps`` with each folded part counted as soon as its node is bound and filtered."""
    labels = catalog.labels(folding.graph)
    waiting = dict(folding.branches)
    bound: set[str] = set(folding.graph.arguments)
    out: list[Costed] = []
    extra, factor, reached = 0.0, 1.0, rows

    def count() -> None:
        nonlocal extra, factor
        for source in [s for s in waiting if s in bound]:
            branches = waiting.pop(source)
            ways, cost = _estimated(branches, labels[source], reached, catalog, _reached_by(folding, source))
            extra += constants.OPERATOR_NS + cost
            factor *= ways
            before = out[-1].cost if out else 0.0
            out.append(Costed(Count(source, branches), reached * factor, before + constants.OPERATOR_NS + cost))

    for number, item in enumerate(steps):
        if not isinstance(item.step, Test):
            count()
        others = tuple(replace(o, rows=o.rows * factor, cost=o.cost + extra) for o in item.alternatives)
        out.append(Costed(item.step, item.rows * factor, item.cost + extra, others))
        reached = item.rows
        bound |= item.step.binds
        if number == len(steps) - 1:
            count()
    if not steps:
        count()
    assert not waiting, "each folded part hangs from a node of the rest"
    return out


def _reached_by(folding: Folding, root: str) -> list[Follows]:
    """The relationships of the rest that lead to the node that a folded part hangs from."""
    found: list[Follows] = []
    for relationship in folding.graph.relationships:
        if root in (relationship.source, relationship.target) and relationship.length is None:
            towards = relationship.direction if relationship.target == root else relationship.direction.reversed
            found.append(Follows(relationship.types, towards))
    return found


def _estimated(
    branches: Branches, labels: Sequence[str], rows: float, catalog: PlanningCatalog, reached_by: Sequence[Follows] = ()
) -> tuple[float, float]:
    """(matches of one row, cost in nanoseconds) of counting ``branches`` for ``rows`` rows.

    ``reached_by``: what led to the node that they hang from. Each branch that is counted weighs it for the next.
    """
    statistics = catalog.statistics
    rows = min(rows, float(max(1, statistics.nodes())))
    ways, cost = 1.0, 0.0
    before = list(reached_by)
    for edge in branches.edges:
        mean = degree(statistics, labels, edge.types, (), edge.direction)
        node = edge.node
        each = degree(statistics, labels, edge.types, node.labels, edge.direction)
        for led in before:
            met = degree_of_reached(statistics, labels, led, edge.types, node.labels, edge.direction)
            each = max(each, met)
        ways *= each
        before.append(Follows(edge.types, edge.direction.reversed))
        cost += rows * constants.EXPAND_SOURCE_NS
        if not node.labels and node.predicate is None and node.branches is None:
            continue
        cost += rows * mean * constants.EXPAND_ROW_NS
        leaves = min(rows * mean, float(statistics.nodes()))
        if node.predicate is not None:
            about = Scope(
                {node.variable: node.labels}, met_by={node.variable: Follows(edge.types, edge.direction.reversed)}
            )
            kept = catalog.selectivity_of(about).of(node.predicate)
            ways, cost = ways * kept, cost + leaves * constants.FILTER_ROW_NS
        if node.branches is not None:
            onward = Follows(edge.types, edge.direction)
            more, below = _estimated(node.branches, node.labels, leaves, catalog, [onward])
            ways, cost = ways * more, cost + below
    return ways, cost
