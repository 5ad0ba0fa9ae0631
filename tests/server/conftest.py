"""One server for the tests of a module, where they do not need one of their own."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from served import Served, serve


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with serve() as found:
        yield found
