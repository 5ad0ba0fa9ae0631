"""``grammar/keywords.txt`` and the tokenizer agree."""

from __future__ import annotations

from pathlib import Path

import pytest

from memoradb.core.errors import MemQLSyntaxError
from memoradb.memql.syntax.contextual import CONTEXTUAL
from memoradb.memql.syntax.parser import parse
from memoradb.memql.syntax.tokens import RESERVED, tokenize

FILE = Path(__file__).parents[2] / "grammar" / "keywords.txt"


def words() -> dict[str, str]:
    lines = FILE.read_text("utf-8").splitlines()
    return {line.split()[0]: line.split()[1] for line in lines if line and not line.startswith("#")}


def test_the_file_lists_the_words_that_the_tokenizer_reserves() -> None:
    assert {word for word, kind in words().items() if kind == "reserved"} == RESERVED


def test_the_file_lists_the_words_that_are_keywords_in_their_places() -> None:
    assert {word for word, kind in words().items() if kind == "contextual"} == CONTEXTUAL


def test_words_stand_in_order_each_with_a_reason() -> None:
    lines = [line for line in FILE.read_text("utf-8").splitlines() if line and not line.startswith("#")]
    assert all(len(line.split(maxsplit=2)) == 3 for line in lines)
    kinds = [(line.split()[1] != "reserved", line.split()[0]) for line in lines]
    assert kinds == sorted(kinds)


@pytest.mark.parametrize("word", sorted(RESERVED))
def test_a_reserved_word_is_no_variable_but_a_property_label_alias_and_map_key(word: str) -> None:
    with pytest.raises(MemQLSyntaxError):
        parse(f"MATCH ({word}) RETURN 1")
    assert tokenize(word)[0].type != "IDENT"
    parse(f"MATCH (n:{word} {{{word}: 1}})-[:{word}]->() WHERE n.{word} = 1 RETURN n AS {word}")
    parse(f"MATCH (`{word}`) RETURN `{word}`")


@pytest.mark.parametrize("word", sorted(CONTEXTUAL))
def test_a_contextual_word_is_a_name_elsewhere(word: str) -> None:
    parse(f"MATCH ({word}:{word} {{{word}: 1}})-[:{word}]->() WHERE {word}.{word} = 1 RETURN {word} AS {word}")
    parse(f"WITH 1 AS {word} WITH {word} + 1 AS x ORDER BY {word} RETURN x, [{word} IN [1] | {word}]")
    parse(f"UNWIND [1] AS {word} CREATE ({word}) SET {word}.{word} = ${word}")
