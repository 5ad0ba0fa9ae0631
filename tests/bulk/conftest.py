"""The modules beside these tests can be imported by name."""

import sys
from pathlib import Path

import pytest

import memoradb

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture
def db():
    with memoradb.open(None) as database:
        yield database
