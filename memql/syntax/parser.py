"""Tokens to syntax trees: an LALR(1) automaton over the saved tables.

Each reduction calls a method of ``Lower`` at once, so no parse tree is built in between. The automaton is textbook
(Aho, Lam, Sethi and Ullman, 4.6); what it does with a production's children is prepared when the tables are loaded.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from memoradb.core.errors import MemQLSyntaxError, QueryTooComplex
from memoradb.core.limits import NESTING_DEPTH_MAX
from memoradb.core.spans import Span

from . import ast
from .ast_expr import Expression
from .diagnosis import accepted, unexpected
from .lower import Lower
from .retag import retag
from .tables import END, Rule, load
from .tokens import Token, tokenize

Build = Callable[[list[Any]], Any]


class Automaton:
    """The parser of one thread: its callbacks hold the text at hand."""

    def __init__(self) -> None:
        self._tables = load()
        self._lower = Lower()
        self._reductions = [(r.length, r.origin, _build(r, self._lower)) for r in self._tables.rules]

    def run(self, tokens: list[Token], text: str) -> ast.Statement:
        """The statement that ``tokens`` of ``text`` make.

        Raises:
            MemQLSyntaxError: at the first token that continues nothing.
        """
        self._lower.text = text
        tables, reductions = self._tables, self._reductions
        actions, gotos, end = tables.actions, tables.gotos, tables.end
        states = [tables.start]
        values: list[Any] = []
        state = tables.start
        for token in [*tokens, None]:
            kind = END if token is None else token.type
            while True:
                action = actions[state].get(kind)
                if action is None:
                    raise unexpected(text, tokens, token, accepted(states, tables))
                if action >= 0:
                    state = action
                    states.append(state)
                    values.append(token)
                    break
                length, origin, build = reductions[-1 - action]
                if length:
                    children = values[-length:]
                    del values[-length:]
                    del states[-length:]
                else:
                    children = []
                values.append(build(children))
                state = gotos[states[-1]][origin]
                states.append(state)
                if state == end and token is None:
                    return values[-1]
        raise AssertionError("the end is always accepted or refused")


def _build(rule: Rule, lower: Lower) -> Build:
    """What a reduction does with the children of its production."""
    make: Build = _hand_on if rule.method is None else getattr(lower, rule.method, _hand_on)
    if rule.single:
        make = _single(make)
    if rule.method is None and rule.inline == [0] and not any(rule.missing or ()):
        return _append
    if rule.inline or (rule.missing is not None and any(rule.missing)):
        return _arranged(make, frozenset(rule.inline), rule.missing or [0] * (rule.length + 1))
    return make


def _hand_on(children: list[Any]) -> list[Any]:
    return children


def _append(children: list[Any]) -> list[Any]:
    """A repetition and what follows it: the list grows in place, for it is nobody else's."""
    found, *more = children
    found += more
    return found


def _single(make: Build) -> Build:
    return lambda children: children[0] if len(children) == 1 else make(children)


def _arranged(make: Build, inline: frozenset[int], missing: list[int]) -> Build:
    """``make`` on children of which some are lists to be taken apart, and where Nones stand for what was left out."""
    last = missing[-1]

    def build(children: list[Any]) -> Any:
        found: list[Any] = []
        for i, child in enumerate(children):
            if missing[i]:
                found += [None] * missing[i]
            if i in inline:
                found += child
            else:
                found.append(child)
        if last:
            found += [None] * last
        return make(found)

    return build


class _OfThread(threading.local):
    automaton: Automaton | None = None


_of_thread = _OfThread()


def _run(tokens: list[Token], text: str) -> ast.Statement:
    automaton = _of_thread.automaton
    if automaton is None:
        automaton = _of_thread.automaton = Automaton()
    try:
        return automaton.run(tokens, text)
    except RecursionError:
        raise QueryTooComplex(
            "The statement nests too deep.", limit="NESTING_DEPTH_MAX", value=NESTING_DEPTH_MAX
        ) from None


def parse(text: str) -> ast.Statement:
    """One statement's syntax tree.

    Raises:
        MemQLSyntaxError: the text is no statement; located.
        QueryTooComplex: too long or nested too deep.
    """
    try:
        return _run(retag(tokenize(text)), text)
    except (MemQLSyntaxError, QueryTooComplex) as error:
        raise error.located(text) from None


def parse_expression(text: str) -> Expression:
    """One expression's syntax tree; patterns as predicates may stand in it.

    Raises:
        MemQLSyntaxError: the text is no expression; located in ``RETURN`` and the text.
        QueryTooComplex: too long or nested too deep.
    """
    statement = parse(f"RETURN {text}")
    body = statement.body
    if isinstance(body, ast.SingleQuery) and len(body.clauses) == 1 and isinstance(body.clauses[0], ast.Return):
        projection = body.clauses[0].projection
        if len(projection.items) == 1 and not (projection.star or projection.distinct or projection.order_by):
            return projection.items[0].expression
    raise MemQLSyntaxError("This is more than one expression.", span=Span(0, len(text)))


def split_statements(text: str) -> list[str]:
    """The statements of a script, cut at semicolons outside strings and comments."""
    statements, start = [], 0
    for token in tokenize(text):
        if token.type == "SEMI":
            statements.append(text[start : token.start_pos].strip())
            start = token.end_pos
    statements.append(text[start:].strip())
    return [s for s in statements if s]
