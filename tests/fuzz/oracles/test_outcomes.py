import pytest

from memoradb.core.values import Node, Relationship
from memoradb.fuzz.oracles.outcomes import Known, Outcome, same, similar

KNOWN = Known(frozenset({1}), frozenset())


def outcome(*rows, keys=None, graph=None, columns=("x",)):
    shown = [(row,) for row in rows]
    return Outcome(None, columns, [tuple(map(KNOWN.form, row)) for row in shown], keys, graph, shown)


def test_rows_are_a_bag():
    assert same(outcome(1, 2, 2), outcome(2, 1, 2))
    assert not same(outcome(1, 2, 2), outcome(1, 1, 2))
    assert not same(outcome(1), outcome(1, 1))


def test_sort_keys_fix_the_order_but_among_equal_ones():
    ordered = outcome(1, 2, 3, keys=["a", "b", "b"])
    assert same(ordered, outcome(1, 3, 2))
    assert not same(ordered, outcome(2, 1, 3))


def test_types_matter():
    assert not same(outcome(1), outcome(1.0))
    assert not same(outcome(1), outcome(True))
    assert not same(outcome("1"), outcome(1))


def test_float_sums_may_differ_in_their_last_digits():
    assert same(outcome(0.1 + 0.2), outcome(0.3))
    assert same(outcome(float("nan")), outcome(float("nan")))
    assert not same(outcome(0.3), outcome(0.300001))


def test_columns_and_errors_matter():
    assert not same(outcome(1), outcome(1, columns=("y",)))
    assert not same(outcome(1), Outcome("TypeMismatch at runtime"))
    assert same(Outcome("TypeMismatch at runtime"), Outcome("TypeMismatch at runtime"))


def test_a_known_element_is_its_id_and_a_new_one_what_it_holds():
    assert not same(outcome(Node(1)), outcome(Node(2)))
    assert same(outcome(Node(7, ("A",))), outcome(Node(8, ("A",))))
    assert not same(outcome(Node(7, ("A",))), outcome(Node(8, ("B",))))


def test_similar_forgives_the_order_in_lists_and_whole_floats():
    assert similar(KNOWN, outcome([1, 2]), outcome([2, 1.0]))
    assert not similar(KNOWN, outcome([1, 2]), outcome([1, 1]))


@pytest.mark.parametrize("types", [("R", "R"), ("R", "S")])
def test_graphs_are_compared_up_to_the_ids_of_new_elements(types):
    def graph(first, second, start):
        nodes = [Node(i, ("A",)) for i in (first, second)]
        return KNOWN.graph(nodes, [Relationship(first, types[0], start, second), Relationship(9, types[1], 5, 5)][:1])

    assert graph(5, 6, 5) == graph(7, 8, 7)
    assert graph(5, 6, 5) != graph(5, 6, 6)
