"""Round trips: what is written and read again is the same."""

from __future__ import annotations

from typing import Any

from memoradb.core.serde import decode, encode
from memoradb.memql.syntax.parser import parse
from memoradb.memql.syntax.printer import print_statement

from ..strategies.values import text_of
from .agreement import Finding
from .engine import Prepared


def printed(prepared: Prepared) -> Finding | None:
    """A statement printed and parsed is the same tree."""
    if prepared.statement is None:
        return None
    text = print_statement(prepared.statement)
    again = parse(text)
    if repr(again) == repr(prepared.statement):
        return None
    return Finding(
        "print", f"Printed and parsed it is another statement:\n{text}", repr(prepared.statement), repr(again)
    )


def encoded(value: Any) -> Finding | None:
    """A value encoded and decoded is the same; so is one written as a literal and read by the parser's own rules."""
    stored = encode(value)
    again = decode(stored)
    if encode(again) == stored and text_of(again) == text_of(value):
        return None
    return Finding("encode", "A value does not survive encoding.", text_of(value), text_of(again))
