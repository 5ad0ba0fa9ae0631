"""Base, chains and neighbour sets against a list of edges."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyroaring import BitMap

from memoradb.core.columns import IntArray
from memoradb.storage.checkpoint.container import decode_section, encode_section
from memoradb.storage.graph.adjacency import Adjacency, fresh_section
from memoradb.storage.graph.csr import EMPTY_CSR, Csr, fold_csr
from memoradb.storage.graph.delta import COUNTED_MIN, Delta

NODES = 12
edges = st.lists(st.tuples(st.integers(0, NODES - 1), st.integers(0, NODES - 1)), max_size=40)
batches = st.lists(st.tuples(edges, st.booleans()), max_size=6)
sources = st.lists(st.integers(0, NODES + 3), max_size=20)


def build(parts: list[tuple[list[tuple[int, int]], bool]]) -> tuple[Adjacency, list[tuple[int, int]]]:
    """An adjacency of all edges in turn, folded where a part says so; slots are places in the list."""
    adjacency, model = Adjacency(), []
    for part, fold in parts:
        if part:
            ends = np.array(part, np.int64)
            slots = np.arange(len(model), len(model) + len(part))
            adjacency.append(ends[:, 0], ends[:, 1], slots)
            model += part
        if fold:
            adjacency.fold(NODES)
    return adjacency, model


def expected(model: list[tuple[int, int]], asked: list[int], outgoing: bool) -> list[tuple[int, int, int]]:
    return [
        (i, edge[outgoing], slot)
        for i, source in enumerate(asked)
        for slot, edge in enumerate(model)
        if edge[not outgoing] == source
    ]


def rows(found: tuple[IntArray, IntArray, IntArray]) -> list[tuple[int, ...]]:
    return list(zip(*(part.tolist() for part in found), strict=True))


@given(batches, sources, st.booleans())
def test_following_finds_every_edge_in_order(parts: list, asked: list[int], outgoing: bool) -> None:
    adjacency, model = build(parts)
    assert rows(adjacency.state.follow(np.array(asked, np.int64), outgoing)) == expected(model, asked, outgoing)
    found = sorted(zip(*(part.tolist() for part in adjacency.edges()), strict=True))
    assert found == sorted((s, t, slot) for slot, (s, t) in enumerate(model))


@given(batches, st.integers(0, NODES + 1), st.booleans(), st.sets(st.integers(0, 60)), st.integers(0, 60))
def test_neighbour_sets_are_right_or_say_that_they_do_not_serve(
    parts: list, node: int, outgoing: bool, gone: set[int], top: int
) -> None:
    adjacency, model = build(parts)
    state = adjacency.state
    live = {n for _, n, slot in expected(model, [node], outgoing) if slot < top and slot not in gone}
    for _ in range(2):  # the second time from what was kept
        found = state.neighbours(node, outgoing, top, BitMap(gone))
        if found is None:
            base = {slot for _, _, slot in expected(model[: state.top], [node], outgoing)}
            assert state.top > top or base & gone
        else:
            assert set(found) == live


def test_a_neighbour_set_is_made_once_and_survives_new_edges_but_not_a_new_base() -> None:
    adjacency, _ = build([([(0, n) for n in range(10)], True)])
    first = adjacency.state.neighbours(0, True, 10, BitMap())
    assert adjacency.state.neighbours(0, True, 10, BitMap()) is first
    adjacency.append(np.array([0]), np.array([11]), np.array([10]))
    assert set(adjacency.state.neighbours(0, True, 11, BitMap()) or ()) == {*range(10), 11}
    assert adjacency.state.neighbours(0, True, 10, BitMap()) == first
    assert (0, True) in adjacency.state.sets
    adjacency.fold(12)
    assert adjacency.state.sets == {}


@given(batches)
def test_a_state_that_a_reader_holds_is_not_changed_by_folding(parts: list) -> None:
    adjacency, model = build(parts)
    state, everything = adjacency.state, np.arange(NODES)
    before = rows(state.follow(everything, True))
    adjacency.append(np.array([1]), np.array([2]), np.array([len(model)]))
    adjacency.fold(NODES)
    kept = [row for row in rows(state.follow(everything, True)) if row[2] < len(model)]
    assert kept == before
    assert rows(adjacency.state.follow(everything, True)) == expected([*model, (1, 2)], list(range(NODES)), True)


@given(batches)
def test_a_base_is_loaded_as_it_was_dumped_and_read_only_when_used(parts: list) -> None:
    adjacency, model = build([*parts, ([(0, 1)], True)])
    adjacency.append(np.array([2, 3]), np.array([3, 2]), np.array([len(model), len(model) + 1]))
    model_rows = expected([*model, (2, 3)], list(range(NODES)), False)
    state = adjacency.state
    fresh = fresh_section("edges/fresh-0", state, len(model) + 1)
    assert fresh is not None and fresh_section("edges/fresh-0", state, len(model)) is None
    section = decode_section(memoryview(encode_section(adjacency.dump("edges/adjacency-0", state))), "f")
    loaded = Adjacency()
    loaded.load(section, fresh)
    assert vars(loaded.state.incoming).keys() == {"_later"}
    assert loaded.dump("edges/adjacency-0", loaded.state) is section
    model.append((2, 3))
    assert rows(loaded.state.follow(np.arange(NODES), False)) == model_rows
    loaded.append(np.array([4]), np.array([5]), np.array([len(model)]))
    loaded.fold(NODES)
    assert rows(loaded.state.follow(np.arange(NODES), False)) == expected([*model, (4, 5)], list(range(NODES)), False)


@given(batches, edges, edges)
def test_what_comes_while_a_base_is_made_is_in_the_delta_after_it(parts: list, before: list, during: list) -> None:
    adjacency, model = build([*parts, (before, False)])
    steps = adjacency.folded(NODES)
    next(steps)
    last = None
    for made in steps:
        last = made
        if during:  # in between, as a writer would
            ends = np.array(during[:1], np.int64)
            adjacency.append(ends[:, 0], ends[:, 1], np.array([len(model)]))
            model += during[:1]
            during = during[1:]
    if last is not None:
        adjacency.install(last)
    for outgoing in (True, False):
        found = rows(adjacency.state.follow(np.arange(NODES), outgoing))
        assert found == expected(model, list(range(NODES)), outgoing)


@pytest.mark.parametrize("edges_a_step", [1, 3, 100])
@given(batches)
def test_a_base_is_the_same_in_steps_of_any_size(edges_a_step: int, parts: list) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("memoradb.storage.graph.csr.FOLD_EDGES", edges_a_step)
        adjacency, model = build([*parts, ([(3, 4)], True)])
    for outgoing in (True, False):
        found = rows(adjacency.state.follow(np.arange(NODES), outgoing))
        assert found == expected(model, list(range(NODES)), outgoing)


@given(edges, sources)
def test_degrees_count_rows(model: list[tuple[int, int]], asked: list[int]) -> None:
    ends = np.array(model, np.int32).reshape(-1, 2)
    *_, csr = fold_csr(EMPTY_CSR, ends[:, 0], ends[:, 1], np.arange(len(model), dtype=np.int32), NODES)
    assert csr is not None
    assert csr.degrees(np.array(asked, np.int64)).tolist() == [sum(e[0] == s for e in model) for s in asked]
    assert csr.keys().tolist() == sorted(e[0] for e in model)


def test_an_attribute_that_nothing_has_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute"):
        _ = Csr.mapped({}, "out_").nothing


@given(batches, edges, sources, st.booleans())
def test_one_relationship_is_linked_as_many_are(parts: list, more: list, asked: list[int], outgoing: bool) -> None:
    adjacency, model = build(parts)
    for source, target in more:
        adjacency.append_one(source, target, len(model))
        model.append((source, target))
    assert rows(adjacency.state.follow(np.array(asked, np.int64), outgoing)) == expected(model, asked, outgoing)
    last = np.array([[1, 2], [2, 2]], np.int64)
    adjacency.append(last[:, 0], last[:, 1], np.arange(len(model), len(model) + 2))
    model += [(1, 2), (2, 2)]
    assert rows(adjacency.state.follow(np.array(asked, np.int64), outgoing)) == expected(model, asked, outgoing)


@given(
    st.lists(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=9), min_size=1, max_size=5)
)
def test_degrees_of_a_delta_are_counted_for_many_nodes_and_kept_until_it_grows(parts: list) -> None:
    delta, edges = Delta(), []
    for part in parts:
        if len(part) == 1:
            source, target = part[0]
            delta.append_one(source, target, len(edges))
        else:
            sources, targets = np.array(part, np.int32).T
            delta.append(sources, targets, np.arange(len(edges), len(edges) + len(part), dtype=np.int32))
        edges += part
        for outgoing in (True, False):
            near = [edge[0 if outgoing else 1] for edge in edges]
            assert delta.degrees(outgoing, COUNTED_MIN - 1) is None
            counted = delta.degrees(outgoing, COUNTED_MIN)
            assert counted is not None and counted[0] == len(edges)
            assert counted[1].tolist() == [near.count(node) for node in range(max(near) + 1)]
            assert delta.degrees(outgoing, 1) is counted
