"""Which aggregations can be computed by message passing, and whether that is the cheaper way.

    Aggregation(keys over g; aggregates of v.k, w.l, ...)
      Match(a tree)

The pattern must be a connected tree of relationships of one hop, or two at most, that begins with no bound variable;
each predicate must be of one node and unable to fail; the keys read one node, each aggregate a property of one node.
Relationships that must be different must be so by their types, by their place, or by what ``Guard`` says of the graph.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from memoradb.storage.view import Direction

from ..cost import constants
from ..cost.cardinality import degree, label_rows, relationship_rows
from ..exec.factorised import FactorisedAggregation, measures
from ..exec.index_scan import NodeById, NodeIndexSeek
from ..exec.messages import holds
from ..exec.operator import Alternative, Estimate, Operator
from ..exec.project import Project
from ..plan import nodes
from ..plan.expr import Expr, Property, Variable, conjunction, free_variables, rewrite_up, subqueries_in
from ..plan.factors import FactorEdge, FactorNode, First, Guard
from ..plan.failure import cannot_fail, is_safe
from ..plan.pattern import PatternGraph, PatternRelationship
from ..plan.properties import is_volatile
from .planning import PlanningCatalog

NAME: Final = "factorised_aggregation"

FIRST: Final = "first_nodes"

HOPS_MAX: Final = 2
"""Hops of a variable-length relationship: of directed ones without self-loops two are never the same."""

NODES_MAX: Final = 12
"""Nodes of a tree: each is tried as its root, where no key says which it is."""

ADD_NS: Final = 2.5
"""One relationship in a sum over all neighbours in place."""

LIST_NS: Final = 15.0
"""One relationship that is listed, and its number added."""

DEGREE_NS: Final = 4.0
"""One node's degree."""

NODE_NS: Final = 2.0
"""A node that is looked at; a number that is taken or multiplied."""

TEST_NS: Final = 8.0
"""A node on which a predicate is evaluated, a whole column at a time."""

GROUP_NS: Final = 25.0
"""A node whose numbers are put into the group of its key."""


def factorised(
    node: nodes.Aggregation, aggregates: Sequence[nodes.Aggregate], otherwise: Operator, catalog: PlanningCatalog
) -> Operator:
    """The aggregation over ``otherwise``'s rows, or the same by message passing where it may be and costs less."""
    if not catalog.enabled(NAME) or otherwise.estimate is None:
        return otherwise
    found = _over_match(node, aggregates)
    if found is None:
        return otherwise
    graph, keys, items = found
    roots = _roots(graph, keys, items)
    if not roots or not _is_tree(graph) or not _predicates_fit(graph) or _begins_at_one(otherwise):
        return otherwise
    independent = _guard(graph)
    if independent is None:
        return otherwise
    guard, apart = independent
    if not holds(guard, catalog.view) or (apart and any(a.function in ("min", "max") for a in items)):
        return otherwise
    best: FactorisedAggregation | None = None
    chosen = catalog
    for root in roots:
        trial = catalog.trial()
        tree = _Trees(graph, items, trial, apart).rooted(root)
        rows, cost = _cost(tree, keys, items, trial)
        if best is None or best.estimate is None or cost < best.estimate.cost:
            estimate = Estimate(min(rows, otherwise.estimate.rows) if keys else 1.0, cost)
            best = FactorisedAggregation(otherwise, tree, keys, items, guard, estimate=estimate)
            chosen = trial
    assert best is not None and best.estimate is not None
    if best.estimate.cost > otherwise.estimate.cost:
        return otherwise
    known = otherwise.estimate
    made = Alternative("rows made and aggregated", known.rows, known.cost)
    best.estimate = replace(best.estimate, rows=known.rows, alternatives=(made,))
    catalog.adopt(chosen)
    catalog.use(NAME)
    return best


def _begins_at_one(operator: Operator) -> bool:
    """Whether an index gives the rows their one beginning.

    Few rows are made then, and few are read: messages look at all nodes, and a transaction that has read all of them
    conflicts with every other.
    """
    if isinstance(operator, (NodeIndexSeek, NodeById)):
        return operator.estimate is not None and operator.estimate.rows <= 1.0
    return any(map(_begins_at_one, operator.children))


