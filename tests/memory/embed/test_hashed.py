"""The built-in embedder: lexical, deterministic, of length 1."""

import hashlib
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memoradb.memory.embed.embedder import Embedder
from memoradb.memory.embed.hashed import DIMENSIONS, NAME, HashedEmbedder, embed, embed_many


def likeness(a: str, b: str) -> float:
    x, y = embed_many([a, b])
    return float(x @ y)


@given(st.text(max_size=60))
def test_a_text_gives_a_unit_vector_or_zeros(text):
    vector = np.array(embed(text))
    assert vector.shape == (DIMENSIONS,)
    length = float(np.linalg.norm(vector))
    assert length == 0.0 or length == pytest.approx(1.0, abs=1e-5)


@pytest.mark.parametrize("text", ["", " \n", "!?-", "the of and", "___"])
def test_a_text_without_words_gives_zeros(text):
    assert embed(text) == [0.0] * DIMENSIONS


@given(st.lists(st.text(max_size=20), max_size=5))
def test_many_texts_are_embedded_as_each_one(texts):
    together = embed_many(texts)
    assert together.shape == (len(texts), DIMENSIONS)
    assert together.dtype == np.float32
    for vector, text in zip(together, texts, strict=True):
        assert vector.astype(np.float64).tolist() == embed(text)


def test_the_vector_of_a_known_text_is_known():
    """It is stored in databases and compared with new ones: a change of it needs another name for the embedder."""
    text = "Parse a date from a string; raise ValueError where that's no date. Ünïcode, camelCase and snake_case."
    rounded = np.round(embed_many([text])[0].astype(np.float64) * 1e5).astype("<i4")
    assert hashlib.sha256(rounded.tobytes()).hexdigest()[:16] == "202b9d5a25a38fdd"
    assert embed("parse a date")[0] == pytest.approx(-0.16722501814365387)
    assert NAME == "hashed-256"


def test_another_process_gives_the_same_vector():
    code = "from memoradb.memory.embed.hashed import embed; print(embed('one two three')[:40])"
    shown = []
    for seed in ("0", "1"):
        environment = {"PYTHONPATH": ":".join(sys.path), "PYTHONHASHSEED": seed}
        done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, check=True)
        shown.append(done.stdout.decode().strip())
    assert shown == [str(embed("one two three")[:40])] * 2


def test_case_order_and_punctuation_do_not_matter_nor_stop_words():
    assert embed("Parse DATE!") == embed("parse date")
    assert likeness("parse date", "date parse") == pytest.approx(1.0)
    assert embed("parse the date of a string") == embed("parse date string")


def test_names_in_code_are_split_into_words():
    assert embed("parseDate") == embed("parse Date") == embed("parse_date")


def test_it_is_lexical_not_semantic():
    related = likeness("parse a date", "parsing of dates")
    unrelated = likeness("parse a date", "open a network socket")
    synonyms = likeness("car", "automobile")
    assert related > 0.25 > unrelated + 0.15
    assert abs(synonyms) < 0.3


@pytest.mark.parametrize(
    ("query", "texts"),
    [
        ("parse a date", ["Parse a date string.", "Return the socket's name.", "Sort a list in place."]),
        ("raise an error", ["Raises ValueError on errors.", "Multiply two matrices.", "A calendar of months."]),
    ],
)
def test_the_text_that_shares_words_is_nearest(query, texts):
    scores = embed_many(texts) @ embed_many([query])[0]
    assert int(np.argmax(scores)) == 0


def test_repeating_a_word_weighs_less_than_in_proportion():
    once, often = likeness("date", "date socket"), likeness("date", "date " * 10 + "socket")
    assert once < often < 1.0


def test_it_stands_behind_the_protocol():
    embedder: Embedder = HashedEmbedder()
    assert (embedder.name, embedder.dimensions) == (NAME, DIMENSIONS)
    assert embedder.embed_many(["a word"]).shape == (1, DIMENSIONS)
    assert embedder.embed_many([]).shape == (0, DIMENSIONS)
