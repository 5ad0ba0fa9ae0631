"""The parser's tables: computed once by Lark from the grammar, kept as a file of plain JSON.

Computing takes a second, reading a hundredth of one, and only computing needs Lark. The file's name holds the grammar's
hash. A wheel ships it in ``grammar/tables``, where ``hatch_build.py`` writes it, for an editable install too; where it
is missing or of another grammar, it is computed and kept in the user's cache directory.

This module imports nothing of the package but the grammar's text, so that the build can load it alone.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import tempfile
import threading
from importlib.resources import files
from pathlib import Path
from typing import Any, Final, NamedTuple

FORMAT: Final = 3
"""Part of the file's name: grows when its content changes its form."""

END: Final = "$END"
"""The terminal behind the last token."""


class Rule(NamedTuple):
    """A production, as the parser reduces by it.

    ``method`` of the lowering class takes the children; None: they are handed on as a list, which the rule around
    takes apart. ``single``: a lone child stands for the rule itself. ``inline``: positions of children that are such
    lists. ``missing``: how many Nones stand before each child, and behind the last, for optional parts left out.
    """

    origin: str
    length: int
    method: str | None
    single: bool
    inline: list[int]
    missing: list[int] | None


class Tables(NamedTuple):
    """An LALR(1) automaton.

    ``actions[state][terminal]``: the next state, or -1 - r to reduce by rule r. ``gotos[state][origin]``: the state
    after a reduction.
    """

    start: int
    end: int
    actions: list[dict[str, int]]
    gotos: list[dict[str, int]]
    rules: list[Rule]


def build(grammar: str) -> str:
    """Compute the tables, as the text of their file."""
    from lark import Lark

    lark = Lark(grammar, parser="lalr", lexer="basic", maybe_placeholders=True, keep_all_tokens=True)
    table: Any = lark.parser.parser._parse_table  # pyright: ignore[reportAttributeAccessIssue]
    numbers = {rule: i for i, rule in enumerate(lark.rules)}
    states = _reached(table)
    renumbered = {state: i for i, state in enumerate(states)}
    actions: list[dict[str, int]] = []
    gotos: list[dict[str, int]] = []
    for state in states:
        acts: dict[str, int] = {}
        nexts: dict[str, int] = {}
        for symbol, (action, argument) in sorted(table.states[state].items()):
            if action.name == "Reduce":
                acts[symbol] = -1 - _number(numbers, argument)
            elif symbol.isupper() or symbol == END:
                acts[symbol] = renumbered[argument]
            else:
                nexts[symbol] = renumbered[argument]
        actions.append(acts)
        gotos.append(nexts)
    body = {
        "start": renumbered[table.start_states["start"]],
        "end": renumbered[table.end_states["start"]],
        "actions": actions,
        "gotos": gotos,
        "rules": [_rule(rule) for rule in lark.rules],
    }
    return json.dumps(body, separators=(",", ":"))


def _reached(table: Any) -> list[Any]:
    """The states in the order in which they are reached from the start: Lark's own order differs from run to run."""
    found = [table.start_states["start"]]
    seen = set(found)
    for state in found:
        for _, (action, argument) in sorted(table.states[state].items()):
            if action.name == "Shift" and argument not in seen:
                seen.add(argument)
                found.append(argument)
    return found


def _number(numbers: dict[Any, int], rule: Any) -> int:
    found = numbers.get(rule)
    if found is None:
        raise ValueError(f"{rule} is no rule of the grammar")
    return found


def _rule(rule: Any) -> Rule:
    origin = str(rule.origin.name)
    method = rule.alias or (None if origin.startswith("_") else origin)
    empty = rule.options.empty_indices
    missing = [len(run) for run in "".join(str(int(e)) for e in empty).split("0")] if empty else None
    inline = [i for i, symbol in enumerate(rule.expansion) if not symbol.is_term and symbol.name.startswith("_")]
    single = bool(rule.options.expand1) and not rule.alias
    return Rule(origin, len(rule.expansion), None if method is None else str(method), single, inline, missing)


# --- where they are kept


def grammar_text() -> str:
    """The grammar, as shipped."""
    return files("memoradb.grammar").joinpath("memql.lark").read_text("utf-8")


def file_name(grammar: str) -> str:
    """The name of the tables' file: the grammar decides it."""
    return f"memql-{hashlib.blake2b(grammar.encode(), digest_size=8).hexdigest()}-{FORMAT}.json"


def cache_directory() -> Path:
    """Where the user's programs keep what they can compute again."""
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or tempfile.gettempdir()
    elif sys.platform == "darwin":
        base = os.path.expanduser("~/Library/Caches")
    else:
        base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Path(base) / "memoradb"


_lock = threading.Lock()
_tables: Tables | None = None


def load() -> Tables:
    """The tables of the grammar as it is: shipped, kept, or computed now."""
    global _tables
    with _lock:
        if _tables is None:
            grammar = grammar_text()
            _tables = parse_tables(_text(grammar))
        return _tables


def _text(grammar: str) -> str:
    name = file_name(grammar)
    shipped = files("memoradb.grammar").joinpath("tables").joinpath(name)
    if shipped.is_file():
        return shipped.read_text("utf-8")
    kept = cache_directory() / name
    try:
        return kept.read_text("utf-8")
    except OSError:
        text = build(grammar)
        _keep(kept, text)
        return text


def parse_tables(text: str) -> Tables:
    """What ``build`` wrote."""
    body = json.loads(text)
    return Tables(body["start"], body["end"], body["actions"], body["gotos"], [Rule(*rule) for rule in body["rules"]])


def _keep(path: Path, text: str) -> None:
    """Write beside others, whole or not at all; a cache that cannot be written is only slower."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=path.parent, delete=False) as file:
            file.write(text)
        os.replace(file.name, path)
    except OSError:
        return
