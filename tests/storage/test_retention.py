"""How much of the past is kept."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memoradb.core.clock import ManualClock
from memoradb.core.columns import lift
from memoradb.core.errors import ConfigurationError, HistoryUnavailable
from memoradb.storage.engine import Engine
from memoradb.storage.retention import HistoryPoint, Retention
from memoradb.storage.vfs_memory import MemoryVfs

SECOND = 1_000_000
POINTS = [HistoryPoint(10, 100 * SECOND, 900), HistoryPoint(20, 200 * SECOND, 500), HistoryPoint(30, 300 * SECOND, 100)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("all", Retention()),
        (" ALL ", Retention()),
        ("90s", Retention(duration_us=90 * SECOND)),
        ("30m", Retention(duration_us=1_800 * SECOND)),
        ("1.5h", Retention(duration_us=5_400 * SECOND)),
        ("7d", Retention(duration_us=604_800 * SECOND)),
        ("2w", Retention(duration_us=1_209_600 * SECOND)),
        ("10GB", Retention(bytes=10**10)),
        ("500 mb", Retention(bytes=5 * 10**8)),
        ("0B", Retention(bytes=0)),
    ],
)
def test_a_setting_is_all_or_a_duration_or_a_size(text: str, expected: Retention) -> None:
    assert Retention.parse(text) == expected
    assert expected.is_all == (text.strip().lower() == "all")


@pytest.mark.parametrize("text", ["", "7", "d", "-7d", "7 parsecs", "allx", "10 G B", "1e3s", "\u0667d\u0664"])
def test_any_other_setting_is_refused_with_examples(text: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        Retention.parse(text)
    assert raised.value.hint is not None and "7d" in raised.value.hint


def test_with_all_nothing_is_forgotten() -> None:
    assert Retention().horizon(POINTS, 10**18) == 0


def test_with_a_duration_the_past_begins_at_the_newest_checkpoint_that_is_older() -> None:
    retention = Retention.parse("100s")
    assert retention.horizon(POINTS, 199 * SECOND) == 0
    assert retention.horizon(POINTS, 200 * SECOND) == 10
    assert retention.horizon(POINTS, 399 * SECOND) == 20
    assert retention.horizon(POINTS, 10**18) == 30
    assert retention.horizon([], 10**18) == 0


def test_with_a_size_the_past_begins_at_the_oldest_checkpoint_with_no_more_log_after_it() -> None:
    expected = {1_000: 10, 900: 10, 899: 20, 500: 20, 100: 30, 0: 30}
    assert {size: Retention(bytes=size).horizon(POINTS, 0) for size in expected} == expected
    assert Retention(bytes=5).horizon([], 0) == 0


@given(st.integers(0, 400 * SECOND), st.integers(0, 400 * SECOND), st.integers(0, 1_000 * SECOND))
def test_what_was_true_within_the_duration_can_be_read(duration: int, ago: int, now: int) -> None:
    horizon = Retention(duration_us=duration).horizon(POINTS, now)
    if ago <= duration:
        then = now - ago
        newest_then = max((p.position for p in POINTS if p.time_us <= then), default=0)
        assert horizon <= newest_then


def test_what_the_setting_does_not_keep_goes_with_the_checkpoints_and_the_rest_can_be_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("memoradb.storage.log.open_segment.SEGMENT_BYTES", 4_096)
    vfs, clock = MemoryVfs(), ManualClock()
    engine = Engine.open("/db", vfs=vfs, clock=clock, history="10s", background=False)
    for second in range(60):
        with engine.begin(exclusive=True) as transaction:
            transaction.view.create_nodes(1, ["N"], {"text": lift(["x" * 300])})
            transaction.commit()
        clock.advance(1_000_000_000)
        if second % 5 == 4:
            engine.checkpoint()
            engine.rest()
    horizon = engine.history.horizon
    assert 30 <= horizon <= 50 and engine.metrics()["log_segments"] < 20
    assert engine.history.at(horizon).node_count() == horizon
    assert engine.history.at(55).node_count() == 55
    with pytest.raises(HistoryUnavailable, match=str(horizon)):
        engine.history.at(horizon - 1)
    assert [commit.transaction for commit in engine.history.changes(horizon)] == list(range(horizon + 1, 61))
    engine.close()
    again = Engine.open("/db", vfs=vfs, clock=clock, history="10s", background=False)
    assert again.snapshot().node_count() == 60 and again.metrics()["transactions"] == 60
    again.close()


def test_an_engine_refuses_a_setting_that_it_does_not_know() -> None:
    with pytest.raises(ConfigurationError, match="history"):
        Engine.open(None, history="a while")
