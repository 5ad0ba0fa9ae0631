"""AS OF: which state of the past a statement reads.

``AS OF datetime('2025-06-15T10:30:00Z') MATCH ...`` and ``AS OF TRANSACTION 7 MATCH ...`` run on the graph as it was
then. A statement is read once and taken apart: the moment, a constant expression, and the rest, which is a statement
like any other and has the same plan whatever the moment. The rest is kept with spaces where AS OF stood, so that places
in it are places in the text as written.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from memoradb.core.batch import Batch
from memoradb.core.errors import MemQLError, SemanticError
from memoradb.core.spans import Span, position_of
from memoradb.core.values import Value

from .bind.types import Type, require

if TYPE_CHECKING:
    from memoradb.core.columns import Column

    from .bind.catalog import Catalog
    from .exec.context import Context
    from .syntax import ast as a
    from .syntax import ast_expr as e

_SKIP: Final = r"(?:\s+|//[^\n]*|/\*(?s:.*?)\*/)"
_BEGINNING: Final = re.compile(
    rf"{_SKIP}*(?:CYPHER{_SKIP}+(?:[\d.]+{_SKIP}+)?)*(?:(?:EXPLAIN|PROFILE){_SKIP}+(?:VERBOSE{_SKIP}+)?)?AS{_SKIP}+OF\b",
    re.IGNORECASE,
)
_MOMENTS: Final = Type.DATETIME | Type.LOCAL_DATETIME | Type.DATE | Type.STRING


def is_timed(text: str) -> bool:
    """Whether a statement begins with AS OF, after EXPLAIN or PROFILE: no other begins with the word AS.

    >>> is_timed("AS OF TRANSACTION 3 MATCH (n) RETURN n"), is_timed("RETURN 1 AS of")
    (True, False)
    """
    return _BEGINNING.match(text) is not None


@dataclass(frozen=True, slots=True)
class Timed:
    """A statement with AS OF, taken apart.

    ``rest`` has spaces where AS OF stood. ``evaluate`` gives the moment on a batch of one row; ``parameters`` are those
    that it reads. ``span`` is that of AS OF and its moment.
    """

    rest: str
    evaluate: Callable[[Batch, Context], Column]
    parameters: frozenset[str]
    transaction: bool
    span: Span

    def moment(self, context: Context) -> Value:
        """The moment as a value: a transaction's number, or a time."""
        return self.evaluate(Batch({}, 1), context).item(0)


def take_apart(text: str, catalog: Catalog) -> Timed:
    """A statement that begins with AS OF.

    Raises:
        MemQLSyntaxError: it is no statement, it writes, or its moment is no constant; with its span.
    """
    from .syntax.parser import parse
    from .syntax.retag import Retagger
    from .syntax.tokens import tokenize

    statement = parse(text)
    as_of = statement.as_of
    assert as_of is not None
    try:
        _check_reads(statement, text, catalog)
        evaluate, parameters = _bound(as_of.moment, as_of.transaction, catalog)
    except MemQLError as error:
        raise error.located(text) from None
    row = Retagger(tokenize(text))
    row.run()
    start, end = as_of.span.start, row.tokens[row.start()].start_pos
    blank = "".join(c if c == "\n" else " " for c in text[start:end])
    return Timed(text[:start] + blank + text[end:], evaluate, parameters, as_of.transaction, as_of.span)


# --- what may follow


def _check_reads(statement: a.Statement, text: str, catalog: Catalog) -> None:
    """The past cannot be changed: refuse the first clause that would, wherever it stands."""
    as_of = statement.as_of
    assert as_of is not None
    updates = sorted((span.start, span.end) for span in _updates(statement, catalog))
    if updates:
        at = position_of(text, as_of.span.start)
        raise SemanticError(
            "A statement with AS OF reads the past, which cannot be changed.",
            span=Span(*updates[0]),
            hint=f"Leave out the AS OF at line {at.line}, column {at.column}, to write to the present.",
            detail="InvalidClauseComposition",
        )


def _updates(statement: a.Statement, catalog: Catalog) -> list[Span]:
    from .syntax import ast as a
    from .syntax.walk import walk

    commands = (a.CreateIndex, a.CreateConstraint, a.DropIndex, a.DropConstraint)
    found: list[Span] = []
    for node in walk(statement.body):
        if isinstance(node, (a.Create, a.Merge, a.Set, a.Remove, a.Delete, a.Foreach, *commands)):
            found.append(node.span)
        elif isinstance(node, a.Call):
            procedure = catalog.procedure(node.procedure)
            if procedure is not None and procedure.mode != "READ":
                found.append(node.span)
    return found


# --- the moment


def _bound(
    moment: e.Expression, transaction: bool, catalog: Catalog
) -> tuple[Callable[[Batch, Context], Column], frozenset[str]]:
    from .bind.aggregation import contains_aggregate
    from .bind.expressions import ExpressionBinder
    from .bind.scope import Names, Scope
    from .kernels.compile import compile_expression
    from .syntax import ast_expr as e
    from .syntax.walk import walk

    for part in walk(moment):
        if isinstance(part, (e.SubqueryExpression, e.PatternExpression, e.PatternComprehension)):
            raise SemanticError(
                "The moment of AS OF is a constant: it cannot read the graph.",
                span=part.span,
                hint="Ask for the time first, and pass it as a parameter.",
            )
    if contains_aggregate(moment):
        raise SemanticError("The moment of AS OF cannot aggregate.", span=moment.span, detail="InvalidAggregation")

    def refuse(expression: e.SubqueryExpression, scope: Scope) -> tuple[object, Type]:
        raise AssertionError("subqueries are refused above")

    binder = ExpressionBinder(catalog, Names(), {}, refuse)  # pyright: ignore[reportArgumentType]
    bound, kind = binder.bind(moment, Scope())
    if not transaction:
        require(kind, _MOMENTS, "say a moment for AS OF", moment.span)
    return compile_expression(bound), frozenset(binder.parameters)
