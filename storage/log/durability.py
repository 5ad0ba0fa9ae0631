"""What a commit waits for, and so what a crash of the machine can take from whom.

- ``strict``: a commit that returned is on the disk. It loses nothing that was acknowledged. Writers who are on their
  way together share a sync; one alone waits for nobody.
- ``group``: it loses nothing either, but each sync is put off by a millisecond, also for those whom nobody sees coming
  yet: fewer syncs, a slower single client.
- ``relaxed``: a commit returns at once; the disk follows within about a tenth of a second, when a segment is full, and
  when the database is closed. It loses the last commits, never one before one that it keeps. A process that dies alone
  loses nothing in any of the three.
"""

from __future__ import annotations

from typing import Final

from memoradb.core.errors import ConfigurationError

DURABILITIES: Final = ("strict", "group", "relaxed")

GROUP_WAIT_SECONDS: Final = 0.001
"""How long ``group`` waits for others before it syncs."""


def check_durability(durability: str) -> None:
    """Refuse what is no durability.

    Raises:
        ConfigurationError: it is none.
    """
    if durability not in DURABILITIES:
        raise ConfigurationError(f"durability is one of {', '.join(DURABILITIES)}, not {durability!r}.")
