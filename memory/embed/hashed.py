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
# A word's n-grams weigh 1 together. At 2.0 the whole word drowned them (parse and parsing: cosine 0.08, parse and bread
# 0.02); at 0.7 they count (0.27 and 0.05), and a shared word still counts about half.
_WORD_WEIGHT = 0.7
_STOP = frozenset(
    "a an and are as at be by can do for from has have if in is it its may not of on or that the then this to was were "
    "when which will with you your".split()
)


@lru_cache(maxsize=65_536)
def _features(word: str) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Places and signed weights of a word and of its n-grams, marked at both ends."""
    marked = f"<{word}>"
    grams = [marked[i : i + n] for n in (3, 4, 5) for i in range(len(marked) - n + 1)]
    hashes = [zlib.crc32(b"w" + word.encode("utf-8", "surrogatepass"))]
    hashes += [zlib.crc32(b"g" + g.encode("utf-8", "surrogatepass")) for g in grams]
    weights = [_WORD_WEIGHT] + [1.0 / math.sqrt(len(grams))] * len(grams)
    signed = [w if h & 0x100 else -w for h, w in zip(hashes, weights, strict=True)]
    return np.array([h & 0xFF for h in hashes], np.intp), np.array(signed)


def _vector(text: str) -> NDArray[np.float64]:
    counts: dict[str, int] = {}
    for word in _WORD.findall(_CAMEL.sub(" ", text)):
        word = word.lower()
        if word not in _STOP:
            counts[word] = counts.get(word, 0) + 1
    if not counts:
        return np.zeros(DIMENSIONS)
    features = [_features(word) for word in counts]
    places = np.concatenate([f[0] for f in features])
    weights = np.concatenate(
        [f[1] if n == 1 else f[1] * (1.0 + math.log(n)) for f, n in zip(features, counts.values(), strict=True)]
    )
    vector = np.bincount(places, weights, DIMENSIONS)
    # fsum, not a dot product: BLAS adds in another order on another machine.
    norm = math.sqrt(math.fsum((vector * vector).tolist()))
    return vector / (norm or 1.0)


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
