"""Errors as problem documents (RFC 9457), with the status that fits."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final

from memoradb.core import errors

from .values import json_bytes

CLIENT_CLOSED_REQUEST: Final = 499
"""Not in the standard, but what proxies call a request whose client went away or cancelled it."""

_STATUS: tuple[tuple[type[errors.MemoraDBError], int], ...] = (
    (errors.AuthenticationError, 401),
    (errors.ConstraintError, 409),
    (errors.DeadlineExceeded, 408),
    (errors.Cancelled, CLIENT_CLOSED_REQUEST),
    (errors.TransactionError, 409),
    (errors.QueryMemoryExceeded, 503),
    (errors.LimitError, 400),
    (errors.EntityNotFound, 404),
    (errors.HistoryUnavailable, 410),
    (errors.MemQLError, 400),
    (errors.ProtocolError, 400),
    (errors.ConfigurationError, 400),
    (errors.DiskFull, 507),
    (errors.ReadOnlyDatabase, 503),
    (errors.DatabaseClosed, 503),
)


def status_of(error: errors.MemoraDBError) -> int:
    """The HTTP status of an error."""
    if isinstance(error, errors.LimitError) and error.limit == "HTTP_BODY_BYTES_MAX":
        return 413
    for kind, status in _STATUS:
        if isinstance(error, kind):
            return status
    return 500


def title_of(status: int) -> str:
    """The standard's words for a status."""
    return "Client Closed Request" if status == CLIENT_CLOSED_REQUEST else HTTPStatus(status).phrase


def problem(error: errors.MemoraDBError, status: int) -> bytes:
    """The body: ``detail`` is the message, ``text`` the same with caret, hint and codes, as a terminal shows it."""
    fields: dict[str, Any] = error.to_dict()
    reason = fields.pop("detail")
    body = {"type": "about:blank", "title": title_of(status), "status": status, "detail": fields.pop("message")}
    # The class's name is no URI, so it is not the document's type.
    name = fields.pop("type")
    return json_bytes({**fields, **body, "error": name, "reason": reason, "text": str(error)})
