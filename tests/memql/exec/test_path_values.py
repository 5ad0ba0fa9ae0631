"""Many paths for a client: what each says is what its elements say that are returned beside it."""

import memoradb
from memoradb.core.values import Path

QUERY = """MATCH (a:A) OPTIONAL MATCH p = (a)-[*1..2]-(b) WITH p ORDER BY length(p), a.i
           RETURN p, nodes(p) AS nodes, relationships(p) AS relationships"""


def a_graph():
    database = memoradb.open(None)
    database.execute("UNWIND range(0, 29) AS i CREATE (:A {i: i, s: toString(i)})")
    database.execute("MATCH (n) WHERE n.i % 3 = 0 SET n:B, n.f = n.i / 2.0, n.d = date('2024-01-01')")
    database.execute("MATCH (n) WHERE n.i % 5 = 0 SET n.l = [n.i, 9], n.s = null")
    database.execute("UNWIND range(0, 20) AS i MATCH (a {i: i}), (b {i: (i * 7) % 23}) CREATE (a)-[:T {w: i}]->(b)")
    database.execute("UNWIND range(0, 9) AS i MATCH (a {i: i}), (b {i: i + 1}) CREATE (b)-[:U]->(a)")
    return database


def everything(element):
    return [(name, getattr(element, name)) for name in type(element).__slots__]


def keys(element):
    return list(element.properties)


def test_a_path_says_of_its_elements_what_they_say_themselves():
    with a_graph() as database:
        rows = list(database.execute(QUERY))
        assert sum(row["p"] is None for row in rows) > 1
        assert sum(row["p"] is not None for row in rows) > 40
        for p, nodes, relationships in rows:
            if p is None:
                continue
            assert isinstance(p, Path)
            assert len(p) == len(relationships)
            assert list(map(everything, p.nodes)) == list(map(everything, nodes))
            assert list(map(keys, p.nodes)) == list(map(keys, nodes))
            assert list(map(everything, p.relationships)) == list(map(everything, relationships))


def test_an_element_on_many_paths_is_one_object():
    with a_graph() as database:
        paths = [row[0] for row in database.execute(QUERY) if row[0] is not None]
        made = {}
        for node in (node for path in paths for node in path.nodes):
            assert made.setdefault(node.id, node) is node


def test_a_path_shows_the_graph_as_it_was_when_it_was_returned():
    with a_graph() as database:
        paths = [row[0] for row in database.execute(QUERY) if row[0] is not None]
        before = [row for row in database.execute(QUERY) if row[0] is not None]
        expected = [[node.properties for node in row["nodes"]] for row in before]
        database.execute("MATCH (n) SET n.s = 'changed', n.new = 1 REMOVE n.f, n:B")
        database.execute("MATCH (n {i: 3}) DETACH DELETE n")
        assert [[node.properties for node in path.nodes] for path in paths] == expected
    assert paths[0].nodes[0].labels  # the database is closed


def test_paths_in_a_transaction_that_wrote_show_what_it_wrote():
    with a_graph() as database, database.begin() as transaction:
        transaction.execute("MATCH (n) SET n.new = 7")
        paths = [row[0] for row in transaction.execute(QUERY) if row[0] is not None]
        assert all(node["new"] == 7 for path in paths for node in path.nodes)
        transaction.rollback()
