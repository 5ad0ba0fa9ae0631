"""Sizes as people write them: ``10GB``, ``512 MiB``."""

from __future__ import annotations

import re
from typing import Final

UNITS: Final = {"B": 1} | {f"{letter}B": 1_000**i for i, letter in enumerate("KMGT", 1)} | {
    f"{letter}IB": 1_024**i for i, letter in enumerate("KMGT", 1)
}  # fmt: skip
"""Bytes by unit, in capital letters."""

_SIZE: Final = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]+)\s*", re.ASCII)


def parse_byte_size(text: str) -> int | None:
    """A number with its unit, as bytes; None where it is no such thing.

    >>> parse_byte_size("10GB"), parse_byte_size("0.5 kib"), parse_byte_size("7 parsecs"), parse_byte_size("7")
    (10000000000, 512, None, None)
    """
    match = _SIZE.fullmatch(text)
    unit = None if match is None else UNITS.get(match[2].upper())
    return None if match is None or unit is None else round(float(match[1]) * unit)
