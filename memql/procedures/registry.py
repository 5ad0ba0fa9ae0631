"""Procedures: signatures that the binder checks, functions that CALL runs."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from memoradb.core.errors import ConfigurationError, MemoraDBError, ProcedureError, TypeMismatch
from memoradb.core.semantics import type_name
from memoradb.core.values import INTEGER_MAX, Value

from ..bind.types import Type

if TYPE_CHECKING:
    from ..exec.context import Context

_TYPES: Final = {
    "ANY": Type.ANY,
    "BOOLEAN": Type.BOOLEAN,
    "INTEGER": Type.INTEGER,
    "FLOAT": Type.NUMBER,
    "NUMBER": Type.NUMBER,
    "STRING": Type.STRING,
    "BYTES": Type.BYTES,
    "MAP": Type.MAP,
    "LIST": Type.LIST,
    "NODE": Type.NODE,
    "RELATIONSHIP": Type.RELATIONSHIP,
    "PATH": Type.PATH,
    "DATE": Type.DATE,
    "TIME": Type.TIME,
    "LOCALTIME": Type.LOCAL_TIME,
    "DATETIME": Type.DATETIME,
    "LOCALDATETIME": Type.LOCAL_DATETIME,
    "DURATION": Type.DURATION,
    "POINT": Type.POINT,
    "VECTOR": Type.VECTOR | Type.LIST,
}


@cache
def parse_type(text: str) -> Type:
    """``"INTEGER?"`` and kin: a question mark lets null in.

    >>> parse_type("STRING?") == Type.STRING | Type.NULL
    True
    """
    plain = text.strip().upper()
    nullable = plain.endswith("?")
    plain = plain.rstrip("?").strip()
    plain = re.sub(r"^LIST\b.*", "LIST", plain)
    if plain not in _TYPES:
        raise ConfigurationError(f"`{text}` is no type of a procedure's signature.")
    return _TYPES[plain] | Type.NULL if nullable else _TYPES[plain] & ~Type.NULL if plain != "ANY" else Type.ANY


_NAMED: Final = {
    "FLOAT": Type.FLOAT,
    "ZONED TIME": Type.TIME,
    "LOCAL TIME": Type.LOCAL_TIME,
    "ZONED DATETIME": Type.DATETIME,
    "LOCAL DATETIME": Type.LOCAL_DATETIME,
}


def fits(value: Value, type: Type) -> bool:
    """Whether a value that is not null is of a kind that ``type`` allows.

    Literals are checked when a call is bound; this is for what shows its kind only when the statement runs.

    >>> fits("a", Type.INTEGER), fits([1], Type.LIST), fits(2, Type.NUMBER)
    (False, True, True)
    """
    name = type_name(value)
    kind = _NAMED.get(name) or _TYPES.get(name, Type.ANY)
    return bool(kind & type & ~Type.NULL)


@dataclass(frozen=True, slots=True)
class Field:
    """A named, typed input or output."""

    name: str
    type_text: str
    type: Type


@dataclass(frozen=True, slots=True)
class Procedure:
    """A procedure. ``function`` takes plain values (and, where ``wants_context``, the context first)."""

    name: str
    inputs: tuple[Field, ...]
    outputs: tuple[Field, ...]
    function: Callable[..., Any]
    mode: str = "READ"
    description: str = ""
    wants_context: bool = False
    optional: int = 0
    """How many of the last inputs may be left out."""

    @property
    def is_void(self) -> bool:
        """Whether it yields nothing and is called for its effect."""
        return not self.outputs

    @property
    def signature(self) -> str:
        """``name(inputs) :: (outputs)``."""
        inputs = ", ".join(f"{f.name} :: {f.type_text}" for f in self.inputs)
        outputs = ", ".join(f"{f.name} :: {f.type_text}" for f in self.outputs)
        return f"{self.name}({inputs}) :: ({outputs})"

    def call(self, arguments: Sequence[Value], context: Context) -> list[dict[str, Value]]:
        """Run it once; rows by output name. References are made values first, unless it asks for the context."""
        checked = [self._coerced(f, v) for f, v in zip(self.inputs, arguments, strict=False)]
        if self.wants_context:
            return list(self.function(context, *checked))
        from ..exec.materialise import value_of

        plain = [value_of(v, context.view) for v in checked]
        try:
            rows = self.function(*plain)
        except MemoraDBError:
            raise
        except Exception as error:
            raise ProcedureError(
                f"Procedure `{self.name}` failed: {type(error).__name__}: {error}",
                phase="runtime",
                code="Neo.ClientError.Procedure.ProcedureCallFailed",
                detail="ProcedureCallFailed",
            ) from error
        return [] if rows is None or self.is_void else self._checked_rows(rows)

    def _checked_rows(self, rows: Iterable[dict[str, Any]]) -> list[dict[str, Value]]:
        from ..parameters import normalise

        out = []
        for row in rows:
            missing = [f.name for f in self.outputs if f.name not in row]
            if missing:
                raise ProcedureError(f"Procedure `{self.name}` left out `{missing[0]}`.", phase="runtime")
            out.append({f.name: normalise(row[f.name], f.name) for f in self.outputs})
        return out

    def _coerced(self, field: Field, value: Value) -> Value:
        if value is None:
            if Type.NULL in field.type:
                return None
            raise TypeMismatch(f"`{field.name}` of `{self.name}` may not be null.")
        if type(value) is int and field.type_text.upper().startswith("FLOAT"):
            return float(value)
        if type(value) is float and field.type & ~Type.NULL == Type.INTEGER:
            if value.is_integer() and abs(value) < INTEGER_MAX:
                return int(value)
        if not fits(value, field.type):
            raise TypeMismatch(f"`{field.name}` of `{self.name}` takes {field.type_text}, not {type_name(value)}.")
        return value


class ProcedureRegistry:
    """The procedures of one database: the built-in ones and its own."""

    def __init__(self) -> None:
        self._procedures: dict[str, Procedure] = {}
        self.checkpoint: Callable[[], None] | None = None
        """What ``db.checkpoint`` runs."""
        self.await_indexes: Callable[[str | None, float], bool] | None = None
        """Waits for an index, or for all of them, for so many seconds, and tells whether they can be asked."""
        from .builtin import builtin_procedures

        for procedure in builtin_procedures():
            self._procedures[procedure.name.lower()] = procedure

    def register(
        self,
        name: str,
        inputs: Sequence[tuple[str, str]],
        outputs: Sequence[tuple[str, str]],
        function: Callable[..., Any],
        *,
        mode: str = "READ",
        description: str = "",
    ) -> None:
        """Add or replace a procedure; types as in ``parse_type``."""
        self._procedures[name.lower()] = make_procedure(name, inputs, outputs, function, mode, description)

    def lookup(self, name: str) -> Procedure | None:
        """The procedure called ``name``, in any case."""
        return self._procedures.get(name.lower())

    def __iter__(self) -> Iterator[Procedure]:
        return iter(sorted(self._procedures.values(), key=lambda p: p.name))


def make_procedure(
    name: str,
    inputs: Sequence[tuple[str, str]],
    outputs: Sequence[tuple[str, str]],
    function: Callable[..., Any],
    mode: str = "READ",
    description: str = "",
    wants_context: bool = False,
    optional: int = 0,
) -> Procedure:
    """A procedure from (name, type text) pairs."""
    return Procedure(
        name,
        tuple(Field(n, t, parse_type(t)) for n, t in inputs),
        tuple(Field(n, t, parse_type(t)) for n, t in outputs),
        function,
        mode,
        description,
        wants_context,
        optional,
    )
