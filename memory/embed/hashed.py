"""The built-in embedder: hashed words and character n-grams. Lexical, not semantic.

Each word, and each run of 3 to 5 characters of it, adds a signed weight at a hashed place of a 256-dimensional vector
(feature hashing, Weinberger et al. 2009); weights grow with the logarithm of the count, and the vector is scaled to
length 1. Texts that share words or parts of words are near each other: *parse* and *parsing*, but not *car* and
*automobile*. It needs no model, no network and no dependency; what understands meaning plugs in behind ``Embedder``.
"""

from __future__ import annotations

import math
import re
import zlib
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

NAME = "hashed-256"
DIMENSIONS = 256
_WORD = re.compile(r"[^\W_]+")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_WORD_WEIGHT = 2.0
_STOP = frozenset(
    "a an and are as at be by can do for from has have if in is it its may not of on or that the then this to was were "
    "when which will with you your".split()
)


@lru_cache(maxsize=65_536)
def _features(word: str) -> tuple[tuple[int, float], ...]:
    """(signed hash, weight) of a word and of its n-grams, marked at both ends."""
    found = [(zlib.crc32(b"w" + word.encode()), _WORD_WEIGHT)]
    marked = f"<{word}>"
    grams = [marked[i : i + n] for n in (3, 4, 5) for i in range(len(marked) - n + 1)]
    share = 1.0 / math.sqrt(len(grams)) if grams else 0.0
    found.extend((zlib.crc32(b"g" + g.encode()), share) for g in grams)
    return tuple(found)


def _vector(text: str) -> NDArray[np.float64]:
    counts: dict[str, int] = {}
    for word in _WORD.findall(_CAMEL.sub(" ", text)):
        word = word.lower()
        if word not in _STOP:
            counts[word] = counts.get(word, 0) + 1
    vector = np.zeros(DIMENSIONS)
    for word, count in counts.items():
        scale = 1.0 + math.log(count)
        for hashed, weight in _features(word):
            sign = 1.0 if hashed & 0x100 else -1.0
            vector[hashed & 0xFF] += sign * weight * scale
    norm = math.sqrt(float(vector @ vector))
    return vector / norm if norm else vector


def embed_many(texts: Sequence[str]) -> NDArray[np.float32]:
    """Unit vectors of all texts: float32, shape (texts, 256)."""
    if not texts:
        return np.zeros((0, DIMENSIONS), np.float32)
    return np.stack([_vector(t) for t in texts]).astype(np.float32)


def embed(text: str) -> list[float]:
    """One text's vector as a list of 256 floats.

    >>> len(embed("parse a date")), embed("parse a date") == embed("Parse a DATE!")
    (256, True)
    """
    return embed_many([text])[0].astype(np.float64).tolist()


class HashedEmbedder:
    """``embed_many`` behind the ``Embedder`` protocol."""

    name = NAME
    dimensions = DIMENSIONS

    def embed_many(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return embed_many(texts)
