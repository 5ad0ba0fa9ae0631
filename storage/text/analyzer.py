"""Text to terms: words, folded and stemmed.

A word is a run of letters, digits and marks; identifiers are also split at underscores and capitals, so that
``parse_date`` and ``parseDate`` are found by *parse* and by *date*. Folding is Unicode's compatibility normal form and
case folding; stemming is Snowball's.
"""

from __future__ import annotations

import itertools
import re
import threading
import unicodedata
from collections.abc import Callable
from functools import lru_cache

from memoradb.core.errors import ArgumentError

_WORD = re.compile(r"\w+(?:['\u2019]\w+)*")
_RUNS = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)*|\d+")
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
        parts = [part for run in _RUNS.findall(word) for part in _at_capitals(run)] if _is_compound(word) else ()
        if len(parts) > 1:
            found.extend(part.casefold() for part in parts)
    return found


def _is_compound(word: str) -> bool:
    """Whether a word may be an identifier: not letters alone, or capitals after the first one."""
    return not word.isalpha() or word[1:] != word[1:].lower()


def _at_capitals(run: str) -> list[str]:
    """A run of letters, cut before a capital that begins a word.

    >>> _at_capitals("parseISODate"), _at_capitals("naïve")
    (['parse', 'ISO', 'Date'], ['naïve'])
    """
    cuts = [
        i
        for i in range(1, len(run))
        if run[i].isupper() and (not run[i - 1].isupper() or (i + 1 < len(run) and run[i + 1].islower()))
    ]
    return [run[a:b] for a, b in itertools.pairwise((0, *cuts, len(run)))]


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
