"""How an import knows its files again."""

from __future__ import annotations

import os
from typing import Final

from memoradb.core.codec import digest
from memoradb.core.errors import ArgumentError

_SAMPLES: Final = 64
_SAMPLE_BYTES: Final = 1 << 14


def file_identity(path: str) -> list[object]:
    """Name, size, and a hash of 64 places of a file, both ends among them: enough to notice another file.

    The time of its last change is no part of it: a copy of a file is the same file.

    Raises:
        ArgumentError: the file cannot be read.
    """
    samples: list[bytes] = []
    try:
        with open(path, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            last = max(0, size - _SAMPLE_BYTES)
            for place in sorted({last * i // (_SAMPLES - 1) for i in range(_SAMPLES)}):
                file.seek(place)
                samples.append(file.read(_SAMPLE_BYTES))
    except FileNotFoundError:
        raise ArgumentError(f"There is no file {path}.") from None
    except OSError as error:
        raise ArgumentError(f"{path} cannot be read: {error}.") from error
    return [os.path.basename(path), size, digest(*samples).hex()]
