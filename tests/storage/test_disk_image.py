"""What may be left of a file is what a real disk may leave of it, and each of these comes up."""

import random

import pytest

from memoradb.storage.disk_image import SECTORS, Content, Filler, Image, PowerLoss, Resize, Write, solid

SIZE = 3 * max(SECTORS)


@pytest.mark.parametrize("sector", SECTORS)
def test_each_sector_of_an_unsynced_write_is_as_before_or_as_after(sector: int) -> None:
    seen: set[tuple[bool, ...]] = set()
    for seed in range(200):
        content = solid(Image(b"-" * SIZE))
        content.change(Write(100, b"+" * (2 * sector)))
        left = PowerLoss(random.Random(seed), sector, Filler.NOISE, b"").remains(content).bytes()
        assert len(left) == SIZE and set(left[:100] + left[100 + 2 * sector :]) == set(b"-")
        parts = [left[100:sector], left[sector : 2 * sector], left[2 * sector : 2 * sector + 100]]
        assert all(len(set(part)) == 1 for part in parts)
        seen.add(tuple(part[:1] == b"+" for part in parts))
    assert len(seen) == 8  # any of the three sectors, with any others


@pytest.mark.parametrize("filler", Filler)
def test_a_file_that_has_grown_without_its_data_shows_what_the_filler_says(filler: Filler) -> None:
    stale = bytes(range(1, 65))
    found: set[bytes] = set()
    for seed in range(100):
        content = Content()
        content.change(Resize(64))
        found.add(PowerLoss(random.Random(seed), 512, filler, stale).remains(content).bytes())
    assert b"" in found
    grown = found - {b""}
    assert all(len(image) == 64 for image in grown)
    if filler is Filler.ZEROS:
        assert grown == {bytes(64)}
    elif filler is Filler.STALE:
        assert all(image in stale * 2 for image in grown)
    else:
        assert len(grown) > 10


def test_what_was_synced_stays_and_a_failed_sync_forgets_what_was_pending() -> None:
    content = Content()
    content.change(Write(0, b"kept"))
    content.sync()
    content.change(Write(4, b" or not"))
    content.lose(PowerLoss(random.Random(1), 512, Filler.ZEROS, b""))
    assert content.durable.bytes().startswith(b"kept") and not content.pending
    assert content.visible.bytes() == b"kept or not"
