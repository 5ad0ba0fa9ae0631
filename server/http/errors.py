"""Errors as problem documents (RFC 9457), with the status that fits."""

from __future__ import annotations

from typing import Any

import orjson

from memoradb.core import errors

_STATUS: tuple[tuple[type[errors.MemoraDBError], int, str], ...] = (
    (errors.AuthenticationError, 401, "Unauthorized"),
    (errors.WriteConflict, 409, "Conflict"),
    (errors.ConstraintError, 409, "Conflict"),
    (errors.DeadlineExceeded, 408, "Request Timeout"),
    (errors.Cancelled, 499, "Client Closed Request"),
    (errors.LimitError, 413, "Content Too Large"),
    (errors.EntityNotFound, 404, "Not Found"),
    (errors.MemQLError, 400, "Bad Request"),
    (errors.ProtocolError, 400, "Bad Request"),
    (errors.DiskFull, 507, "Insufficient Storage"),
    (errors.ReadOnlyDatabase, 503, "Service Unavailable"),
    (errors.DatabaseClosed, 503, "Service Unavailable"),
    (errors.TransactionError, 409, "Conflict"),
)


def status_of(error: errors.MemoraDBError) -> tuple[int, str]:
    """HTTP status and its title."""
    for kind, status, title in _STATUS:
        if isinstance(error, kind):
            return status, title
    return 500, "Internal Server Error"


def problem(error: errors.MemoraDBError) -> tuple[int, bytes]:
    """(status, body) of an error."""
    status, title = status_of(error)
    fields: dict[str, Any] = error.to_dict()
    reason = fields.pop("detail")
    body = {"type": "about:blank", "title": title, "status": status, "detail": fields.pop("message")}
    # The class's name is no URI, so it is not the document's type.
    name = fields.pop("type")
    return status, orjson.dumps({**fields, **body, "error": name, "reason": reason, "text": str(error)})
