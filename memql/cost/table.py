"""The table of calibrated costs: JSON, in the data directory as ``costs.json`` or wherever it was written.

{"format": 1, "unit": "ns", "costs": {"EXPAND_ROW_NS": 11.2, ...}, "python": "3.11.7", "machine": "x86_64"}
"""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping
from typing import Any, Final

from memoradb.core.errors import ConfigurationError

from .constants import DEFAULTS

FILE: Final = "costs.json"
FORMAT: Final = 1
COST_MAX: Final = 1e9
"""A primitive takes less than a second."""


def to_json(costs: Mapping[str, float]) -> bytes:
    """The table of ``costs``."""
    table = {
        "format": FORMAT,
        "unit": "ns",
        "costs": {name: round(value, 2) for name, value in sorted(costs.items())},
        "python": platform.python_version(),
        "machine": platform.machine(),
    }
    return json.dumps(table, indent=1).encode() + b"\n"


def from_json(text: bytes, where: str) -> dict[str, float]:
    """The costs of a table; names that this version does not know are left out.

    Raises:
        ConfigurationError: it is no table of costs, or a cost is no number of nanoseconds.
    """
    try:
        table: Any = json.loads(text)
        costs: dict[Any, Any] = table["costs"]
        if table["format"] != FORMAT or not isinstance(costs, dict):
            raise ValueError(f"its format is {table['format']!r}")
    except (ValueError, KeyError, TypeError) as error:
        raise _refused(where, str(error)) from error
    for name, value in costs.items():
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value <= COST_MAX:
            raise _refused(where, f"{name} is {value!r}")
    return {name: float(value) for name, value in costs.items() if name in DEFAULTS}


def _refused(where: str, why: str) -> ConfigurationError:
    return ConfigurationError(
        f"{where} is no table of costs: {why}.", hint="Delete it, or make it anew with `memoradb calibrate`."
    )
