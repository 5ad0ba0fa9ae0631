"""Large arrays with memory of their own, and plain ones where the system has no such thing."""

import mmap
import sys

import numpy as np
import pytest

from memoradb.core.regions import CHUNK_ROWS, PAGE_BYTES, REGION_BYTES, allocate, is_region

reserves = pytest.mark.skipif(sys.platform == "win32", reason="Windows reserves no memory")


@reserves
def test_large_arrays_are_regions_of_zeros_that_can_be_written() -> None:
    array = allocate(REGION_BYTES // 8, np.int64)
    assert is_region(array) and not array.any() and array.dtype == np.int64
    array[-1] = 7
    assert array.sum() == 7


def test_small_arrays_are_plain_ones() -> None:
    array = allocate(REGION_BYTES // 8 - 1, np.int64)
    assert not is_region(array) and not array.any() and array.flags.writeable


@reserves
def test_what_begins_at_a_page_of_a_region_can_be_replaced_and_nothing_else() -> None:
    array = allocate(2 * CHUNK_ROWS, np.int8)
    assert is_region(array[CHUNK_ROWS:]) and is_region(array[: CHUNK_ROWS // 2])
    assert not is_region(array[1:])
    assert not is_region(array.copy())
    shown = array.view()
    shown.flags.writeable = False
    assert not is_region(shown)


def test_chunks_begin_at_pages() -> None:
    assert CHUNK_ROWS % PAGE_BYTES == 0 and CHUNK_ROWS % mmap.PAGESIZE == 0


def test_where_no_memory_can_be_reserved_arrays_are_plain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("memoradb.core.regions.sys.platform", "win32")
    array = allocate(REGION_BYTES, np.int8)
    assert len(array) == REGION_BYTES and not is_region(array) and not array.any()
