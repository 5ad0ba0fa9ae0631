"""UNWIND of lists that are long together: part by part, so that memory stays bounded and it can be stopped."""

import tracemalloc

import pytest

import memoradb
from memoradb.core.errors import DeadlineExceeded


def test_many_long_lists_are_never_in_memory_together() -> None:
    with memoradb.open() as database:
        tracemalloc.start()
        try:
            found = database.execute("UNWIND range(1, 8000) AS a UNWIND range(1, 1000) AS b RETURN count(*) AS n")
            _, peak_bytes = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert found.value() == 8_000_000
        assert peak_bytes < 32 << 20


def test_a_product_of_lists_stops_at_its_deadline() -> None:
    with memoradb.open() as database, pytest.raises(DeadlineExceeded):
        database.execute("UNWIND range(1, 100000) AS a UNWIND range(1, 100000) AS b RETURN count(*)", timeout_ms=20)


def test_lists_nulls_and_single_values_of_any_length_keep_their_order() -> None:
    with memoradb.open() as database:
        found = database.execute("UNWIND [[1, 2], [], null, 3, range(4, 39999), 40000] AS a UNWIND a AS b RETURN b")
        assert found.column("b") == list(range(1, 40_001))
