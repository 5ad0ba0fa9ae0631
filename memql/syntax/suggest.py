"""Guesses for what was meant."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Mapping
from typing import Final

_CANDIDATES_MAX: Final = 2_000
"""Names that are compared: enough for any vocabulary written by hand, quick for any other."""


def closest(name: str, candidates: Iterable[str]) -> str | None:
    """The candidate most like ``name``, None where none is close.

    >>> closest("freind", ["friend", "person"])
    'friend'
    """
    folded = name.lower()
    near = max(2, len(folded) // 3)
    by_folded: dict[str, str] = {}
    for candidate in candidates:
        if candidate != name and abs(len(candidate) - len(name)) <= near:
            by_folded.setdefault(candidate.lower(), candidate)
            if len(by_folded) >= _CANDIDATES_MAX:
                break
    if folded in by_folded:
        return by_folded[folded]
    # Of a short word a smaller part may differ: foo is not floor.
    found = difflib.get_close_matches(folded, by_folded, n=1, cutoff=0.7 if len(folded) > 3 else 0.8)
    return by_folded[found[0]] if found else None


def did_you_mean(name: str, candidates: Iterable[str]) -> str | None:
    """A hint sentence, or None."""
    best = closest(name, candidates)
    return None if best is None else f"Did you mean `{best}`?"


def did_you_mean_keyword(word: str, expected: Collection[str], shown: Mapping[str, str]) -> str | None:
    """A hint where a misspelt keyword stands in a keyword's place; ``shown`` says how terminals are written.

    >>> did_you_mean_keyword("START", {"STARTS", "RETURN"}, {"STARTS": "STARTS WITH"})
    'Did you mean STARTS WITH?'
    """
    best = closest(word.upper(), [e for e in expected if e.isalpha() and len(e) > 1 and e not in _NO_KEYWORDS])
    return None if best is None else f"Did you mean {shown.get(best, best)}?"


_NO_KEYWORDS: Final = frozenset(
    "IDENT PARAM INT FLOAT STRING FNAME LPAR RPAR LPAT LSQB RSQB LBRACE RBRACE LCOMP PCOMP QUANT SUBQ COMMA COLON DOT "
    "DOTDOT DCOLON EQ NE LT LE GT GE PLUS PLUSEQ MINUS STAR SLASH PERCENT CARET BAR CONCAT AMP BANG SEMI REGEX DOLLAR "
    "LOR DOLLARANY ISNULL ISNOTNULL ISTYPED ISLABELED".split()
)
