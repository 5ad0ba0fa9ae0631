"""Turn ORDER BY similarity LIMIT k over a label into a vector search.

    Top(k, [vector.similarity.cosine(n.e, $q) DESC])          Top(k, [similarity DESC])
      Match((n:Label))                                   =>     VectorSearch(n, index, $q, k)

Holds when the label has a vector index on ``e`` with that similarity, the match is the one node with that one label,
its input is the bare Argument, and q is the same for all rows. The Top above stays (k rows): it breaks ties as written.
Nodes without a vector sort first in DESC order, null being largest, and the index does not hold them: so the rule asks
for ``WHERE n.e IS NOT NULL`` as the only predicate. Between Top and Match a projection may stand that adds properties
of the node, as ``RETURN n.text ORDER BY ...`` makes one: reading them cannot fail, so it may run on fewer rows. Off in
tests by name.
"""

from __future__ import annotations

from dataclasses import replace

from memoradb.storage.view import Element, IndexDefinition, IndexKind

from ..cost.selectivity import is_row_independent
from ..plan.expr import Call, Expr, IsNull, Property, Variable
from ..plan.nodes import Argument, LogicalNode, Match, Projection, Top, VectorSearch
from .rule import RuleCatalog

SIMILARITIES = {"vector.similarity.cosine": "cosine", "vector.similarity.euclidean": "euclidean"}


def order_by_distance_to_knn(node: LogicalNode, catalog: RuleCatalog) -> LogicalNode:
    """See the module."""
    match node:
        case Top(input=Match() as match, keys=(key,), limit=limit, skip=None) if key.descending:
            search = _search(match, key.expression, limit, catalog)
            return node if search is None else replace(node, input=search)
        case Top(input=Projection(Match() as match, items, True) as projection, keys=(key,), limit=limit, skip=None):
            search = _search(match, key.expression, limit, catalog) if key.descending else None
            if search is None or not all(_is_read(item, search.variable) for _, item in items):
                return node
            return replace(node, input=replace(projection, input=search))
        case _:
            return node


def _is_read(item: Expr, variable: str) -> bool:
    return item == Variable(variable) or (isinstance(item, Property) and item.subject == Variable(variable))


def _search(match: Match, key: Expr, limit: Expr, catalog: RuleCatalog) -> VectorSearch | None:
    """The search that gives the first ``limit`` rows of ``match`` by ``key``, if an index can."""
    graph = match.graph
    if not isinstance(match.input, Argument) or len(graph.nodes) != 1 or graph.relationships:
        return None
    pattern = graph.nodes[0]
    match key:
        case Call(function, (Property(Variable(name), embedding), query)) if function in SIMILARITIES:
            if not is_row_independent(query):
                return None
            if pattern.variable != name or name in graph.arguments or len(pattern.labels) != 1:
                return None
            if graph.predicates != (IsNull(Property(Variable(name), embedding), True),):
                return None
            index = _index(catalog, pattern.labels[0], embedding, SIMILARITIES[function])
            return None if index is None else VectorSearch(match.input, name, index.name, query, limit)
        case _:
            return None


def _index(catalog: RuleCatalog, label: str, key: str, similarity: str) -> IndexDefinition | None:
    for index in catalog.indexes():
        if (
            index.kind is IndexKind.VECTOR
            and index.element is Element.NODE
            and index.labels == (label,)
            and index.keys == (key,)
            and dict(index.options).get("similarity", "cosine") == similarity
        ):
            return index
    return None
