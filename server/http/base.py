"""What all handlers share: JSON in and out, authentication, errors as problem documents."""

from __future__ import annotations

from typing import Any

import orjson
from tornado.web import HTTPError, RequestHandler

from memoradb.core.errors import AuthenticationError, MemoraDBError, RemoteProtocolError

from ..session import SessionCore
from .errors import problem


class Handler(RequestHandler):
    """A handler of JSON requests."""

    core: SessionCore

    def initialize(self, core: SessionCore) -> None:
        self.core = core

    def prepare(self) -> None:
        header = self.request.headers.get("Authorization", "")
        token = header[7:] if header.startswith("Bearer ") else None
        if not self.core.is_allowed(token):
            self.set_header("WWW-Authenticate", "Bearer")
            self.fail(AuthenticationError("A valid token is needed.", hint="Send it as `Authorization: Bearer ...`."))

    def body(self) -> dict[str, Any]:
        """The request's JSON object.

        Raises:
            RemoteProtocolError: the body is no JSON object.
        """
        try:
            found = orjson.loads(self.request.body)
        except orjson.JSONDecodeError as error:
            raise RemoteProtocolError(f"The body is not JSON: {error}.") from error
        if not isinstance(found, dict):
            raise RemoteProtocolError("The body must be a JSON object.")
        return found

    def answer(self, value: Any, status: int = 200) -> None:
        """Send JSON."""
        self.set_status(status)
        self.set_header("Content-Type", "application/json")
        self.finish(orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS))

    def fail(self, error: MemoraDBError) -> None:
        """Send a problem document."""
        status, body = problem(error)
        self.set_status(status, None if status in (400, 401, 404, 408, 409, 413, 500, 503, 507) else "Error")
        self.set_header("Content-Type", "application/problem+json")
        self.finish(body)

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        found = kwargs.get("exc_info", (None, None, None))[1]
        if isinstance(found, MemoraDBError):
            self.fail(found)
            return
        message = self._reason
        if isinstance(found, HTTPError) and found.log_message:
            message = found.log_message
        self.set_header("Content-Type", "application/problem+json")
        self.finish(
            orjson.dumps({"type": "about:blank", "title": self._reason, "status": status_code, "detail": message})
        )

    def log_exception(self, typ: Any, value: Any, tb: Any) -> None:
        # A client's fault is its own news; ours goes to the log with its traceback.
        if not isinstance(value, MemoraDBError):
            super().log_exception(typ, value, tb)
