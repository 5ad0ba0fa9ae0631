"""What is worth a notification in a statement that is right: read from its syntax tree and the catalog.

Names that the graph has not seen are likely misspelt; patterns that nothing joins, paths without an upper bound and
look-ups without an index are likely slow; forms that Cypher has replaced are named with what replaced them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from memoradb.core.spans import Span
from memoradb.storage.view import Element, IndexKind

from ..notifications import NotificationKind, Remark
from ..syntax import ast as a
from ..syntax import ast_expr as e
from ..syntax import ast_pattern as p
from ..syntax.suggest import did_you_mean
from ..syntax.walk import walk
from .catalog import Catalog

INDEX_ROWS_MIN: Final = 1_000
"""Nodes of a label from which on a look-up without an index is worth a remark: fewer are scanned in no time."""

_WRITES: Final = (a.Create, a.Merge, a.Set, a.Remove)
_OLD_PROCEDURES: Final = {
    "db.index.vector.querynodes": "MATCH (n) SEARCH n IN (VECTOR INDEX name FOR vector LIMIT k) SCORE AS score",
    "db.index.fulltext.querynodes": "MATCH (n) SEARCH n IN (FULLTEXT INDEX name FOR text) SCORE AS score",
}


def remarks(statement: a.Statement, catalog: Catalog) -> tuple[Remark, ...]:
    """All remarks on a statement, in the order of the text."""
    if not isinstance(statement.body, (a.SingleQuery, a.Union)):
        return ()
    reader = _Reader(statement.body, catalog)
    reader.query(statement.body, set())
    return tuple(sorted(reader.found.values(), key=lambda r: r.span.start))


def _variables(node: e.Syntax) -> set[str]:
    return {part.name for part in walk(node) if isinstance(part, e.Variable)}


class _Reader:
    """Reads one statement."""

    def __init__(self, query: a.Query, catalog: Catalog) -> None:
        self._catalog = catalog
        self.found: dict[tuple[NotificationKind, object], Remark] = {}
        self._relationships: set[str] = set()
        """Names of relationship variables; node variables in ``_nodes``."""
        self._nodes: set[str] = set()
        self._made: set[str] = set()
        """Labels, types and keys that the statement itself writes."""
        for node in walk(query):
            if isinstance(node, p.NodePattern) and node.variable is not None:
                self._nodes.add(node.variable.name)
            elif isinstance(node, p.RelationshipPattern) and node.variable is not None and node.length is None:
                self._relationships.add(node.variable.name)
            elif isinstance(node, _WRITES):
                self._made |= _written(node)

    # --- queries

    def query(self, query: a.Query, bound: set[str]) -> None:
        parts: list[a.SingleQuery] = []
        while isinstance(query, a.Union):
            parts.append(query.right)
            query = query.left
        for part in (query, *reversed(parts)):
            known = set(bound)
            for clause in part.clauses:
                self._clause(clause, known)

    def _clause(self, clause: a.Clause, bound: set[str]) -> None:
        if isinstance(clause, a.CallSubquery):
            self._subquery(clause, bound)
            return
        if isinstance(clause, a.Match):
            self._match(clause, bound)
            bound |= {v for pattern in clause.patterns for v in _variables(pattern)}
        if isinstance(clause, a.Call):
            replacement = _OLD_PROCEDURES.get(clause.procedure.lower())
            if replacement is not None:
                self._deprecated(f"{clause.procedure} is the older form of {replacement}.", clause.span)
        if isinstance(clause, a.Foreach):
            for update in clause.updates:
                self._clause(update, bound)
        elif not isinstance(clause, _WRITES):
            self._names(clause, bound)
        if isinstance(clause, (a.With, a.Return)):
            self._project(clause.projection, bound)
        elif isinstance(clause, (a.Create, a.Merge, a.Unwind, a.LoadCsv)):
            bound |= _variables(clause)

    def _project(self, projection: a.Projection, bound: set[str]) -> None:
        names = {i.alias.name if i.alias is not None else i.text for i in projection.items}
        if not projection.star:
            bound.clear()
        bound |= names

    def _subquery(self, clause: a.CallSubquery, bound: set[str]) -> None:
        inner = clause.query
        while isinstance(inner, a.Union):
            inner = inner.left
        first = inner.clauses[0]
        imports = (
            isinstance(first, a.With)
            and first.where is None
            and bool(first.projection.items)
            and all(isinstance(i.expression, e.Variable) and i.alias is None for i in first.projection.items)
        )
        if clause.imports is None and not clause.import_star and imports and isinstance(first, a.With):
            names = ", ".join(i.text for i in first.projection.items)
            self._deprecated(f"CALL {{ WITH {names} ... }} is the older form of CALL ({names}) {{ ... }}.", first.span)
        self.query(clause.query, bound)

    def _deprecated(self, description: str, span: Span) -> None:
        self._add(Remark(NotificationKind.DEPRECATED, description, span), span)

    def _add(self, remark: Remark, key: object) -> None:
        self.found.setdefault((remark.kind, key), remark)

    # --- names that the graph has not seen

    def _names(self, clause: a.Clause, bound: set[str]) -> None:
        for node in walk(clause, (e.SubqueryExpression,)):
            match node:
                case e.SubqueryExpression(_, query, patterns, where):
                    if query is not None:
                        self.query(query, bound)
                    else:
                        self._clause(a.Match(patterns, where, span=node.span), set(bound))
                case p.NodePattern(_, labels, properties):
                    self._labels(labels, False)
                    self._keys(properties)
                case p.RelationshipPattern(_, _, types, _, properties):
                    self._labels(types, True)
                    self._keys(properties)
                case e.HasLabels(operand, labels):
                    of_relationship = isinstance(operand, e.Variable) and operand.name in self._relationships
                    self._labels(labels, of_relationship)
                case e.Property(e.Variable(name), key) if name in self._nodes or name in self._relationships:
                    self._key(key, node.span)
                case e.FunctionCall(name, (e.Property(),)) if name.lower() == "exists":
                    self._deprecated("exists(n.key) is the older form of n.key IS NOT NULL.", node.span)
                case _:
                    pass

    def _labels(self, labels: p.LabelExpression | None, of_relationship: bool) -> None:
        if labels is None:
            return
        known = self._catalog.relationship_types() if of_relationship else self._catalog.labels()
        for node in walk(labels):
            if not isinstance(node, p.LabelName) or node.name in known or node.name in self._made:
                continue
            if of_relationship:
                kind, what = NotificationKind.UNKNOWN_RELATIONSHIP_TYPE, "relationship has the type"
            else:
                kind, what = NotificationKind.UNKNOWN_LABEL, "node has the label"
            self._unknown(kind, what, node.name, known, node.span)

    def _keys(self, properties: e.MapLiteral | e.Parameter | None) -> None:
        if isinstance(properties, e.MapLiteral):
            for key, _ in properties.entries:
                self._key(key, properties.span)

    def _key(self, key: str, span: Span) -> None:
        known = self._catalog.property_keys()
        if key not in known and key not in self._made:
            kind = NotificationKind.UNKNOWN_PROPERTY_KEY
            self._unknown(kind, "node or relationship has the property", key, known, span)

    def _unknown(self, kind: NotificationKind, what: str, name: str, known: frozenset[str], span: Span) -> None:
        if (kind, name) not in self.found:
            guess = did_you_mean(name, known)
            description = f"No {what} `{name}`." + (f" {guess}" if guess else "")
            self._add(Remark(kind, description, span, name), name)

    # --- patterns that are likely slow

    def _match(self, clause: a.Match, bound: set[str]) -> None:
        self._cartesian(clause, bound)
        for pattern in clause.patterns:
            shortest = pattern.selector is not None
            for element in pattern.elements:
                if isinstance(element, p.RelationshipPattern) and element.length is not None:
                    if element.length.high is None and not shortest:
                        description = (
                            "`{}` follows paths of any length, of which there may be very many. "
                            "An upper bound, such as [*..5], keeps it quick."
                        )
                        kind = NotificationKind.UNBOUNDED_PATTERN
                        self._add(Remark(kind, description, element.span, quoted=(pattern.span,)), element.span)
                elif isinstance(element, p.NodePattern):
                    self._index(element, clause.where)

    def _cartesian(self, clause: a.Match, bound: set[str]) -> None:
        groups: list[tuple[set[str], list[p.PathPattern]]] = []

        def join(names: set[str], patterns: list[p.PathPattern]) -> None:
            names, patterns = set(names), list(patterns)
            for group in [g for g in groups if g[0] & names]:
                groups.remove(group)
                names |= group[0]
                patterns = group[1] + patterns
            groups.append((names, patterns))

        for pattern in clause.patterns:
            join(_variables(pattern), [pattern])
        if bound:
            join(set(bound), [])
        for term in _conjuncts(clause.where):
            if isinstance(term, e.Comparison) and term.operators == ("=",):
                join(_variables(term), [])
        open_groups = [patterns for _, patterns in groups if patterns and not _looks_up(patterns)]
        if len([g for g in groups if g[1]]) > 1 and len(open_groups) > 1:
            second = open_groups[1][0]
            description = (
                "Nothing joins `{}` to `{}`: each row of the one meets every row of the other. "
                "A relationship or an equality between them joins them."
            )
            kind, quoted = NotificationKind.CARTESIAN_PRODUCT, (second.span, open_groups[0][0].span)
            self._add(Remark(kind, description, second.span, quoted=quoted), clause.span)

    def _index(self, node: p.NodePattern, where: e.Expression | None) -> None:
        if not isinstance(node.labels, p.LabelName):
            return
        label = node.labels.name
        keys = {key for key, _ in node.properties.entries} if isinstance(node.properties, e.MapLiteral) else set()
        if node.variable is not None:
            for term in _conjuncts(where):
                if isinstance(term, e.Comparison) and term.operators == ("=",):
                    keys |= {
                        side.key
                        for side in term.operands
                        if isinstance(side, e.Property) and side.subject == node.variable
                    }
        if not keys or self._catalog.nodes_with_label(label) < INDEX_ROWS_MIN:
            return
        for index in self._catalog.indexes():
            if index.element is Element.NODE and label in index.labels and index.kind in _LOOK_UPS:
                if index.keys[0] in keys:
                    return
        key = min(keys)
        count = self._catalog.nodes_with_label(label)
        description = (
            f"No index finds nodes `{label}` by `{key}`, so all {count:,} are looked at. "
            f"CREATE INDEX FOR (n:{label}) ON (n.{key}) makes one."
        )
        self._add(Remark(NotificationKind.MISSING_INDEX, description, node.span), (label, key))


_LOOK_UPS: Final = (IndexKind.RANGE, IndexKind.UNIQUE, IndexKind.KEY)


def _written(clause: a.Clause) -> set[str]:
    """Labels, types and property keys that an updating clause may bring into the graph."""
    names: set[str] = set()
    for node in walk(clause):
        match node:
            case p.LabelName(name):
                names.add(name)
            case e.MapLiteral(entries):
                names |= {key for key, _ in entries}
            case a.SetProperty(e.Property(_, key)):
                names.add(key)
            case _:
                pass
    return names


def _conjuncts(expr: e.Expression | None) -> Iterator[e.Expression]:
    waiting = [] if expr is None else [expr]
    while waiting:
        at = waiting.pop()
        if isinstance(at, e.Binary) and at.operator == "AND":
            waiting += (at.right, at.left)
        else:
            yield at


def _looks_up(patterns: list[p.PathPattern]) -> bool:
    """Whether a node of the patterns is named by a property: few rows, so nothing to say against their product."""
    return any(
        isinstance(element, p.NodePattern) and isinstance(element.properties, e.MapLiteral)
        for pattern in patterns
        for element in pattern.elements
    )
