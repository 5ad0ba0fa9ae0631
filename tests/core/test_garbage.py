"""Deferred garbage collection: off while many objects are made, on again whatever happens, and never turned on."""

import gc

import pytest

from memoradb.core.garbage import DEFERRED_MIN, collection_deferred


def test_collection_is_deferred_for_many_objects_alone():
    with collection_deferred(DEFERRED_MIN):
        assert not gc.isenabled()
    assert gc.isenabled()
    with collection_deferred(DEFERRED_MIN - 1):
        assert gc.isenabled()


def test_collection_goes_on_after_an_error():
    with pytest.raises(ValueError, match="no"), collection_deferred(DEFERRED_MIN):
        raise ValueError("no")
    assert gc.isenabled()


def test_who_has_turned_collection_off_finds_it_off():
    gc.disable()
    try:
        with collection_deferred(DEFERRED_MIN):
            assert not gc.isenabled()
        assert not gc.isenabled()
    finally:
        gc.enable()
