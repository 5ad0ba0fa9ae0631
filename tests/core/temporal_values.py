"""Strategies for dates and times of one kind in which equal values, equal moments and far years are common."""

from hypothesis import strategies as st

from memoradb.core.calendar import DAY_MAX, DAY_MIN, DAY_NS, OFFSET_MAX
from memoradb.core.temporal import Date, DateTime, LocalDateTime, LocalTime, Time, at_instant
from memoradb.core.temporal_columns import TemporalKind

days = st.one_of(st.integers(-2, 2), st.sampled_from([DAY_MIN, DAY_MAX, 11_016, 19_782]), st.integers(DAY_MIN, DAY_MAX))
clocks = st.one_of(
    st.sampled_from([0, 1, 1_000_000_000, 3_600_000_000_001, DAY_NS - 1, 7_200_000_000_001]),
    st.integers(0, DAY_NS - 1),
)
offsets = st.one_of(st.sampled_from([0, 3600, -3600, 7200, 1, -OFFSET_MAX, OFFSET_MAX]))
names = st.sampled_from(["Europe/Stockholm", "Europe/Berlin", "Africa/Lagos", "America/New_York", "Etc/UTC"])
moments = st.one_of(
    st.sampled_from([0, 1, -1, 1_709_251_200_000_000_000, 3_600_000_000_000, 10**25, -(10**25)]),
    st.integers(-(10**25), 10**25),
)

STRATEGIES = {
    TemporalKind.DATE: st.builds(Date, days),
    TemporalKind.LOCAL_TIME: st.builds(LocalTime, clocks),
    TemporalKind.LOCAL_DATETIME: st.builds(LocalDateTime, days, clocks),
    TemporalKind.TIME: st.builds(Time, clocks, offsets),
    TemporalKind.DATETIME: st.one_of(
        st.builds(at_instant, moments, st.one_of(offsets, names)),
        st.builds(DateTime, days, clocks, offsets, st.one_of(st.none(), names)),
    ),
}
kinds = st.sampled_from(list(STRATEGIES))
one_kind = kinds.map(STRATEGIES.__getitem__)


def columns_of(kind, length):
    """Lists of ``length`` values of one kind, some of them null, at least one not."""
    items = st.lists(st.one_of(st.none(), STRATEGIES[kind], STRATEGIES[kind]), min_size=length, max_size=length)
    return items.filter(lambda values: any(v is not None for v in values))


lists_of_one_kind = st.tuples(kinds, st.integers(1, 8)).flatmap(lambda pair: columns_of(*pair))
