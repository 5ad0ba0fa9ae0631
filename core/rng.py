"""Randomness as an argument."""

from __future__ import annotations

import random
from typing import Protocol


class Random(Protocol):
    """A source of random values."""

    def random(self) -> float:
        """Uniform in [0, 1)."""
        ...

    def bytes(self, count: int) -> bytes:
        """``count`` random bytes."""
        ...


class SystemRandom:
    """The operating system's randomness."""

    def __init__(self) -> None:
        self._source = random.SystemRandom()

    def random(self) -> float:
        return self._source.random()

    def bytes(self, count: int) -> bytes:
        return self._source.randbytes(count)


class SeededRandom:
    """The same values for the same seed, in every process.

    >>> SeededRandom(7).random() == SeededRandom(7).random()
    True
    """

    def __init__(self, seed: int) -> None:
        self._source = random.Random(seed)

    def random(self) -> float:
        return self._source.random()

    def bytes(self, count: int) -> bytes:
        return self._source.randbytes(count)


def uuid4(source: Random) -> str:
    """A random UUID (RFC 9562, version 4) as text.

    >>> uuid4(SeededRandom(1))[14]
    '4'
    """
    raw = bytearray(source.bytes(16))
    raw[6] = raw[6] & 0x0F | 0x40
    raw[8] = raw[8] & 0x3F | 0x80
    text = raw.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
