"""The zones of a column, and the fact about time zones that their offsets at many moments rest on."""

import zoneinfo._zoneinfo as python_zoneinfo  # its zones, unlike those in C, say when their clocks change
from importlib.resources import files
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memoradb.core.calendar import DAY_SECONDS, offset_at_instant
from memoradb.core.zones import ZoneDictionary, offsets_at_instants

entries = st.tuples(st.integers(-2, 2), st.sampled_from([None, "a", "b"]))


def test_no_zone_changes_its_clocks_twice_within_two_days():
    for name in files("tzdata").joinpath("zones").read_text("ascii").split():
        with files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as file:
            changes = python_zoneinfo.ZoneInfo.from_file(file)._trans_utc  # pyright: ignore
        assert all(later - earlier > 2 * DAY_SECONDS for earlier, later in pairwise(changes)), name


@pytest.mark.parametrize("name", ["Europe/Stockholm", "Australia/Lord_Howe", "Pacific/Apia", "Africa/Casablanca"])
def test_offsets_change_at_the_very_second(name):
    seconds = np.arange(0, 1_800_000_000, 40 * DAY_SECONDS)
    found = offsets_at_instants(name, seconds)
    for low, high, before, after in zip(seconds, seconds[1:], found, found[1:], strict=False):
        if before == after:
            continue
        while high - low > 1:
            middle = (low + high) // 2
            same = offset_at_instant(name, *split(middle)) == before
            low, high = (middle, high) if same else (low, middle)
        near = np.array([low - 1, low, high, high + 1])
        assert offsets_at_instants(name, near).tolist() == [offset_at_instant(name, *split(s)) for s in near.tolist()]


def split(seconds):
    days, rest = divmod(int(seconds), DAY_SECONDS)
    return days, rest * 10**9


@given(st.lists(entries))
def test_codes_never_change_and_ranks_order_zones(zones):
    dictionary = ZoneDictionary()
    codes = [dictionary.intern(*zone) for zone in zones]
    assert [dictionary.entries()[code] for code in codes] == zones
    assert [dictionary.intern(*zone) for zone in zones] == codes
    assert len(dictionary) == len({(0, None), *zones})
    ranks = dictionary.ranks()
    assert sorted(range(len(dictionary)), key=ranks.__getitem__) == sorted(
        range(len(dictionary)), key=lambda c: (dictionary.entries()[c][0], dictionary.entries()[c][1] or "")
    )
    assert dictionary.offsets().tolist() == [offset for offset, _ in dictionary.entries()]


def test_codes_of_another_dictionary_are_translated_and_only_those_used():
    other = ZoneDictionary([(1, None), (2, "x"), (3, None)])
    mine = ZoneDictionary()
    codes = mine.translation(np.array([1, 1, 0], np.int32), other)
    assert [mine.entries()[c] for c in codes.tolist()] == [(2, "x"), (2, "x"), (1, None)]
    assert len(mine) == 3
    assert mine.translation(codes, mine) is codes
