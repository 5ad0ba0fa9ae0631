"""Where an update needs a barrier, and where it must run row by row.

A clause sees all effects of the clauses before it and none of its own. Operators pull batches through each other, so
between two that conflict (one writes what the other reads or writes) an ``Eager`` must gather all rows first; without
it a result would depend on the batch size. A clause that reads or doubly writes what it writes conflicts with itself,
which no barrier helps: it runs row by row (DESIGN 4.3).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

from ..plan import nodes
from ..plan.expr import (
    AllProperties,
    Expr,
    ListComprehension,
    Literal,
    MapOf,
    Property,
    Quantifier,
    Reduce,
    Subquery,
    Variable,
)
from ..plan.expr import children as children_of
from ..plan.nodes import LogicalNode, SetLabelsItem, SetPropertiesItem, SetPropertyItem, UpdateItem
from ..plan.properties import Effects, expression_effects, own_effects, update_expressions, update_writes
from ..plan.transform import children, map_children


def place_barriers(root: LogicalNode) -> LogicalNode:
    """``root`` with an Eager wherever an operator conflicts with what streams into it."""
    return _placed(root)[0]


def _placed(node: LogicalNode) -> tuple[LogicalNode, Effects]:
    """The node with barriers below it, and the effects that go on while its rows stream out."""
    match node:
        case nodes.Union(inputs, _, _):
            # One input after the other: each is done when the next begins.
            parts = [_placed(i) for i in inputs]
            merged = tuple(p for p, _ in parts)
            same = all(a is b for a, b in zip(merged, inputs, strict=True))
            return node if same else replace(node, inputs=merged), _joined([e for _, e in parts])
        case nodes.Apply(outer, inner, _, _):
            return _over(replace(node, inner=place_barriers(inner)), "outer", outer)
        case nodes.Foreach(input, _, _, inner):
            return _over(replace(node, inner=place_barriers(inner)), "input", input)
        case nodes.Merge(input):
            return _over(node, "input", input)
        case _:
            below = children(node)
            if not below:
                return node, own_effects(node)
            assert len(below) == 1, type(node).__name__
            name = next(f.name for f in fields(node) if getattr(node, f.name) is below[0])
            return _over(node, name, below[0])


def _over(node: LogicalNode, side: str, input: LogicalNode) -> tuple[LogicalNode, Effects]:
    placed, streaming = _placed(input)
    own = own_effects(node)
    if isinstance(node, nodes.ProduceResults) and node.columns:
        own = own | _RETURNED
    if own.conflicts_with(streaming):
        placed, streaming = nodes.Eager(placed), Effects()
    if placed is not input:
        node = map_children(node, lambda child: placed if child is input else child)
    blocking = isinstance(node, (nodes.Sort, nodes.Top, nodes.Aggregation, nodes.Eager))
    return node, Effects() if blocking else streaming | own


_RETURNED = Effects(frozenset(("label:*", "key:*", "type:*", "node")))
"""What a client is shown of elements: labels and properties, fetched when a row leaves the plan."""


def _joined(parts: Sequence[Effects]) -> Effects:
    total = Effects()
    for part in parts:
        total = total | part
    return total


@dataclass(frozen=True, slots=True)
class SelfConflict:
    """Why a clause may have to run row by row.

    ``always``: whatever the rows hold. Otherwise only where a column of ``subjects`` holds elements: what is written is
    read through them, as in ``SET p.age = r.age``, where ``r`` is mostly a map.
    """

    always: bool = False
    subjects: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return self.always or bool(self.subjects)

    def __or__(self, other: SelfConflict) -> SelfConflict:
        return SelfConflict(self.always or other.always, self.subjects | other.subjects)


def update_conflict(items: Sequence[UpdateItem]) -> SelfConflict:
    """Whether a SET reads a key or label that it writes, or writes one twice; a whole map counts as every key."""
    written: list[str] = []
    for item in items:
        match item:
            case SetPropertyItem(_, key, _):
                written.append(f"key:{key.value}" if isinstance(key, Literal) else "key:*")
            case SetPropertiesItem():
                written.append("key:*")
            case SetLabelsItem(_, labels, _):
                written.extend(f"label:{x}" for x in labels)
    keys = [w for w in written if w.startswith("key:")]
    if len(written) != len(set(written)) or ("key:*" in keys and len(keys) > 1):
        return SelfConflict(True)
    writes = Effects(writes=update_writes(items))
    return _joined_conflicts([_conflict(e, writes) for e in update_expressions(items)])


def _conflict(expr: Expr, writes: Effects) -> SelfConflict:
    """How evaluating ``expr`` meets ``writes``."""
    match expr:
        case Property(Variable(name), key):
            read = Effects(frozenset((f"key:{key}",)))
            return SelfConflict(subjects=frozenset((name,))) if writes.conflicts_with(read) else SelfConflict()
        case AllProperties(Variable(name)):
            read = Effects(frozenset(("key:*",)))
            return SelfConflict(subjects=frozenset((name,))) if writes.conflicts_with(read) else SelfConflict()
        case _:
            inner = children_of(expr)
            below = _joined([expression_effects(c) for c in inner])
            whole = expression_effects(expr)
            own = Effects(whole.reads - below.reads)
            if isinstance(expr, Subquery) or writes.conflicts_with(own):
                return SelfConflict(writes.conflicts_with(Effects(whole.reads)))
            found = _joined_conflicts([_conflict(c, writes) for c in inner])
            # A variable that the expression itself brings has no column to look at: it may stand for elements.
            local = found.subjects & _brought_by(expr)
            return SelfConflict(found.always or bool(local), found.subjects - local)


def _brought_by(expr: Expr) -> frozenset[str]:
    match expr:
        case ListComprehension() | Quantifier():
            return frozenset((expr.variable,))
        case Reduce():
            return frozenset((expr.accumulator, expr.variable))
        case _:
            return frozenset()


def _joined_conflicts(parts: Sequence[SelfConflict]) -> SelfConflict:
    total = SelfConflict()
    for part in parts:
        total = total | part
    return total


def merge_conflict(node: nodes.Merge) -> SelfConflict:
    """Whether a MERGE must go row by row.

    It may be batched for one node, or for one directed relationship between bound ends, keyed by equality, when nothing
    that it sets or reads is what it matches: then the first row of a key creates and later ones match what it made.
    """
    single_node = len(node.nodes) == 1 and not node.relationships
    single_relationship = len(node.relationships) == 1 and not node.nodes and not node.undirected
    elements = (*node.nodes, *node.relationships)
    if not (single_node or single_relationship):
        return SelfConflict(True)
    element = elements[0]
    if element.properties is not None and not isinstance(element.properties, MapOf):
        return SelfConflict(True)
    keys = element.properties.entries if isinstance(element.properties, MapOf) else ()
    items = node.on_create + node.on_match
    if any(i.target != Variable(element.variable) for i in items):
        return SelfConflict(True)
    set_by_items = Effects(writes=update_writes(items))
    matched = {f"key:{k}" for k, _ in keys}
    matched |= {f"label:{x}" for x in element.labels} if isinstance(element, nodes.NewNode) else set()
    if set_by_items.conflicts_with(Effects(frozenset(matched))):
        return SelfConflict(True)
    created = own_effects(nodes.Create(node.input, node.nodes, node.relationships)).writes
    # A new element's own keys are new to whoever reads them through an element bound before.
    writes = Effects(writes=created | set_by_items.writes)
    conflict = _joined_conflicts([_conflict(e, writes) for _, e in keys])
    for part in (node.on_create, node.on_match):
        conflict = conflict | _joined_conflicts([_conflict(e, writes) for e in update_expressions(part)])
    # What is read of the merged element itself is its own row's business, or in turn for rows that share it.
    return SelfConflict(conflict.always, conflict.subjects - {element.variable})


def reads_what_it_writes(node: nodes.Create) -> bool:
    """Whether a CREATE's own expressions see what it creates: ``CREATE (:A {c: COUNT {(:A)}})``."""
    own = own_effects(node)
    return own.conflicts_with(Effects(reads=own.reads))
