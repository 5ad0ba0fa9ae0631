"""What turns text into vectors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class Embedder(Protocol):
    """Equal texts give equal vectors, on every machine."""

    name: str
    dimensions: int

    def embed_many(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors, float32, shape (texts, dimensions); a text without any word gives zeros."""
        ...