def bound_by_top(
    source: Operator, keys: Sequence[nodes.SortKey], limit: Expr, skip: Expr | None, catalog: PlanningCatalog
) -> None:
    """Tell an aggregation below a Top that only its first nodes by the first key, an aggregate of its, are wanted.

    What is between them, and the other keys, must be unable to fail: it is then computed for fewer rows.
    """
    key = keys[0].expression
    if not catalog.enabled(FIRST) or not isinstance(key, Variable) or not all(is_safe(k.expression) for k in keys):
        return
    name = key.name
    while isinstance(source, Project):
        items = dict(source.items)
        if not all(map(is_safe, items.values())) or any(map(subqueries_in, items.values())):
            return
        below = items.get(name, Variable(name) if source.keep else None)
        if not isinstance(below, Variable):
            return
        name, source = below.name, source.input
    if not isinstance(source, FactorisedAggregation) or not source.is_by_node:
        return
    if any(a.variable == name and a.function in ("count", "sum") for a in source.aggregates):
        source.first = First(name, keys[0].descending, limit, skip)
        catalog.use(FIRST)


_Found = tuple[PatternGraph, tuple[tuple[str, Expr], ...], tuple[nodes.Aggregate, ...]]


def _over_match(node: nodes.Aggregation, aggregates: Sequence[nodes.Aggregate]) -> _Found | None:
    """The pattern below an aggregation, and what this reads said in the pattern's variables."""
    keys, items, below = node.keys, tuple(aggregates), node.input
    while isinstance(below, nodes.Projection):
        named, keep = dict(below.items), below.keep
        if any(is_volatile(e) or subqueries_in(e) for e in named.values()):
            return None

        def said(expr: Expr, named: dict[str, Expr] = named, keep: bool = keep) -> Expr:
            def replaced(part: Expr) -> Expr:
                return named.get(part.name, part) if isinstance(part, Variable) else part

            return rewrite_up(expr, replaced)

        keys = tuple((name, said(e)) for name, e in keys)
        items = tuple(replace(a, arguments=tuple(map(said, a.arguments))) for a in items)
        below = below.input
    match below:
        case nodes.Match(nodes.Argument(()), graph) if not graph.arguments:
            return graph, keys, items
        case _:
            return None


def _roots(graph: PatternGraph, keys: Sequence[tuple[str, Expr]], items: Sequence[nodes.Aggregate]) -> tuple[str, ...]:
    """The nodes that may be the root: where a key is read or something distinct is counted there is but one."""
    names = tuple(n.variable for n in graph.nodes)
    if len(names) > NODES_MAX:
        return ()
    wanted: set[str] = set()
    for _, expr in keys:
        read = free_variables(expr)
        if len(read) != 1 or not read <= set(names) or not is_safe(expr) or subqueries_in(expr):
            return ()
        wanted |= read
    for item in items:
        match item.arguments:
            case () if item.function == "count":
                pass
            case (Variable(name),) if item.function == "count" and name in names:
                if item.distinct:
                    wanted.add(name)
            case (Property(Variable(name)),) if name in names and item.function in ("count", "sum", "avg"):
                if item.distinct:
                    return ()
            case (Property(Variable(name)),) if name in names and item.function in ("min", "max"):
                pass
            case _:
                return ()
    if len(wanted) > 1:
        return ()
    return tuple(wanted) or names


def _is_tree(graph: PatternGraph) -> bool:
    if not graph.relationships or len(graph.nodes) != len(graph.relationships) + 1:
        return False
    joined = {n.variable: n.variable for n in graph.nodes}

    def head(name: str) -> str:
        while joined[name] != name:
            name = joined[name]
        return name

    for relationship in graph.relationships:
        if not {relationship.source, relationship.target} <= joined.keys() or not _is_short(relationship):
            return False
        a, b = head(relationship.source), head(relationship.target)
        if a == b:
            return False
        joined[a] = b
    return True


