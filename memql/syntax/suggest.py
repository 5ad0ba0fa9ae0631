"""Guesses for what was meant."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable


def closest(name: str, candidates: Iterable[str]) -> str | None:
    """The candidate most like ``name``, None where none is close.

    >>> closest("freind", ["friend", "person"])
    'friend'
    """
    by_folded = {c.lower(): c for c in candidates if c != name}
    if name.lower() in by_folded:
        return by_folded[name.lower()]
    found = difflib.get_close_matches(name.lower(), by_folded, n=1, cutoff=0.7)
    return by_folded[found[0]] if found else None


def did_you_mean(name: str, candidates: Iterable[str]) -> str | None:
    """A hint sentence, or None."""
    best = closest(name, candidates)
    return None if best is None else f"Did you mean `{best}`?"


def did_you_mean_keyword(word: str, expected: Collection[str]) -> str | None:
    """A hint where a misspelt keyword stands in a keyword's place.

    >>> did_you_mean_keyword("RETRUN", {"RETURN", "WITH"})
    'Did you mean RETURN?'
    """
    best = closest(word.upper(), [e for e in expected if e.isalpha() and len(e) > 2])
    return None if best is None else f"Did you mean {best}?"
