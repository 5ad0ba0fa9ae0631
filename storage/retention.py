"""How much of the past is kept: all of it, so much time, or so many bytes of log.

The past is read from a checkpoint and the log after it, so what is kept always begins at a checkpoint. ``horizon``
says at which: checkpoints before it and the log before it can go.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from memoradb.core.byte_sizes import parse_byte_size
from memoradb.core.errors import ConfigurationError

_SECONDS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_DURATION: Final = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([smhdw])\s*", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class HistoryPoint:
    """A checkpoint, as a place where the past can begin."""

    position: int
    """The log position that it stands for."""
    time_us: int
    """When that was committed: microseconds since 1970."""
    log_bytes: int
    """Bytes of log from there to the end."""


@dataclass(frozen=True, slots=True)
class Retention:
    """``duration_us`` or ``bytes`` bounds the past; with neither all of it is kept.

    >>> Retention.parse("36h").duration_us == 36 * 3600 * 1_000_000
    True
    >>> Retention.parse("10GB")
    Retention(duration_us=None, bytes=10000000000)
    """

    duration_us: int | None = None
    bytes: int | None = None

    @staticmethod
    def parse(text: str) -> Retention:
        """``all``, a duration (``90s``, ``30m``, ``36h``, ``7d``, ``2w``), or a size (``500MiB``, ``10GB``).

        Raises:
            ConfigurationError: anything else.
        """
        if text.strip().lower() == "all":
            return Retention()
        duration = _DURATION.fullmatch(text)
        if duration is not None:
            return Retention(duration_us=round(float(duration[1]) * _SECONDS[duration[2].lower()] * 1_000_000))
        size = parse_byte_size(text)
        if size is not None:
            return Retention(bytes=size)
        raise ConfigurationError(
            f"history is `all`, a duration or a size, not {text!r}.", hint='For example "all", "7d", "36h" or "10GB".'
        )

    @property
    def is_all(self) -> bool:
        """Whether nothing is ever forgotten."""
        return self.duration_us is None and self.bytes is None

    def horizon(self, points: Sequence[HistoryPoint], now_us: int) -> int:
        """The position from which the past can be read on; 0 where all of it stays.

        Args:
            points: all whole checkpoints, by position.
            now_us: microseconds since 1970.

        Returns:
            With a duration the position of the newest checkpoint that is older than it: whatever was true within the
            duration can still be read. With a size that of the oldest checkpoint after which the log is no larger;
            where even the newest has more log after it, the newest.
        """
        if self.duration_us is not None:
            since = now_us - self.duration_us
            return max((point.position for point in points if point.time_us <= since), default=0)
        if self.bytes is not None:
            fitting = [point.position for point in points if point.log_bytes <= self.bytes]
            return min(fitting, default=max((point.position for point in points), default=0))
        return 0
