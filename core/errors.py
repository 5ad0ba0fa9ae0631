"""Every error of the system, in one tree.

Each carries ``code`` (Neo4j's status code, which drivers know), ``gqlstatus``, and the openCypher kit's triple:
``kind`` (``SyntaxError``, ``TypeError``, ...), ``phase`` (``compile time`` or ``runtime``) and ``detail``
(``UndefinedVariable``, ...). An error that points into a query has ``span``; ``located`` adds the query's text, from
which ``position`` and the caret in the message come. ``hint`` says what to do.
"""

from __future__ import annotations

from typing import ClassVar, Self

from .error_table import GQLSTATUS
from .spans import Position, Span, position_of, render_caret

COMPILE_TIME = "compile time"
RUNTIME = "runtime"


class MemoraDBError(Exception):
    """The root. ``message`` is one sentence; ``str()`` adds caret, hint and codes."""

    code: str = "Neo.DatabaseError.General.UnknownError"
    gqlstatus: str = "50N42"
    kind: str | None = None
    phase: str | None = RUNTIME
    detail: str | None = None
    retryable: ClassVar[bool] = False

    def __init__(
        self,
        message: str,
        *,
        span: Span | None = None,
        hint: str | None = None,
        kind: str | None = None,
        phase: str | None = None,
        detail: str | None = None,
        code: str | None = None,
        gqlstatus: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.span = span
        self.hint = hint
        self.position: Position | None = None
        self._text: str | None = None
        if kind is not None:
            self.kind = kind
        if phase is not None:
            self.phase = phase
        if detail is not None:
            self.detail = detail
        if code is not None:
            self.code = code
        if gqlstatus is not None:
            self.gqlstatus = gqlstatus
        elif self.detail is not None:
            self.gqlstatus = GQLSTATUS.get((self.kind or "", self.phase or "", self.detail), self.gqlstatus)

    def located(self, text: str) -> Self:
        """The same error, knowing the query text that its span points into."""
        if self.span is not None and self._text is None:
            self._text = text
            self.position = position_of(text, self.span.start)
        return self

    def relocated(self, text: str) -> Self:
        """The same error shown in ``text``, which has the same places as the one that it was located in."""
        if self.span is not None:
            self._text = text
            self.position = position_of(text, self.span.start)
        return self

    def __str__(self) -> str:
        lines = [self.message]
        if self._text and self.span is not None:
            lines.append(render_caret(self._text, self.span))
        if self.hint:
            lines.append(self.hint)
        lines[-1] += f"  [{self.code}, {self.gqlstatus}]"
        return "\n".join(lines)

    def to_dict(self) -> dict[str, object]:
        """What protocols send: message, codes, position and length of the place in the text, hint."""
        position = self.position
        return {
            "type": type(self).__name__,
            "message": self.message,
            "code": self.code,
            "gqlstatus": self.gqlstatus,
            "kind": self.kind,
            "phase": self.phase,
            "detail": self.detail,
            "hint": self.hint,
            "retryable": self.retryable,
            "position": None
            if position is None
            else {"offset": position.offset, "line": position.line, "column": position.column},
            "length": None if position is None or self.span is None else self.span.end - self.span.start,
        }


# --- the query is at fault ---------------------------------------------------


class MemQLError(MemoraDBError):
    """The statement or its parameters are at fault."""

    code = "Neo.ClientError.Statement.ExecutionFailed"
    gqlstatus = "42000"


class MemQLSyntaxError(MemQLError):
    """The text is not MemQL, or means nothing: found before anything runs."""

    code = "Neo.ClientError.Statement.SyntaxError"
    gqlstatus = "42001"
    kind = "SyntaxError"
    phase = COMPILE_TIME
    detail = "UnexpectedSyntax"


class SemanticError(MemQLSyntaxError):
    """Well formed, but without meaning: found by the binder. ``detail`` says which rule."""

    gqlstatus = "42N00"


class UndefinedVariable(SemanticError):
    """A name that nothing in scope has."""

    gqlstatus = "42N62"
    detail = "UndefinedVariable"


class VariableAlreadyBound(SemanticError):
    """A name declared twice."""

    gqlstatus = "42N59"
    detail = "VariableAlreadyBound"


class AmbiguousAggregation(SemanticError):
    """An expression mixes aggregates with terms that are not grouping keys."""

    gqlstatus = "42I18"
    detail = "AmbiguousAggregationExpression"


class UnsupportedFeature(MemQLSyntaxError):
    """Valid MemQL that this version parses but does not run yet."""

    gqlstatus = "42N14"
    detail = "UnsupportedFeature"


class ParameterMissing(MemQLError):
    """The statement names a parameter that the call does not give."""

    code = "Neo.ClientError.Statement.ParameterMissing"
    gqlstatus = "42N51"
    kind = "ParameterMissing"
    phase = COMPILE_TIME
    detail = "MissingParameter"


class TypeMismatch(MemQLError):
    """A value of a type that the operation does not take."""

    code = "Neo.ClientError.Statement.TypeError"
    gqlstatus = "22G03"
    kind = "TypeError"
    detail = "InvalidArgumentType"


class ArgumentError(MemQLError):
    """A value of the right type that makes no sense."""

    code = "Neo.ClientError.Statement.ArgumentError"
    gqlstatus = "22N03"
    kind = "ArgumentError"
    detail = "InvalidArgumentValue"


class TooManyBadRows(ArgumentError):
    """An import met more bad rows than it was told to leave out; the message shows the first one too many."""


class ArithmeticFault(MemQLError):
    """Arithmetic without a result: division by zero, overflow."""

    code = "Neo.ClientError.Statement.ArithmeticError"
    gqlstatus = "22000"
    kind = "ArithmeticError"


class ArithmeticOverflow(ArithmeticFault):
    """An integer left 64 bits."""

    gqlstatus = "22003"
    detail = "IntegerOverflow"


class DivisionByZero(ArithmeticFault):
    """Integer division or modulo by zero."""

    gqlstatus = "22012"
    detail = "DivisionByZero"


class EntityNotFound(MemQLError):
    """Access to a node or relationship that this statement deleted, or that does not exist."""

    code = "Neo.ClientError.Statement.EntityNotFound"
    gqlstatus = "22N31"
    kind = "EntityNotFound"
    detail = "DeletedEntityAccess"


class ProcedureError(MemQLError):
    """An unknown procedure, or one that failed."""

    code = "Neo.ClientError.Procedure.ProcedureNotFound"
    gqlstatus = "42N08"
    kind = "ProcedureError"
    phase = COMPILE_TIME
    detail = "ProcedureNotFound"


class SchemaError(MemQLError):
    """An index or constraint that exists already, or does not exist."""

    code = "Neo.ClientError.Schema.IndexNotFound"
    gqlstatus = "42N00"
    kind = "SchemaError"
    phase = COMPILE_TIME


# --- transactions and constraints --------------------------------------------


class TransactionError(MemoraDBError):
    """The transaction ended without effect."""

    code = "Neo.ClientError.Transaction.TransactionTerminated"
    gqlstatus = "25N00"


class WriteConflict(TransactionError):
    """Another transaction committed first what this one read or wrote: run it again."""

    code = "Neo.TransientError.Transaction.Outdated"
    gqlstatus = "40001"
    retryable = True


class DeadlineExceeded(TransactionError):
    """The statement ran longer than its timeout."""

    code = "Neo.ClientError.Transaction.TransactionTimedOut"
    gqlstatus = "25N14"


class Cancelled(TransactionError):
    """The client cancelled the statement."""

    gqlstatus = "25N15"


class SnapshotTooOld(TransactionError):
    """The reader's snapshot is beyond the undo that is kept: run it again."""

    code = "Neo.TransientError.Transaction.Outdated"
    gqlstatus = "40001"
    retryable = True


class TransactionClosed(TransactionError):
    """The transaction was committed or rolled back before."""

    gqlstatus = "25N02"


class ConstraintError(MemoraDBError):
    """A constraint of the graph would be violated."""

    code = "Neo.ClientError.Schema.ConstraintValidationFailed"
    gqlstatus = "22N65"
    kind = "ConstraintVerificationFailed"


class UniqueViolation(ConstraintError):
    """Two elements would share a value that must be unique."""

    gqlstatus = "22N80"
    detail = "UniqueConstraintViolated"


class ExistenceViolation(ConstraintError):
    """An element would lack a property that it must have."""

    gqlstatus = "22N77"
    detail = "PropertyExistenceConstraintViolated"


class TypeViolation(ConstraintError):
    """A property would have a value of a type that it must not have."""

    gqlstatus = "22N78"
    detail = "PropertyTypeConstraintViolated"


class DeleteConnectedNode(ConstraintError):
    """DELETE of a node that still has relationships."""

    gqlstatus = "G1003"
    detail = "DeleteConnectedNode"


# --- storage -----------------------------------------------------------------


class StorageError(MemoraDBError):
    """The disk, or what is on it."""

    code = "Neo.DatabaseError.General.StorageDamage"
    gqlstatus = "50N10"


class CorruptionError(StorageError):
    """Bytes that fail their checksum where they must be whole; ``file`` and ``offset_bytes`` say where."""

    def __init__(self, message: str, *, file: str = "", offset_bytes: int = 0) -> None:
        hint = None
        if file:
            hint = (
                f"The damage is in {file} at byte {offset_bytes}, and nothing was changed. `memoradb check --data "
                "DIRECTORY` tells all of it, and with `--salvage TARGET` copies what is whole to another directory."
            )
        super().__init__(message, hint=hint)
        self.file = file
        self.offset_bytes = offset_bytes


class DiskFull(StorageError):
    """No room for the write; nothing of it was applied."""

    code = "Neo.TransientError.General.OutOfDisk"
    gqlstatus = "50N11"


class ReadOnlyDatabase(StorageError):
    """The writer stopped, or the database was opened for reading."""

    code = "Neo.ClientError.General.ForbiddenOnReadOnlyDatabase"
    gqlstatus = "25N06"


class DatabaseLocked(StorageError):
    """Another process has the data directory open."""

    code = "Neo.ClientError.General.DatabaseLocked"
    gqlstatus = "50N12"


class ForeignDirectory(StorageError):
    """The directory holds files that MemoraDB did not write, or of another format version."""

    code = "Neo.ClientError.General.InvalidDirectory"
    gqlstatus = "50N13"


class HistoryUnavailable(StorageError):
    """A state of the past that is no longer kept, or is not there yet; ``horizon`` is the oldest position kept."""

    code = "Neo.ClientError.General.HistoryUnavailable"
    gqlstatus = "50N15"

    def __init__(self, message: str, *, horizon: int, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.horizon = horizon

    def to_dict(self) -> dict[str, object]:
        return super().to_dict() | {"horizon": self.horizon}


class DatabaseClosed(StorageError):
    """The database object was closed before."""

    code = "Neo.ClientError.General.DatabaseClosed"
    gqlstatus = "50N14"


# --- limits, protocols, configuration ----------------------------------------


class LimitError(MemoraDBError):
    """A documented limit was reached; ``limit`` names it."""

    code = "Neo.ClientError.General.LimitExceeded"
    gqlstatus = "54000"

    def __init__(
        self,
        message: str,
        *,
        limit: str,
        value: int,
        span: Span | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message, span=span, hint=hint)
        self.limit = limit
        self.value = value

    def to_dict(self) -> dict[str, object]:
        return super().to_dict() | {"limit": self.limit, "value": self.value}


class QueryTooComplex(LimitError):
    """Nested too deep or too long to compile."""

    code = "Neo.ClientError.Statement.SyntaxError"
    gqlstatus = "54001"
    kind = "SyntaxError"
    phase = COMPILE_TIME
    detail = "QueryTooComplex"


class QueryMemoryExceeded(LimitError):
    """The statement asked for more memory than it may have."""

    code = "Neo.TransientError.General.MemoryPoolOutOfMemoryError"
    gqlstatus = "54002"


class MemoryLimitExceeded(LimitError):
    """The write would take more memory than graph and transactions may have; nothing of it was applied."""

    code = "Neo.TransientError.General.MemoryPoolOutOfMemoryError"
    gqlstatus = "54003"


class ProtocolError(MemoraDBError):
    """A conversation broke its protocol."""

    code = "Neo.ClientError.Request.Invalid"
    gqlstatus = "08N00"


class LocalProtocolError(ProtocolError):
    """We would have broken it."""


class RemoteProtocolError(ProtocolError):
    """The peer broke it."""


class ConfigurationError(MemoraDBError):
    """A setting that cannot be honoured."""

    code = "Neo.ClientError.General.InvalidConfiguration"
    gqlstatus = "22N00"


class AuthenticationError(MemoraDBError):
    """No credentials, or wrong ones."""

    code = "Neo.ClientError.Security.Unauthorized"
    gqlstatus = "42NFF"


class MissingExtra(MemoraDBError):
    """A feature needs an optional package; ``hint`` gives the command that installs it."""

    code = "Neo.ClientError.General.MissingExtra"
    gqlstatus = "0A000"
