"""What all handlers share: bodies in, JSON out, who may come in, errors as problem documents."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlsplit

import msgspec
from tornado.web import HTTPError, RequestHandler, stream_request_body

from memoradb.core.errors import ArgumentError, AuthenticationError, LimitError, MemoraDBError, RemoteProtocolError

from ..config import is_loopback
from ..session import SessionCore
from .errors import problem, status_of, title_of
from .values import JSON, json_bytes

DISCARD_BYTES_MAX: Final = 1 << 30
"""A body that is too long is still read up to here, so that its sender can read the answer; beyond, we hang up."""

DIGITS_MAX: Final = 19
"""Digits of the largest 64-bit integer."""


@stream_request_body
class Handler(RequestHandler):
    """A handler of JSON requests."""

    core: SessionCore

    def initialize(self, core: SessionCore) -> None:
        self.core = core
        self._pieces: list[bytes] = []
        self._body_bytes = 0

    # --- who may come in

    def prepare(self) -> None:
        try:
            self.check_origin()
            self.authenticate()
        except MemoraDBError as error:
            self.fail(error, 403 if isinstance(error, RemoteProtocolError) else None)
            return
        length = self.request.headers.get("Content-Length", "0")
        if length.isdigit() and int(length) > DISCARD_BYTES_MAX:
            self.fail(self._too_long())

    @property
    def token(self) -> str | None:
        """The token that the request carries."""
        header = self.request.headers.get("Authorization", "")
        return header[7:] if header[:7].lower() == "bearer " else None

    def authenticate(self) -> None:
        """AuthenticationError where the server has a token and the request does not carry it."""
        if not self.core.is_allowed(self.token):
            self.set_header("WWW-Authenticate", "Bearer")
            raise AuthenticationError("A valid token is needed.", hint="Send it as `Authorization: Bearer ...`.")

    def check_origin(self) -> None:
        """Without a token, only this machine's own programs: never a web page that the user's browser has open."""
        if self.core.config.token is not None:
            return
        names = [urlsplit(f"//{self.request.host}").hostname or ""]
        origin = self.request.headers.get("Origin")
        if origin is not None:
            names.append(urlsplit(origin).hostname or "")
        for name in names:
            if not is_loopback(name):
                raise RemoteProtocolError(
                    f"Without a token the server answers only to requests for this machine, not for `{name}`.",
                    hint="Set a token (MEMORADB_TOKEN or --token-file), or use http://127.0.0.1.",
                    code="Neo.ClientError.Security.Forbidden",
                )

    # --- bodies

    def data_received(self, chunk: bytes) -> None:
        self._body_bytes += len(chunk)
        if self._body_bytes <= self.core.config.body_bytes_max:
            self._pieces.append(chunk)
        else:
            self._pieces.clear()
            if self._body_bytes > DISCARD_BYTES_MAX and not self._finished:
                self.fail(self._too_long())

    def _too_long(self) -> LimitError:
        limit = self.core.config.body_bytes_max
        return LimitError(
            f"The body is longer than {limit:,} bytes.",
            limit="HTTP_BODY_BYTES_MAX",
            value=limit,
            hint="Send it in parts, for example as several UNWIND statements.",
        )

    def body_bytes(self) -> bytes:
        """The request's body.

        Raises:
            LimitError: it is too long.
        """
        if self._body_bytes > self.core.config.body_bytes_max:
            raise self._too_long()
        return b"".join(self._pieces)

    def body(self) -> dict[str, Any]:
        """The request's JSON object.

        Raises:
            RemoteProtocolError: the body is no JSON object.
        """
        raw = self.body_bytes()
        try:
            # Not orjson, which is no faster here and makes floats of integers beyond 64 bits without a word.
            found = msgspec.json.decode(raw)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise RemoteProtocolError(f"The body is not JSON: {error}.") from error
        if not isinstance(found, dict):
            raise RemoteProtocolError("The body must be a JSON object.")
        return found

    def count(self, name: str, default: int) -> int:
        """A whole number from the query string; ArgumentError where it is none."""
        text = self.get_query_argument(name, str(default))
        if not (text.isascii() and text.isdigit() and len(text) <= DIGITS_MAX):
            raise ArgumentError(f"`{name}` must be a whole number.")
        return int(text)

    # --- answers

    def answer(self, value: Any, status: int = 200) -> None:
        """Send JSON."""
        self.send_bytes(json_bytes(value), JSON, status)

    def send_bytes(self, body: bytes, media_type: str, status: int = 200) -> None:
        """Send a finished body."""
        self.set_status(status)
        self.set_header("Content-Type", media_type)
        self.finish(body)

    def fail(self, error: MemoraDBError, status: int | None = None) -> None:
        """Send a problem document."""
        status = status or status_of(error)
        self.set_status(status, title_of(status))
        self.set_header("Content-Type", "application/problem+json")
        self.finish(problem(error, status))

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        found = kwargs.get("exc_info", (None, None, None))[1]
        if isinstance(found, MemoraDBError):
            self.fail(found)
        elif status_code == 405:
            allowed = [m for m in ("GET", "POST") if m.lower() in _own_methods(type(self))]
            self.set_header("Allow", ", ".join(allowed))
            self.fail(
                RemoteProtocolError(
                    f"{self.request.path} does not take {self.request.method}.", hint=f"Use {' or '.join(allowed)}."
                ),
                405,
            )
        elif isinstance(found, HTTPError):
            self.fail(RemoteProtocolError(f"{found.log_message or title_of(status_code)}."), status_code)
        else:
            self.fail(MemoraDBError("The server failed; its log says why."), status_code)

    def log_exception(self, typ: Any, value: Any, tb: Any) -> None:
        # A client's fault is its own news; ours goes to the log with its traceback.
        if not isinstance(value, MemoraDBError):
            super().log_exception(typ, value, tb)


def _own_methods(kind: type[Handler]) -> set[str]:
    return {name for base in kind.__mro__ if issubclass(base, Handler) for name in vars(base)}