def _is_short(relationship: PatternRelationship) -> bool:
    if relationship.shortest is not None or relationship.hop_predicate is not None:
        return False
    length = relationship.length
    if length is None:
        return True
    directed = relationship.direction is not Direction.BOTH
    return directed and length.low >= 1 and length.high is not None and length.low <= length.high <= HOPS_MAX


def _predicates_fit(graph: PatternGraph) -> bool:
    names = {n.variable for n in graph.nodes}
    for predicate in graph.predicates:
        read = free_variables(predicate)
        if len(read) != 1 or not read <= names or not cannot_fail(predicate):
            return False
        if is_volatile(predicate) or subqueries_in(predicate):
            return False
    return True


# --- relationships that must be different -------------------------------------------------------------------------


def _guard(graph: PatternGraph) -> tuple[Guard, dict[str, str]] | None:
    """What must hold for no two relationships to be the same one, but for pairs that are to be corrected.

    These have a node in common and lead the same way: the ways in which they are the same can be counted. None where
    there is more to it.
    """
    pairs: dict[str, str] = {}
    loop_free: set[tuple[str, ...]] = set()
    apart: set[tuple[tuple[str, ...], tuple[str, ...]]] = set()
    labels = {n.variable: n.labels for n in graph.nodes}
    for relationship in graph.relationships:
        if relationship.length is not None and relationship.length.high == HOPS_MAX:
            loop_free.add(relationship.types)
    for a, b in _pairs(graph):
        if a.types and b.types and not set(a.types) & set(b.types):
            continue
        if a.length is not None and b.length is not None:
            return None
        if a.length is not None:
            a, b = b, a
        ways = _ways_to_be_same(a, b)
        if ways is None:
            return None
        types = tuple(sorted(set(a.types) & set(b.types))) if a.types and b.types else a.types or b.types
        for one, other in ways:
            # Both ends of the same relationship are the same: ends that follow each other make it a self-loop.
            if one[1] == other[0] or other[1] == one[0]:
                loop_free.add(types)
                continue
            labelled = ((labels[x], labels[y]) for x, y in zip(one, other, strict=True) if x and y)
            different = next(((x, y) for x, y in labelled if x and y and not set(x) & set(y)), None)
            if different is not None:
                apart.add(different)
                continue
            single = a.length is None and b.length is None
            if not single or a.variable in pairs or b.variable in pairs or (one[0] != other[0] and one[1] != other[1]):
                return None
            pairs[a.variable], pairs[b.variable] = b.variable, a.variable
    return Guard(frozenset(loop_free), frozenset(apart)), pairs


def _pairs(graph: PatternGraph) -> Iterator[tuple[PatternRelationship, PatternRelationship]]:
    for number, a in enumerate(graph.relationships):
        for b in graph.relationships[number + 1 :]:
            if any(a.variable in group and b.variable in group for group in graph.uniqueness):
                yield a, b


_Ends = tuple[str, str]


def _ways_to_be_same(a: PatternRelationship, b: PatternRelationship) -> list[tuple[_Ends, _Ends]] | None:
    """(start and end of a, of the hop of b that might be it); "" is a node that no variable names."""
    if Direction.BOTH in (a.direction, b.direction):
        return None
    one = (a.source, a.target)
    if b.length is None or b.length.high == 1:
        return [(one, (b.source, b.target))]
    return [(one, (b.source, "")), (one, ("", b.target))]


