"""What the engine's primitives cost, in nanoseconds.

Measured on two shared cores with Python 3.11 (the figures behind them are in the engine research and in
``bench/micro``); what matters is their ratio. A command that calibrates them on the machine at hand comes with the
optimizer's own issue.
"""

from typing import Final

OPERATOR_NS: Final = 3_000.0
"""Starting one operator on one batch: a few Python calls and small numpy calls."""

SCAN_ROW_NS: Final = 3.0
"""A slot out of a label bitmap."""

LABEL_CHECK_NS: Final = 6.0
"""Whether one node is in a label bitmap."""

SEEK_NS: Final = 2_000.0
"""One equality look-up in a range index."""

RANGE_ROW_NS: Final = 30.0
"""A hit of a range look-up, with its recheck."""

TEXT_ROW_NS: Final = 100.0
"""A candidate of a text or point index, with the test of its value."""

EXPAND_SOURCE_NS: Final = 12.0
"""One source row of an expand."""

EXPAND_ROW_NS: Final = 12.0
"""One row that an expand makes, its columns copied."""

INTO_ROW_NS: Final = 60.0
"""One pair that ExpandInto tests."""

VAR_EXPAND_ROW_NS: Final = 150.0
"""One trail of a variable-length expand."""

FILTER_ROW_NS: Final = 20.0
"""One row through a simple predicate."""
