"""Turn ORDER BY similarity LIMIT k over a label into a vector search.

    Top(k, [vector.similarity.cosine(n.e, $q) DESC])          Top(k, [similarity DESC])
      Match((n:Label))                                   =>     VectorSearch(n, index, $q, k)

Holds when the label has a vector index on ``e`` with that similarity, the match is the one node with that one label,
its input is the bare Argument, and q is the same for all rows. The Top above stays (k rows): it breaks ties as written.
Nodes without a vector sort first in DESC order, null being largest, and the index does not hold them: so the rule asks
for ``WHERE n.e IS NOT NULL`` as the only predicate. Off in tests by name.
"""

from __future__ import annotations

from dataclasses import replace

from memoradb.storage.view import Element, IndexDefinition, IndexKind

from ..cost.selectivity import is_row_independent
from ..plan.expr import Call, IsNull, Property, Variable
from ..plan.nodes import Argument, LogicalNode, Match, Top, VectorSearch
from .rule import RuleCatalog

SIMILARITIES = {"vector.similarity.cosine": "cosine", "vector.similarity.euclidean": "euclidean"}


def order_by_distance_to_knn(node: LogicalNode, catalog: RuleCatalog) -> LogicalNode:
    """See the module."""
    match node:
        case Top(input=Match(Argument() as argument, graph), keys=(key,), limit=limit, skip=None) if key.descending:
            match key.expression:
                case Call(function, (Property(Variable(name), embedding), query)) if function in SIMILARITIES:
                    if len(graph.nodes) != 1 or graph.relationships or not is_row_independent(query):
                        return node
                    pattern = graph.nodes[0]
                    if pattern.variable != name or name in graph.arguments or len(pattern.labels) != 1:
                        return node
                    if graph.predicates != (IsNull(Property(Variable(name), embedding), True),):
                        return node
                    index = _index(catalog, pattern.labels[0], embedding, SIMILARITIES[function])
                    if index is None:
                        return node
                    return replace(node, input=VectorSearch(argument, name, index.name, query, limit))
                case _:
                    return node
        case _:
            return node


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
