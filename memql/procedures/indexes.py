"""Procedures about indexes: waiting until they can be asked, and searching them by name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from memoradb.core.columns import Kind, TypedColumn
from memoradb.core.errors import ArgumentError, DeadlineExceeded, SchemaError
from memoradb.core.values import Value
from memoradb.core.vectors import as_floats
from memoradb.storage.view import Element, IndexKind, Scored

if TYPE_CHECKING:
    from ..exec.context import Context

Rows = Iterator[dict[str, Value]]

WAIT_SECONDS: Final = 300
"""How long is waited where the call does not say."""

_SLICE_SECONDS: Final = 0.1
"""Between two looks at whether the statement was cancelled."""


def await_indexes(context: Context, seconds: Value = None) -> Rows:
    """``db.awaitIndexes([timeout])``."""
    return _await(context, None, seconds)


def await_index(context: Context, name: Value, seconds: Value = None) -> Rows:
    """``db.awaitIndex(name[, timeout])``."""
    if name not in [definition.name for definition in context.view.indexes()]:
        raise SchemaError(f"There is no index `{name}`.", detail="IndexNotFound", hint="SHOW INDEXES lists them.")
    return _await(context, name, seconds)


def _await(context: Context, name: str | None, seconds: Value) -> Rows:
    left = float(WAIT_SECONDS if seconds is None else seconds)
    if left < 0:
        raise ArgumentError(f"The time to wait is 0 seconds or more, not {seconds}.")
    wait = context.procedures.await_indexes
    while wait is not None and not wait(name, min(left, _SLICE_SECONDS)):
        context.check()
        _check_failures(context, name)
        left -= _SLICE_SECONDS
        if left <= 0:
            what = "Some indexes are" if name is None else f"The index `{name}` is"
            raise DeadlineExceeded(f"{what} still being built.", hint="SHOW INDEXES tells how far.")
    yield from ()


def _check_failures(context: Context, name: str | None) -> None:
    """SchemaError where waiting is in vain."""
    view = context.view
    for definition in view.indexes():
        failure = view.index_state(definition.name).failure
        if failure and name in (None, definition.name):
            raise SchemaError(
                f"The index `{definition.name}` could not be built: {failure}.",
                hint="Drop it and create it again.",
                code="Neo.ClientError.Schema.IndexNotFound",
            )


def query_vector(context: Context, index: Value, count: Value, vector: Value, name: str = "node") -> Rows:
    """``db.index.vector.queryNodes(index, k, vector)``."""
    from ..exec.search import find_index, wanted

    definition = find_index(context.view, index, IndexKind.VECTOR)
    _check_element(definition.element, name, index)
    floats = as_floats(vector, "A vector search")
    hits = context.view.vector_search(index, floats, wanted(count, "The number of neighbours"))
    return _hits(hits, name)


def query_vector_relationships(context: Context, index: Value, count: Value, vector: Value) -> Rows:
    """``db.index.vector.queryRelationships(index, k, vector)``."""
    return query_vector(context, index, count, vector, "relationship")


def query_text(context: Context, index: Value, text: Value, options: Value = None, name: str = "node") -> Rows:
    """``db.index.fulltext.queryNodes(index, query[, options])``."""
    from ..exec.search import find_index, wanted

    definition = find_index(context.view, index, IndexKind.FULLTEXT)
    _check_element(definition.element, name, index)
    limit = (options or {}).get("limit")
    hits = context.view.text_search(index, text, None if limit is None else wanted(limit))
    return _hits(hits, name)


def query_text_relationships(context: Context, index: Value, text: Value, options: Value = None) -> Rows:
    """``db.index.fulltext.queryRelationships(index, query[, options])``."""
    return query_text(context, index, text, options, "relationship")


def _check_element(element: Element, name: str, index: Value) -> None:
    if element.value.lower() != name:
        raise SchemaError(
            f"`{index}` is an index on {element.value.lower()}s.",
            hint=f"Call the procedure that is called ...{'Nodes' if element is Element.NODE else 'Relationships'}.",
        )


def _hits(hits: Scored, name: str) -> Rows:
    kind = Kind.NODE if name == "node" else Kind.RELATIONSHIP
    for value, score in zip(TypedColumn(kind, hits.slots).values(), hits.scores.tolist(), strict=True):
        yield {name: value, "score": score}
