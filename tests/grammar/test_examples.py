"""Each example of the grammar is accepted, or refused with the error that stands above it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from memoradb.core.errors import MemQLError
from memoradb.memql.syntax.parser import Automaton, parse
from memoradb.memql.syntax.printer import print_statement
from memoradb.memql.syntax.retag import retag
from memoradb.memql.syntax.tables import grammar_text, load
from memoradb.memql.syntax.tokens import tokenize

sys.path.insert(0, str(Path(__file__).parent))
from grammar_examples import Example, examples  # pyright: ignore[reportMissingImports]

GOOD = [x for x in examples("*.mql") if not x.file.endswith(".bad.mql")]
BAD = examples("*.bad.mql")


def titled(example: Example) -> str:
    return f"{example.file}: {example.comment.splitlines()[0]}"


@pytest.mark.parametrize("example", GOOD, ids=titled)
def test_an_example_is_accepted_and_survives_printing(example: Example) -> None:
    tree = parse(example.text)
    assert repr(parse(print_statement(tree))) == repr(tree)


@pytest.mark.parametrize("example", BAD, ids=titled)
def test_a_bad_example_is_refused_as_it_says(example: Example) -> None:
    with pytest.raises(MemQLError) as caught:
        parse(example.text)
    error = caught.value
    assert error.position is not None
    hint = "" if error.hint is None else f" {error.hint}"
    said = f"{error.detail} at {error.position.line}:{error.position.column}: {error.message}{hint}"
    assert said == example.comment.splitlines()[-1]


def test_every_production_has_an_example() -> None:
    used: set[str | None] = set()

    class Recording(Automaton):
        def __init__(self) -> None:
            super().__init__()
            rules = self._tables.rules
            self._reductions = [
                (length, origin, self._noting(rule.method, build))
                for rule, (length, origin, build) in zip(rules, self._reductions, strict=True)
            ]

        def _noting(self, method: str | None, build: Any) -> Any:
            def noting(children: list[Any]) -> Any:
                used.add(method)
                return build(children)

            return noting

    automaton = Recording()
    for example in GOOD:
        automaton.run(retag(tokenize(example.text)), example.text)
    assert {rule.method for rule in load().rules} - used == set()


def test_every_terminal_has_an_example() -> None:
    declared = {
        word
        for line in grammar_text().splitlines()
        if line.startswith("%declare")
        for word in line.removeprefix("%declare").split()
    }
    used = {token.type for example in GOOD for token in retag(tokenize(example.text))}
    assert declared - used == set()
