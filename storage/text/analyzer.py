"""Text to terms: words, folded and stemmed.

A word is a run of letters, digits and marks; identifiers are also split at underscores and capitals, so that
``parse_date`` and ``parseDate`` are found by *parse* and by *date*. Folding is Unicode's compatibility normal form and
case folding; stemming is Snowball's.
"""

from __future__ import annotations

import re
import threading
import unicodedata
from collections.abc import Callable
from functools import lru_cache

from memoradb.core.errors import ArgumentError

_WORD = re.compile(r"\w+(?:['\u2019]\w+)*")
_PARTS = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+|[^\W\d_A-Za-z]+")
_ENGLISH_STOP = frozenset(
    "a an and are as at be but by for if in into is it no not of on or such that the their then there these they this "
    "to was will with".split()
)

ANALYZERS = ("english", "standard", "simple", "keyword")


class _Stemmers(threading.local):
    """Snowball stemmers keep state: one a thread."""

    def __init__(self) -> None:
        import snowballstemmer

        self.english = snowballstemmer.stemmer("english")


@lru_cache(maxsize=1)
def _stemmers() -> _Stemmers:
    return _Stemmers()


@lru_cache(maxsize=65_536)
def _stem(word: str) -> str:
    return _stemmers().english.stemWord(word)


def _words(text: str) -> list[str]:
    found: list[str] = []
    for word in _WORD.findall(unicodedata.normalize("NFKC", text)):
        folded = word.casefold()
        found.append(folded)
        parts = _PARTS.findall(word)
        if len(parts) > 1:
            found.extend(p.casefold() for p in parts if p.casefold() != folded)
    return found


def analyzer(name: str) -> Callable[[str], list[str]]:
    """The function that turns text into terms.

    Raises:
        ArgumentError: no analyzer has that name.
    """
    match name:
        case "english":
            return lambda text: [_stem(w) for w in _words(text) if w not in _ENGLISH_STOP]
        case "standard":
            return lambda text: [w for w in _words(text) if w not in _ENGLISH_STOP]
        case "simple":
            return _words
        case "keyword":
            return lambda text: [text]
        case _:
            raise ArgumentError(f"There is no text analyzer {name!r}; there are {', '.join(ANALYZERS)}.")
