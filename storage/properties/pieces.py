"""Values of any types as bytes, in pieces: so that no step of writing or reading them takes long."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from memoradb.core.columns import ListColumn
from memoradb.core.serde import decode_column, encode_column
from memoradb.core.values import Value

PIECE: Final = 512
"""Values that are encoded together."""


def encoded(items: list[Value]) -> NDArray[np.uint8]:
    """Values as bytes."""
    return np.frombuffer(encode_column(ListColumn(items)), np.uint8)


def decoded(data: NDArray[Any]) -> list[Value]:
    """The inverse of ``encoded``."""
    return list(decode_column(data.data).values())


def encoded_pieces(items: list[Value]) -> dict[str, NDArray[Any]]:
    """Values as the arrays of a section."""
    pieces = [encode_column(ListColumn(items[i : i + PIECE])) for i in range(0, len(items), PIECE)]
    sizes = np.fromiter(map(len, pieces), np.int64, len(pieces))
    return {"sizes": sizes, "values": np.frombuffer(b"".join(pieces), np.uint8)}
