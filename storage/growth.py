"""Arrays that grow by doubling. The old array stays as it is: a reader that holds it goes on."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from memoradb.core.regions import allocate

CAPACITY_MIN = 16


def grown(array: NDArray[Any], length: int, used: int, fill: Any = 0) -> NDArray[Any]:
    """``array`` if ``length`` rows fit and it may be written, else a larger copy of its first ``used`` rows.

    >>> grown(np.array([1, 2]), 3, 2, -1).tolist()[:4]
    [1, 2, -1, -1]
    """
    if length <= len(array) and array.flags.writeable:
        return array
    size = max(length, CAPACITY_MIN, 2 * len(array) if length > len(array) else len(array))
    if array.ndim > 1 or fill != 0:
        larger = np.full((size, *array.shape[1:]), fill, array.dtype)
    else:
        larger = allocate(size, array.dtype)  # what is not used yet takes no memory
    larger[:used] = array[:used]
    return larger
