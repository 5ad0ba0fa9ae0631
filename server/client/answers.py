"""What both protocols share: requests that can be sent, and answers as the objects they were on the server."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from memoradb.core import errors
from memoradb.core.errors import ArgumentError, MemoraDBError
from memoradb.core.spans import Position, Span
from memoradb.memql.notifications import Notification
from memoradb.memql.parameters import normalise_parameters
from memoradb.memql.result import Summary
from memoradb.storage.view import Counters

from ..wire.messages import encode_value, to_wire


def remote_error(fields: Mapping[str, Any], query: str | None = None) -> MemoraDBError:
    """The server's error as the class it was there, pointing into ``query`` as it did there."""
    kind = getattr(errors, str(fields.get("error") or fields.get("type")), None)
    message = str(fields.get("message") or "The server failed.")
    if not (isinstance(kind, type) and issubclass(kind, MemoraDBError)):
        kind = MemoraDBError
    if issubclass(kind, errors.LimitError):
        error: MemoraDBError = kind(message, limit=str(fields.get("limit")), value=int(fields.get("value") or 0))
    elif issubclass(kind, errors.HistoryUnavailable):
        error = kind(message, horizon=int(fields.get("horizon") or 0))
    else:
        error = kind(message)
    for attribute in ("code", "gqlstatus", "kind", "phase", "detail", "hint"):
        setattr(error, attribute, fields.get(attribute))
    position = fields.get("position")
    if isinstance(position, dict):
        error.position = Position(position["offset"], position["line"], position["column"])
        if query is not None:
            error.span = Span(position["offset"], position["offset"] + int(fields.get("length") or 1))
            error.located(query)
    return error


def summary_of(query: str, fields: Mapping[str, Any]) -> Summary:
    """What a statement did, of the fields that tell of it."""
    return Summary(
        query,
        fields.get("query_type", ""),
        Counters(**fields.get("counters", {})),
        fields.get("plan"),
        fields.get("plan_tree"),
        tuple(map(Notification.from_dict, fields.get("notifications", ()))),
        round(fields.get("time_ms", 0) * 1e6),
        round(fields.get("compile_ms", 0) * 1e6),
        fields.get("position"),
        fields.get("transaction"),
        fields.get("as_of"),
    )


def sendable(parameters: Mapping[str, Any] | None) -> Any:
    """Parameters as the protocols carry them.

    Raises:
        TypeMismatch: a value that MemQL has no type for.
    """
    normal = normalise_parameters(parameters) if parameters else {}
    given = to_wire(normal)
    try:
        encode_value(given)
    except UnicodeEncodeError:
        return {str(to_wire(k)): to_wire(v, any_text=True) for k, v in normal.items()}
    return given


def check_text(query: str) -> None:
    """ArgumentError where a statement cannot be sent as UTF-8."""
    try:
        query.encode()
    except UnicodeEncodeError as error:
        raise ArgumentError(
            f"The statement holds half a surrogate pair at offset {error.start}, which cannot be sent.",
            hint="Send the text as a parameter.",
        ) from None
