"""The procedures that every database has: what tools and drivers ask, and search by index name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from memoradb.core.values import Value
from memoradb.storage.view import Element

from .history import CHANGES_OUTPUTS, HISTORY_OUTPUTS, changes, history
from .indexes import (
    await_index,
    await_indexes,
    query_text,
    query_text_relationships,
    query_vector,
    query_vector_relationships,
)
from .paths import (
    CHEAPEST_INPUTS,
    CHEAPEST_OUTPUTS,
    CHEAPEST_TEXT,
    K_CHEAPEST_INPUTS,
    K_CHEAPEST_OUTPUTS,
    K_CHEAPEST_TEXT,
    cheapest_path,
    k_cheapest_paths,
)
from .registry import Procedure, make_procedure
from .statistics import STATS_DESCRIPTION, STATS_OUTPUTS, stats

if TYPE_CHECKING:
    from ..exec.context import Context

Rows = Iterator[dict[str, Value]]


def _labels(context: Context) -> Rows:
    for label in context.view.labels():
        yield {"label": label}


def _types(context: Context) -> Rows:
    for type in context.view.relationship_types():
        yield {"relationshipType": type}


def _keys(context: Context) -> Rows:
    for key in context.view.property_keys():
        yield {"propertyKey": key}


def _components(context: Context) -> Rows:
    from memoradb.core.version import __version__

    yield {"name": "MemoraDB Kernel", "versions": [__version__], "edition": "community"}


def _procedures(context: Context) -> Rows:
    for procedure in context.procedures:
        yield {
            "name": procedure.name,
            "signature": procedure.signature,
            "description": procedure.description,
            "mode": procedure.mode,
        }


def _functions(context: Context) -> Rows:
    for function in context.functions:
        if function.description:  # operators have none
            yield {
                "name": function.name,
                "signature": function.signature,
                "description": function.description,
                "aggregating": function.aggregate,
            }


def _checkpoint(context: Context) -> Rows:
    if context.procedures.checkpoint is not None:
        context.procedures.checkpoint()
    yield {"success": True, "message": "Checkpoint completed."}


def _node_types(context: Context) -> Rows:
    view = context.view
    for label in view.labels():
        slots = view.nodes_with_label(label)
        kinds: dict[str, set[str]] = {}
        for slot in list(slots[:1000]):
            for key, value in view.properties(Element.NODE, slot).items():
                kinds.setdefault(key, set()).add(_type_name(value))
        for key in sorted(kinds):
            yield {
                "nodeType": f":`{label}`",
                "nodeLabels": [label],
                "propertyName": key,
                "propertyTypes": sorted(kinds[key]),
                "mandatory": False,
            }
        if not kinds:
            yield {
                "nodeType": f":`{label}`",
                "nodeLabels": [label],
                "propertyName": None,
                "propertyTypes": None,
                "mandatory": False,
            }


def _type_name(value: Value) -> str:
    from memoradb.core.semantics import type_name

    return type_name(value)


def builtin_procedures() -> list[Procedure]:
    """All of them."""

    def built_in(
        name: str,
        inputs: list[tuple[str, str]],
        outputs: list[tuple[str, str]],
        function: Any,
        description: str,
        mode: str = "READ",
        optional: int = 0,
    ) -> Procedure:
        return make_procedure(name, inputs, outputs, function, mode, description, True, optional)

    return [
        built_in("db.labels", [], [("label", "STRING")], _labels, "All labels."),
        built_in("db.relationshipTypes", [], [("relationshipType", "STRING")], _types, "All relationship types."),
        built_in("db.propertyKeys", [], [("propertyKey", "STRING")], _keys, "All property keys."),
        built_in(
            "db.stats",
            [],
            STATS_OUTPUTS,
            stats,
            STATS_DESCRIPTION,
        ),
        built_in(
            "db.history",
            [("element", "ANY")],
            HISTORY_OUTPUTS,
            history,
            "Every version of a node or relationship, also of one that is gone, by its element id: which transaction "
            "made it and when, how it was then, and which properties changed. The change is `created`, `changed` or "
            "`deleted`; `kept` is how it was at the beginning of what history keeps.",
        ),
        built_in(
            "db.changes",
            [("from", "ANY"), ("to", "ANY")],
            CHANGES_OUTPUTS,
            changes,
            "What transactions did to each element. `from` and `to` are numbers of transactions or times, both "
            "included; null is all that is kept, or the newest. `before` and `after` hold all properties of an element "
            "that comes or goes, else those that changed.",
            optional=1,
        ),
        built_in(
            "db.schema.nodeTypeProperties",
            [],
            [
                ("nodeType", "STRING"),
                ("nodeLabels", "LIST"),
                ("propertyName", "STRING?"),
                ("propertyTypes", "LIST?"),
                ("mandatory", "BOOLEAN"),
            ],
            _node_types,
            "The properties of each label and their types, from a sample of its nodes.",
        ),
        built_in(
            "db.checkpoint", [], [("success", "BOOLEAN"), ("message", "STRING")], _checkpoint, "Write a snapshot."
        ),
        built_in(
            "db.awaitIndexes",
            [("timeOutSeconds", "INTEGER?")],
            [],
            await_indexes,
            "Waits until all indexes can be asked, for 300 seconds where nothing else is said.",
            optional=1,
        ),
        built_in(
            "db.awaitIndex",
            [("indexName", "STRING"), ("timeOutSeconds", "INTEGER?")],
            [],
            await_index,
            "Waits until an index can be asked, for 300 seconds where nothing else is said.",
            optional=1,
        ),
        built_in(
            "db.index.vector.queryNodes",
            [("indexName", "STRING"), ("numberOfNearestNeighbours", "INTEGER"), ("query", "VECTOR")],
            [("node", "NODE"), ("score", "FLOAT")],
            query_vector,
            "The nodes most similar to a vector.",
        ),
        built_in(
            "db.index.vector.queryRelationships",
            [("indexName", "STRING"), ("numberOfNearestNeighbours", "INTEGER"), ("query", "VECTOR")],
            [("relationship", "RELATIONSHIP"), ("score", "FLOAT")],
            query_vector_relationships,
            "The relationships most similar to a vector.",
        ),
        built_in(
            "db.index.fulltext.queryNodes",
            [("indexName", "STRING"), ("queryString", "STRING"), ("options", "MAP?")],
            [("node", "NODE"), ("score", "FLOAT")],
            query_text,
            "The nodes whose text matches a query.",
            optional=1,
        ),
        built_in(
            "db.index.fulltext.queryRelationships",
            [("indexName", "STRING"), ("queryString", "STRING"), ("options", "MAP?")],
            [("relationship", "RELATIONSHIP"), ("score", "FLOAT")],
            query_text_relationships,
            "The relationships whose text matches a query.",
            optional=1,
        ),
        built_in("db.path.cheapest", CHEAPEST_INPUTS, CHEAPEST_OUTPUTS, cheapest_path, CHEAPEST_TEXT, optional=1),
        built_in(
            "db.path.kCheapest", K_CHEAPEST_INPUTS, K_CHEAPEST_OUTPUTS, k_cheapest_paths, K_CHEAPEST_TEXT, optional=2
        ),
        built_in(
            "dbms.components",
            [],
            [("name", "STRING"), ("versions", "LIST"), ("edition", "STRING")],
            _components,
            "Name and version of this database.",
        ),
        built_in(
            "dbms.procedures",
            [],
            [("name", "STRING"), ("signature", "STRING"), ("description", "STRING"), ("mode", "STRING")],
            _procedures,
            "All procedures.",
        ),
        built_in(
            "dbms.functions",
            [],
            [("name", "STRING"), ("signature", "STRING"), ("description", "STRING"), ("aggregating", "BOOLEAN")],
            _functions,
            "All functions.",
        ),
    ]