# --- trees --------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Trees:
    """A graph as a tree that hangs from one of its nodes."""

    graph: PatternGraph
    items: tuple[nodes.Aggregate, ...]
    catalog: PlanningCatalog
    apart: dict[str, str]
    """Relationships that must differ, each by the other."""

    def rooted(self, root: str) -> FactorNode:
        """The tree, most selective branches first."""
        return self._node(root, None)

    def _node(self, name: str, came: str | None) -> FactorNode:
        labels = next(n.labels for n in self.graph.nodes if n.variable == name)
        own = tuple(p for p in self.graph.predicates if free_variables(p) == {name})
        selectivity = self.catalog.selectivity(self.graph)
        rows = label_rows(self.catalog.statistics, labels)
        for predicate in own:
            rows *= selectivity.of(predicate)
        edges = [
            (self._edge(r, name), r.variable)
            for r in self.graph.relationships
            if name in (r.source, r.target) and r.variable != came
        ]
        edges.sort(key=lambda e: e[0].node.rows)
        place = {variable: i for i, (_, variable) in enumerate(edges)}
        pairs = tuple(
            (i, place[other])
            for i, (_, variable) in enumerate(edges)
            if (other := self.apart.get(variable)) in place and i < place[other]
        )
        carried = dict.fromkeys(m for a in self.items for m in measures(a) if m.variable == name)
        return FactorNode(
            name, labels, conjunction(own) if own else None, tuple(e for e, _ in edges), tuple(carried), rows, pairs
        )

    def _back(self, node: FactorNode, relationship: PatternRelationship) -> int | None:
        """Which branch of the far node must not be the relationship that leads there."""
        other = self.apart.get(relationship.variable)
        below = [
            r.variable
            for r in self.graph.relationships
            if node.variable in (r.source, r.target) and r.variable != relationship.variable
        ]
        if other not in below:
            return None
        rest = next(r for r in self.graph.relationships if r.variable == other)
        far = rest.target if rest.source == node.variable else rest.source
        return next(i for i, edge in enumerate(node.edges) if edge.node.variable == far)

    def _edge(self, relationship: PatternRelationship, near: str) -> FactorEdge:
        away = relationship.source == near
        far = relationship.target if away else relationship.source
        direction = relationship.direction if away else relationship.direction.reversed
        node = self._node(far, relationship.variable)
        low, high = 1, 1
        if relationship.length is not None:
            low, high = relationship.length.low, relationship.length.high or 1
        labels = node.labels
        if high == 1:
            labels = self.catalog.labels_to_check(relationship.types, direction, labels)
        back = self._back(node, relationship)
        return FactorEdge(relationship.types, direction, low, high, labels, node, back)


def _cost(
    tree: FactorNode,
    keys: Sequence[tuple[str, Expr]],
    items: Sequence[nodes.Aggregate],
    catalog: PlanningCatalog,
) -> tuple[float, float]:
    """(nodes of the root that have matches, nanoseconds)."""
    rows, cost = _node_cost(tree, catalog)
    numbers = 1 + len(items)
    if keys and not any(e == Variable(tree.variable) for _, e in keys):
        cost += rows * GROUP_NS * (len(keys) + len(items)) + constants.OPERATOR_NS
    return rows, cost + rows * NODE_NS * numbers


def _node_cost(node: FactorNode, catalog: PlanningCatalog) -> tuple[float, float]:
    statistics = catalog.statistics
    rows, cost = label_rows(statistics, node.labels), constants.OPERATOR_NS
    cost += rows * NODE_NS / 2
    share = node.rows / rows if rows else 0.0
    tested = node.predicate is None
    for edge in node.edges:
        below, more = (0.0, 0.0) if edge.is_plain else _node_cost(edge.node, catalog)
        if not tested and below * 8 > rows:
            cost += rows * TEST_NS
            rows, tested = rows * share, True
        mean = degree(statistics, node.labels, edge.types, (), edge.direction)
        if edge.is_plain:
            cost += rows * DEGREE_NS
            rows *= min(1.0, mean)
            continue
        cost += more + constants.OPERATOR_NS
        reached, work = below, 0.0
        everything = relationship_rows(statistics, None, edge.types, None, edge.direction)
        back = edge.direction.reversed
        numbers = 1 + (2 if edge.node.carries else 0)
        labels = edge.node.labels
        for _ in range(edge.high):
            listed = reached * degree(statistics, labels, edge.types, (), back)
            pulled = min(everything, rows * mean) if edge.high == 1 else everything
            work += min(listed * LIST_NS, pulled * ADD_NS) * numbers
            reached, labels = min(listed, float(statistics.nodes())), ()
        if edge.back is not None or node.pairs:
            work *= 2
        if edge.high == 1 and rows * mean * 4 < below:
            work = rows * mean * LIST_NS * numbers
        cost += work
        rows = min(rows, max(reached, 1.0))
    if not tested:
        cost += rows * TEST_NS
        rows *= share
    return rows, cost + rows * NODE_NS * (len(node.edges) + len(node.measures))
