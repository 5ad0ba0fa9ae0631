"""Numbers, facts, statistics and rules in words; text in columns of a bounded width."""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Sequence
from typing import Any, Final

from memoradb.storage.view import Direction, Element, EndsLabelled, Fact, Follows, LoopFree, NeverNull

from ..optimize.asked import Asked
from ..rewrite.rule import Rule
from ..rewrite.switches import ALTERNATIVES

SWITCHED_OFF_NS: Final = 1e15
"""A cost that no plan has: the planner adds it to what is switched off, so that it is taken only where it must be."""

DETAILS_MAX: Final = 2_000
"""Characters of one operator's details that are shown."""


# --- text --------------------------------------------------------------------


def clean(text: str) -> str:
    r"""``text`` on one line, whatever it holds: what cannot be printed is escaped, what is very long is cut.

    >>> print(clean("a\nb"))
    a\nb
    """
    if len(text) > DETAILS_MAX:
        text = f"{text[:DETAILS_MAX]} ... ({len(text) - DETAILS_MAX:,} characters more)"
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def width_of(text: str) -> int:
    r"""The columns that ``text`` takes in a terminal: two for a wide character, none for a mark on another.

    >>> width_of("abc"), width_of("名前"), width_of("e\u0301")
    (3, 4, 1)
    """
    if text.isascii():
        return len(text)
    wide = sum(unicodedata.east_asian_width(c) in "WF" for c in text)
    return len(text) + wide - sum(unicodedata.category(c) in ("Mn", "Me") for c in text)


def padded(text: str, width: int) -> str:
    """``text`` and spaces up to ``width`` columns."""
    return text + " " * (width - width_of(text))


def wrapped(text: str, width: int, indent: str = "") -> list[str]:
    """``text`` in lines of at most ``width`` columns, at spaces where there are some; ``indent`` before all but one."""
    lines: list[str] = []
    while width_of(text) > width:
        columns, cut, space = 0, 0, 0
        least = width_of(text[: len(text) - len(text.lstrip())]) + 8
        for i, c in enumerate(text):
            columns += width_of(c)
            if columns > width:
                break
            cut = i + 1
            if c == " " and columns > least:
                space = cut
        cut = max(1, space or cut)
        lines.append(text[:cut].rstrip())
        text = indent + text[cut:].lstrip()
        if width_of(indent) >= width - 1:
            indent = ""
    return [*lines, text]


def duration(ns: float) -> str:
    """Nanoseconds for people.

    >>> duration(850.0), duration(12_300.0), duration(4_560_000.0), duration(2.5e9)
    ('850 ns', '12.3 us', '4.56 ms', '2.5 s')
    """
    if ns >= SWITCHED_OFF_NS:
        return "switched off"
    for unit, size in (("s", 1e9), ("ms", 1e6), ("us", 1e3)):
        if ns >= size:
            return f"{ns / size:,.3g} {unit}" if ns < 1_000 * size else f"{ns / size:,.0f} {unit}"
    return f"{ns:.0f} ns"


def amount(bytes: int) -> str:
    """Bytes for people.

    >>> amount(0), amount(900), amount(1_200_000)
    ('0 B', '900 B', '1.2 MB')
    """
    for unit, size in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if bytes >= size:
            return f"{bytes / size:.3g} {unit}"
    return f"{bytes} B"


def rows_in_words(rows: float) -> str:
    """A number of rows.

    >>> rows_in_words(1.0), rows_in_words(0.25), rows_in_words(1234.5)
    ('1 row', '0.25 rows', '1,234 rows')
    """
    text = f"{rows:.2g}" if 0 < rows < 1 else f"{rows:,.0f}"
    return f"{text} row{'' if text == '1' else 's'}"


# --- rules -------------------------------------------------------------------


def first_sentence(docstring: str | None) -> str:
    """The first sentence of a docstring, on one line."""
    text = " ".join((docstring or "").strip().split("\n\n")[0].split()).replace("``", "`")
    end = text.find(". ")
    return text if end < 0 else text[: end + 1]


def alternative_in_words(name: str) -> str:
    """What a physical alternative does, without the places in the code."""
    return re.sub(r" \([^()]*\)\.$", ".", ALTERNATIVES[name])


def rule_in_words(rule: Rule) -> str:
    """What a rewrite rule does: the first sentence of its module."""
    return first_sentence(sys.modules[rule.__module__].__doc__)


# --- facts and statistics ----------------------------------------------------


def fact_in_words(fact: Fact) -> str:
    """A fact about the graph as a sentence."""
    match fact:
        case NeverNull(label, key):
            return f"Every (:{label}) has the property {key}."
        case EndsLabelled(type, outgoing, label):
            return f"Every [:{type}] {'leads to' if outgoing else 'comes from'} a (:{label})."
        case LoopFree(type):
            return f"No [:{type}] leads from a node to itself."


def _node(labels: Sequence[str | None] | str | None) -> str:
    names = (labels,) if isinstance(labels, str) else labels or ()
    return f"({''.join(f':{name}' for name in names if name)})"


def _arrow(types: Sequence[str], direction: Direction) -> str:
    left, right = {Direction.OUT: ("-", "->"), Direction.IN: ("<-", "-"), Direction.BOTH: ("-", "-")}[direction]
    return f"{left}[{':' + '|'.join(types) if types else ''}]{right}"


def statistic_in_words(asked: Asked) -> tuple[str, str] | None:
    """(of what, what is known); None for what is no number about the graph."""
    arguments, answer = asked.arguments, asked.answer
    of: Any = answer
    match asked.method, arguments:
        case "nodes", ():
            return "()", f"{answer:,} nodes"
        case (("nodes_with_label" | "nodes_with_labels"), (labels,)) if labels:
            return _node(labels), f"{answer:,} nodes"
        case "relationships", (*types,):
            return _arrow([t for t in types if t], Direction.OUT), f"{answer:,} relationships"
        case "relationships_between", (source, type, target):
            arrow = _arrow((type,) if type else (), Direction.OUT)
            return f"{_node(source)}{arrow}{_node(target)}", f"{answer:,} relationships"
        case "degrees", (label, type, direction):
            text = f"{of.mean:.3g} of a node, {of.largest:,} at most, none of {of.without:,} nodes"
            return f"{_node(label)}{_arrow((type,) if type else (), direction)}", text + _sampled(of)
        case "degree_after", (labels, Follows(types, direction), Follows(then, onward)):
            met = f"met by {_arrow(types, direction)}"
            return f"{_node(labels)}{_arrow(then, onward)}", f"{answer:.3g} of a node that was {met}"
        case "values", (label, key, *more):
            nulls = f", {of.null_share:.0%} null" if of.null_share else ""
            met = "".join(f", as {_arrow(x.types, x.direction)} meets them" for x in more if isinstance(x, Follows))
            subject = f"[:{label}]" if Element.RELATIONSHIP in more else _node(label)
            return f"{subject}.{key}", f"{of.distinct:,} different values{nulls}{met}" + _sampled(of)
        case "has_loops", (type,):
            return _arrow((type,), Direction.OUT), f"{'some lead' if answer else 'none leads'} from a node to itself"
        case "has_parallels", (type,):
            known = "not known whether some have" if answer is None else "some have" if answer else "no two have"
            return _arrow((type,), Direction.OUT), f"{known} the same start and end"
        case _:
            return None


def _sampled(summary: Any) -> str:
    return "" if summary.exact else " (of a sample)"
