"""What the engine's primitives cost, in nanoseconds: names that end in ``_NS``.

These are defaults, measured on two shared cores with Python 3.11 (the figures behind them are in the engine research);
what matters is their ratio. ``memoradb calibrate`` measures them on the machine at hand (``calibration``) and writes a
table; a database that has one in its directory uses it. Costs are of the machine and the Python that run, not of a
graph: a process has one set of them. Answers never depend on them, plans do: tests run with the defaults.
"""

from collections.abc import Mapping

OPERATOR_NS: float = 3_000.0
"""Starting one operator on one batch: a few Python calls and small numpy calls."""

SCAN_ROW_NS: float = 3.0
"""A slot out of a label bitmap."""

LABEL_CHECK_NS: float = 6.0
"""Whether one node is in a label bitmap."""

SEEK_NS: float = 2_000.0
"""One equality look-up in a range index."""

RANGE_ROW_NS: float = 30.0
"""A hit of a range look-up, with its recheck."""

TEXT_ROW_NS: float = 100.0
"""A candidate of a text or point index, with the test of its value."""

EXPAND_SOURCE_NS: float = 12.0
"""One source row of an expand."""

EXPAND_ROW_NS: float = 12.0
"""One row that an expand makes, its columns copied."""

INTO_ROW_NS: float = 60.0
"""One pair that ExpandInto tests."""

INTERSECT_ROW_NS: float = 30.0
"""One neighbour that an intersection looks up among another node's."""

INTERSECT_LIST_NS: float = 40.0
"""One neighbour that is made ready to be looked up among."""

HASH_BUILD_NS: float = 60.0
"""One row put into the table of a hash join."""

HASH_PROBE_NS: float = 20.0
"""One row that looks its partners up in such a table, for each key."""

HASH_MISS_NS: float = 80.0
"""The same for a table that is not in the cache, on top."""

HASH_ROW_NS: float = 18.0
"""One row that a hash join makes, its columns copied."""

VALUE_HASH_NS: float = 250.0
"""One value that is hashed for a join: strings and mixed types, value by value."""

VAR_EXPAND_ROW_NS: float = 150.0
"""One trail of a variable-length expand."""

FILTER_ROW_NS: float = 20.0
"""One row through a simple predicate."""

DEFAULTS: Mapping[str, float] = {name: value for name, value in globals().items() if name.endswith("_NS")}
"""All of them, as they are above."""


def use(costs: Mapping[str, float]) -> None:
    """Plan with ``costs`` from now on in this process; what they do not name has its default."""
    globals().update({**DEFAULTS, **costs})


def in_use() -> dict[str, float]:
    """The costs that plans are made with."""
    return {name: globals()[name] for name in DEFAULTS}
