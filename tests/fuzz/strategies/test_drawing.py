from hypothesis import given
from hypothesis import strategies as st

from memoradb.fuzz.strategies.drawing import RandomDraw, ReplayDraw
from memoradb.fuzz.strategies.graphs import generate_graph
from memoradb.fuzz.strategies.queries import generate_query


def test_the_same_seed_draws_the_same():
    first, second, other = RandomDraw("a"), RandomDraw("a"), RandomDraw("b")
    drawn = [[draw.integer(0, 1000) for _ in range(10)] for draw in (first, second, other)]
    assert drawn[0] == drawn[1] != drawn[2]


@given(st.text(max_size=3))
def test_recorded_decisions_replay_the_same_query(seed):
    draw = RandomDraw(seed)
    query = generate_query(draw)
    assert generate_query(ReplayDraw(draw.decisions)) == query


def test_the_simplest_decisions_make_a_simple_query():
    query = generate_query(ReplayDraw([]))
    assert len(query.text) < 60
    assert generate_graph(ReplayDraw([]), 1, 8).nodes == (((), {"id": 0}),)


@given(st.lists(st.integers(0, 200), max_size=60))
def test_any_decisions_make_a_query(decisions):
    assert generate_query(ReplayDraw(decisions)).text


@given(st.integers(-5, 5), st.integers(0, 5), st.lists(st.integers(0, 9), max_size=3))
def test_replayed_numbers_stay_in_range(low, more, decisions):
    draw = ReplayDraw(decisions)
    assert all(low <= draw.integer(low, low + more) <= low + more for _ in range(5))
