"""What stands behind the last good record of a segment: whether anything does, and whether it had been durable."""

from __future__ import annotations

from typing import Final

import numpy as np

from .record import ALIGNMENT, DURABLE_WORD, SEQUENCE_WORD, decode

_FAR: Final = 1 << 40
"""More records than any segment holds."""


def written_end(data: memoryview, offset: int) -> int:
    """The offset after the last byte from ``offset`` on that is not zero; 0 where there is none."""
    tail = np.frombuffer(data, np.uint8)[offset:]
    end = len(tail)
    while end:  # piece by piece from the end: a segment may be zeros for the most part
        start = max(0, end - (1 << 16))
        found = np.flatnonzero(tail[start:end])
        if len(found):
            return offset + start + int(found[-1]) + 1
        end = start
    return 0


def claims_durable(data: memoryview, offset: int, seed: int, missing: int) -> bool:
    """Whether a valid record after ``offset`` says that the missing one was durable."""
    words = np.frombuffer(data, "<u8", len(data) // ALIGNMENT)[-(-offset // ALIGNMENT) :]
    places = max(0, len(words) - DURABLE_WORD)
    sequences = words[SEQUENCE_WORD : SEQUENCE_WORD + places]
    durables = words[DURABLE_WORD : DURABLE_WORD + places]
    # A record that was written after the missing one has a larger sequence, and what it calls durable is smaller.
    near = sequences < missing + _FAR
    likely = np.flatnonzero((durables >= missing) & (durables < sequences) & near)
    for word in likely.tolist():
        at = (-(-offset // ALIGNMENT) + word) * ALIGNMENT
        if decode(data, at, seed) is not None:
            return True
    return False
