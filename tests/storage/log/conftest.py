"""Logs of small segments, so that a few records fill many."""

import pytest


@pytest.fixture(autouse=True)
def small_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("memoradb.storage.log.open_segment.SEGMENT_BYTES", 600)
