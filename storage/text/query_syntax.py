"""The small query language of full-text search, close to Lucene's.

    date parsing            either term                 +date +parse      both
    date AND parse          both                        date -time        without
    "parse a date"          the words in this order     pars*             prefix
    name:parse              in one property only        (a OR b) AND c    groups
    date^2                  counts double

A string that is none of this (an open quote, a bracket too many) is an ArgumentError that says where.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TypeAlias

from memoradb.core.errors import ArgumentError

DEPTH_MAX = 50


@dataclass(frozen=True, slots=True)
class Term:
    """A word, prefix or phrase, in one field or any."""

    text: str
    field: str | None = None
    phrase: bool = False
    prefix: bool = False
    boost: float = 1.0


@dataclass(frozen=True, slots=True)
class Group:
    """``must`` all hold, ``must_not`` none; of ``should`` at least one where nothing must."""

    must: tuple[Query, ...] = ()
    should: tuple[Query, ...] = ()
    must_not: tuple[Query, ...] = ()


Query: TypeAlias = Term | Group

_TOKEN = re.compile(
    r"\s*(?:(?P<phrase>\"[^\"]*\")|(?P<mark>[()+])|(?P<minus>-(?=\S))|(?P<field>\w+:(?=\S))"
    r"|(?P<word>[^\s()\"]+))"
)


def parse(text: str) -> Group:
    """The query that ``text`` writes.

    >>> group = parse("+date -time")
    >>> [t.text for t in group.must], [t.text for t in group.must_not]
    (['date'], ['time'])
    """
    tokens = _tokens(text)
    query, end = _group(tokens, 0, 0)
    if end < len(tokens):
        raise ArgumentError(f"A full-text query has a `)` too many at character {tokens[end][2] + 1}.")
    return query


def _tokens(text: str) -> list[tuple[str, str, int]]:
    found = []
    position = 0
    text = text.rstrip()
    while position < len(text):
        token = _TOKEN.match(text, position)
        if token is None or token.end() == position:
            raise ArgumentError(
                f"A full-text query has an open quote at character {position + 1}.", hint='Close it with ".'
            )
        kind = token.lastgroup
        assert kind is not None
        found.append((kind, token.group(kind), token.start(kind)))
        position = token.end()
    return found


def _group(tokens: list[tuple[str, str, int]], at: int, depth: int) -> tuple[Group, int]:
    if depth > DEPTH_MAX:
        raise ArgumentError("A full-text query nests too deep.")
    items: list[list[object]] = []  # [operator before, sign, query]
    operator = "OR"
    while at < len(tokens):
        kind, value, where = tokens[at]
        if kind == "mark" and value == ")":
            break
        if kind == "word" and value in ("AND", "OR") and items:
            operator = value
            at += 1
            continue
        sign = ""
        if kind == "word" and value == "NOT":
            sign = "-"
            at += 1
        while at < len(tokens) and (tokens[at][0] == "minus" or (tokens[at][1] == "+" and tokens[at][0] == "mark")):
            sign = "-" if tokens[at][0] == "minus" else "+"
            at += 1
        if at >= len(tokens):
            raise ArgumentError(f"A full-text query ends after `{value}` at character {where + 1}.")
        query, at = _item(tokens, at, depth)
        if operator == "AND" and items and items[-1][1] == "":
            items[-1][1] = "+"
        if operator == "AND" and sign == "":
            sign = "+"
        items.append([operator, sign, query])
        operator = "OR"
    must = tuple(q for _, s, q in items if s == "+")
    should = tuple(q for _, s, q in items if s == "")
    must_not = tuple(q for _, s, q in items if s == "-")
    return Group(must, should, must_not), at  # pyright: ignore[reportArgumentType]


def _item(tokens: list[tuple[str, str, int]], at: int, depth: int) -> tuple[Query, int]:
    kind, value, where = tokens[at]
    field = None
    if kind == "field":
        field = value[:-1]
        at += 1
        if at >= len(tokens) or tokens[at][0] not in ("word", "phrase"):
            raise ArgumentError(f"`{value}` at character {where + 1} is followed by no term.")
        kind, value, where = tokens[at]
    if kind == "mark" and value == "(":
        group, end = _group(tokens, at + 1, depth + 1)
        if end >= len(tokens):
            raise ArgumentError(f"The `(` at character {where + 1} of a full-text query is never closed.")
        return group, end + 1
    if kind == "phrase":
        return Term(value[1:-1], field, phrase=True), at + 1
    if kind != "word":
        raise ArgumentError(f"A full-text query cannot have `{value}` at character {where + 1}.")
    boost = 1.0
    boosted = re.fullmatch(r"(.+)\^(\d+(?:\.\d+)?)", value)
    if boosted:
        value, boost = boosted.group(1), float(boosted.group(2))
    if value.endswith("*") and len(value) > 1:
        return Term(value[:-1], field, prefix=True, boost=boost), at + 1
    return Term(value, field, boost=boost), at + 1
