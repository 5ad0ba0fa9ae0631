"""Values as handed out: equal by identity, readable like mappings."""

import pickle

import pytest

from memoradb.core.values import Node, NodeRef, Path, PathRef, Relationship, RelationshipRef


def test_a_node_is_its_id():
    one = Node(1, ("A",), {"x": 1}, "n:g:1")
    assert one == Node(1)
    assert one != Node(2, ("A",), {"x": 1})
    assert len({one, Node(1), Node(2)}) == 2
    assert (one["x"], one.get("x"), one.get("y"), one.get("y", 2)) == (1, 1, None, 2)
    with pytest.raises(KeyError):
        one["y"]


def test_a_relationship_is_its_id():
    one = Relationship(1, "R", 1, 2, {"x": 1})
    assert one == Relationship(1)
    assert hash(one) == hash(Relationship(1))
    assert (one["x"], one.get("y", 2)) == (1, 2)
    assert one != Node(1)


def test_a_path_is_as_long_as_it_has_relationships():
    path = Path((Node(1), Node(2)), (Relationship(3),))
    assert len(path) == 1
    assert path == Path((Node(1), Node(2)), (Relationship(3),))
    assert len(Path((Node(1),), ())) == 0


def test_references_are_values_of_their_kind():
    assert NodeRef(1) != RelationshipRef(1)
    assert len({NodeRef(1), NodeRef(1), RelationshipRef(1), PathRef((1,), ())}) == 3
    with pytest.raises(AttributeError):
        NodeRef(1).slot = 2  # pyright: ignore[reportAttributeAccessIssue]


class OneHop:
    """Paths from node i to node i + 1; notes whose elements were asked for."""

    def __init__(self):
        self.asked = []

    def path_length(self, row):
        return 1

    def path_elements(self, row):
        self.asked.append(row)
        return (Node(row), Node(row + 1)), (Relationship(row, "T", row, row + 1),)


def test_the_elements_of_a_path_are_made_once_and_only_when_asked_for():
    source = OneHop()
    paths = Path.each_of(source, range(3))
    assert [len(p) for p in paths] == [1, 1, 1]
    assert source.asked == []
    assert paths[1].nodes[0].id == 1
    assert paths[1].relationships[0].end == 2
    assert source.asked == [1]
    same = Path((Node(1), Node(2)), (Relationship(1),))
    assert paths[1] == same and hash(paths[1]) == hash(same) and paths[0] != same
    assert pickle.loads(pickle.dumps(paths[2])) == paths[2]
    assert repr(same) == f"Path(nodes={same.nodes!r}, relationships={same.relationships!r})"
    with pytest.raises(AttributeError):
        same.nodes = ()  # pyright: ignore[reportAttributeAccessIssue]
