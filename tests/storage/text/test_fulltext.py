"""Full text: BM25F against a naive computation from the texts, phrases, prefixes, visibility, dump and load."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyroaring import BitMap

from memoradb.core.columns import ListColumn
from memoradb.core.errors import ArgumentError
from memoradb.core.values import Value
from memoradb.storage.checkpoint.container import decode_section, encode_section
from memoradb.storage.text.fulltext import K1, B, FulltextIndex
from memoradb.storage.view import Element, IndexDefinition, IndexKind

KEYS = ("title", "body")
DEFINITION = IndexDefinition("t", IndexKind.FULLTEXT, Element.NODE, ("A",), KEYS, (("analyzer", "simple"),))
words = st.lists(st.sampled_from(["cat", "dog", "cow", "sat", "ran"]), max_size=6).map(" ".join)
documents = st.lists(st.tuples(st.one_of(st.none(), words), st.one_of(st.none(), words)), max_size=10)

Document = tuple[str | None, str | None]


def an_index(texts: list[Document], position: int = 1) -> FulltextIndex:
    index = FulltextIndex(DEFINITION)
    columns = [ListColumn([t[i] for t in texts]) for i in range(2)]
    index.add(np.arange(len(texts)), columns, position)
    return index


def fields(document: Document) -> list[list[str]]:
    return [(text or "").split() for text in document]


def naive_scores(texts: dict[int, Document], query: list[str]) -> dict[int, float]:
    """Robertson and Zaragoza 2009, equations (3.15) to (3.17), from the texts themselves; fields weigh the same."""
    held = {i: fields(d) for i, d in texts.items() if d != (None, None)}
    count = len(held)
    means = [sum(len(d[f]) for d in held.values()) / count or 1.0 if count else 1.0 for f in range(2)]
    found: dict[int, float] = {}
    for word in query:  # a word that is asked for twice counts twice
        holding = sum(any(word in f for f in d) for d in held.values())
        idf = math.log(1 + (count - holding + 0.5) / (holding + 0.5))
        for i, document in held.items():
            frequency = sum(document[f].count(word) / (1 - B + B * len(document[f]) / means[f]) for f in range(2))
            if frequency:
                found[i] = found.get(i, 0.0) + idf * frequency * (K1 + 1) / (frequency + K1)
    return found


@given(documents, st.lists(st.sampled_from(["cat", "dog", "cow", "emu"]), min_size=1, max_size=3))
def test_scores_are_those_of_the_formula_and_the_best_come_first(texts: list[Document], query: list[str]) -> None:
    found = an_index(texts).search(" ".join(query), None, 1)
    expected = naive_scores(dict(enumerate(texts)), query)
    assert dict(zip(found.slots.tolist(), found.scores.tolist(), strict=True)) == pytest.approx(expected)
    keys = list(zip((-found.scores).tolist(), found.slots.tolist(), strict=True))
    assert keys == sorted(keys)
    assert an_index(texts).search(" ".join(query), 2, 1).slots.tolist() == found.slots.tolist()[:2]


@given(documents, st.sets(st.integers(0, 9)))
def test_a_filter_chooses_documents_and_does_not_change_their_scores(texts: list[Document], chosen: set[int]) -> None:
    index = an_index(texts)
    every = index.search("cat OR dog", None, 1)
    scores = dict(zip(every.slots.tolist(), every.scores.tolist(), strict=True))
    found = index.search("cat OR dog", None, 1, BitMap(chosen))
    assert dict(zip(found.slots.tolist(), found.scores.tolist(), strict=True)) == {
        s: v for s, v in scores.items() if s in chosen
    }


@given(documents, documents)
def test_a_snapshot_sees_the_documents_of_its_position(before: list[Document], after: list[Document]) -> None:
    index = an_index(before)
    now = dict(enumerate(before))
    for slot, document in enumerate(after):
        old: list[Value] | None = list(now[slot]) if slot in now else None
        index.replace(slot, old, list(document), 2)
        now[slot] = document
    for slot in list(now)[:2]:
        index.replace(slot, list(now.pop(slot)), None, 3)
    for position, texts in ((1, dict(enumerate(before))), (3, now)):
        found = index.search("cat OR sat", None, position)
        expected = naive_scores(texts, ["cat", "sat"])
        assert dict(zip(found.slots.tolist(), found.scores.tolist(), strict=True)) == pytest.approx(expected)


@given(documents)
def test_an_index_is_loaded_as_it_was_dumped(texts: list[Document]) -> None:
    index = an_index(texts)
    if texts:
        index.replace(0, list(texts[0]), ["cow cow", None], 2)
    (section,) = index.dump("text/index-0")
    loaded = FulltextIndex(DEFINITION)
    assert loaded.load({"text/index-0": decode_section(memoryview(encode_section(section)), "f")}, "text/index-0")
    for one in (loaded, loaded):
        one.add(np.array([50 + one.count]), [ListColumn(["new cow"]), ListColumn([None])], 9)
    index.add(np.array([50 + index.count]), [ListColumn(["new cow"]), ListColumn([None])], 9)
    index.add(np.array([50 + index.count]), [ListColumn(["new cow"]), ListColumn([None])], 9)
    for query in ("cow", '"cat sat"', "c*", "new -cat"):
        one, other = index.search(query, None, 9), loaded.search(query, None, 9)
        assert one.scores.tolist() == pytest.approx(other.scores.tolist())
        assert len(one.slots) == len(other.slots)


TEXTS: list[Document] = [
    ("the cat sat", "on the mat"),
    ("cat", "the cat the sat"),
    (None, "catalogue of dogs"),
    ("dog", None),
]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("cat", {0, 1}),
        ("cat dog", {0, 1, 3}),
        ("cat AND mat", {0}),
        ("+the -mat", {1}),
        ("NOT cat dog", {3}),
        ('"cat sat"', {0}),
        ('"the cat"', {0, 1}),
        ("cat*", {0, 1, 2}),
        ("CAT", {0, 1}),
        ("title:the", {0}),
        ("body:the", {0, 1}),
        ("nowhere:the", set()),
        ("(cat OR dog) AND mat", {0}),
        ("emu", set()),
        ("", set()),
        ("-cat", {2, 3}),
        ("!!!", set()),
    ],
)
def test_the_query_language(query: str, found: set[int]) -> None:
    assert set(an_index(TEXTS).search(query, None, 1).slots.tolist()) == found


def test_a_boosted_term_counts_more() -> None:
    index = an_index([("cat", None), ("dog", None)])
    assert index.search("cat dog^3", None, 1).slots.tolist() == [1, 0]
    assert index.search("cat^3 dog", None, 1).slots.tolist() == [0, 1]


@pytest.mark.parametrize("query", ['"open', "(a", "a)", "title:)", "a AND (b", "+", "(" * 60 + "a"])
def test_a_malformed_query_is_an_argument_error_that_says_where(query: str) -> None:
    with pytest.raises(ArgumentError, match=r"character|deep"):
        an_index(TEXTS).search(query, None, 1)


def test_lists_of_strings_are_text_and_other_values_are_not() -> None:
    index = FulltextIndex(DEFINITION)
    items: list[Value] = [["cat", "dog"], 5, [1], "cat"]
    index.add(np.arange(4), [ListColumn(items), ListColumn([None] * 4)], 1)
    assert set(index.search("cat", None, 1).slots.tolist()) == {0, 3} and index.count == 2


def test_english_finds_words_by_their_stem_and_identifiers_by_their_parts() -> None:
    definition = IndexDefinition("t", IndexKind.FULLTEXT, Element.NODE, ("A",), ("title",), (("analyzer", "english"),))
    index = FulltextIndex(definition)
    index.add(np.arange(3), [ListColumn(["parsing the dates", "parseDate", "parse_date"])], 1)
    assert set(index.search("parse date", None, 1).slots.tolist()) == {0, 1, 2}
    with pytest.raises(ArgumentError, match="klingon"):
        FulltextIndex(
            IndexDefinition("t", IndexKind.FULLTEXT, Element.NODE, ("A",), ("t",), (("analyzer", "klingon"),))
        )
