"""GraphML: keys with types, labels as Neo4j and APOC write them, streams, and no entities."""

import gzip

import pytest

from memoradb.bulk import graphml
from memoradb.core import limits
from memoradb.core.errors import ArgumentError, LimitError, TooManyBadRows

APOC = """<?xml version="1.0" encoding="UTF-8"?>
<graphml xmlns="http://graphml.graphdrawing.org/xmlns">
<key id="born" for="node" attr.name="born" attr.type="string"/>
<key id="kids" for="node" attr.name="kids" attr.type="string" attr.list="string"/>
<key id="age" for="node" attr.name="age" attr.type="long"/>
<key id="labels" for="node" attr.name="labels" attr.type="string"/>
<key id="label" for="edge" attr.name="label" attr.type="string"/>
<key id="w" for="edge" attr.name="w" attr.type="double"><default>0.5</default></key>
<graph id="G" edgedefault="directed">
<edge id="e0" source="n0" target="n1" label="KNOWS"><data key="label">KNOWS</data></edge>
<node id="n0" labels=":User:Admin"><data key="labels">:User:Admin</data><data key="kids">["Sam","Anna &lt;3"]</data>
<data key="age">42</data><data key="born">2015-07-04</data></node>
<node id="n1" labels=":User"><data key="labels">:User</data></node>
</graph>
</graphml>
"""

GENERIC = """<graphml xmlns="http://graphml.graphdrawing.org/xmlns">
<key id="d0" for="node" attr.name="colour" attr.type="string"><default>yellow</default></key>
<key id="d1" for="all" attr.name="weight" attr.type="float"/>
<graph edgedefault="undirected">
<node id="a"><data key="d0">green</data><graph><node id="inner"/></graph></node>
<node id="b"><port name="p"/></node>
<edge source="a" target="b"><data key="d1">1.5</data></edge>
</graph></graphml>
"""


def a_file(tmp_path, text, name="g.graphml"):
    (tmp_path / name).write_text(text, "utf-8")
    return tmp_path / name


def wrapped(body, keys=""):
    return f'<graphml>{keys}<key id="n" for="node" attr.name="n" attr.type="int"/><graph>\n{body}\n</graph></graphml>'


def test_what_apoc_writes(db, tmp_path):
    done = db.import_graphml(a_file(tmp_path, APOC))
    assert (done.nodes, done.relationships) == (2, 1)
    a, r, b = db.execute("MATCH (a)-[r]->(b) RETURN a, r, b").rows[0]
    assert a.labels == ("User", "Admin") and b.labels == ("User",) and r.type == "KNOWS"
    assert a.properties == {"kids": ["Sam", "Anna <3"], "age": 42, "born": "2015-07-04"}
    assert r.properties == {"w": 0.5} and b.properties == {}


def test_what_others_write(db, tmp_path):
    (tmp_path / "g.graphml").write_bytes(gzip.compress(GENERIC.encode()))
    db.import_graphml(tmp_path / "g.graphml", id_property="id")
    rows = db.execute("MATCH (n) RETURN n.id, n.colour, labels(n) ORDER BY n.id").rows
    assert rows == [("a", "green", []), ("b", "yellow", []), ("inner", "yellow", [])]
    assert db.execute("MATCH (a)-[r]->(b) RETURN a.id, type(r), r.weight, b.id").rows == [("a", "RELATED", 1.5, "b")]


def test_ids_are_those_of_one_file(db, tmp_path):
    files = [a_file(tmp_path, APOC, f"{i}.graphml") for i in range(2)]
    assert db.import_graphml(files).nodes == 4
    assert db.execute("MATCH (a)-[r]->(b) RETURN count(*)").value() == 2


def test_a_long_file_is_read_in_parts(db, tmp_path, monkeypatch):
    monkeypatch.setattr(graphml, "PART_ELEMENTS", 10)
    monkeypatch.setattr(graphml, "_CHUNK_BYTES", 100)
    nodes = "".join(f'<node id="{i}"><data key="n">{i}</data></node>\n' for i in range(95))
    edges = "".join(f'<edge source="{i}" target="{i // 2}"/>\n' for i in range(95))
    shares = []
    done = db.import_graphml(
        a_file(tmp_path, wrapped(nodes + edges)), progress=lambda what, share: shares.append((what, share))
    )
    assert (done.nodes, done.relationships) == (95, 95)
    assert db.execute("MATCH (n)-->(m) WHERE n.n / 2 = m.n RETURN count(*)").value() == 95
    assert len(shares) == 20 and shares[-1] == ("relationships", 1.0) and shares == sorted(shares, key=lambda s: s[1])


BOMB = """<!DOCTYPE graphml [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>
<graphml><graph><node id="&b;"/></graph></graphml>"""


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (BOMB, r"g\.graphml:1: the file declares the entity `a`"),
        ('<!DOCTYPE graphml [<!ENTITY x SYSTEM "file:///etc/passwd">]><graphml/>', "declares the entity `x`"),
        ('<!DOCTYPE graphml [<!ENTITY % x "y">]><graphml/>', "declares the entity `x`"),
        ("<graphml><graph>&x;</graph></graphml>", "g.graphml:1: not XML"),
        ("<graphml>\n<graph>\n<node></graphml>", r"g\.graphml:3: not XML \(column \d+\): mismatched tag"),
        ("<graphml>", "not XML"),
        ("", "not XML"),
        ("<html></html>", "not GraphML, for it begins with <html>"),
        ('<graphml><key id="a" attr.type="colour"/></graphml>', "the key `a` has an unknown type `colour`"),
        ('<graphml><key id="a" attr.memql="colour"/></graphml>', "unknown type `colour`"),
        ('<graphml><key id="a" attr.type="int"><default>x</default></key></graphml>', "the default of the key `a`"),
    ],
)
def test_a_file_that_is_not_what_it_should_be(db, tmp_path, text, message):
    with pytest.raises(ArgumentError, match=message):
        db.import_graphml(a_file(tmp_path, text))
    assert db.execute("MATCH (n) RETURN count(*)").value() == 0


def test_a_document_type_without_entities_is_no_harm(db, tmp_path):
    assert (
        db.import_graphml(a_file(tmp_path, "<!DOCTYPE graphml SYSTEM 'x.dtd'>" + wrapped('<node id="1"/>'))).nodes == 1
    )


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('<node id="2"><data key="n">x</data></node>', "`n`: 'x' is not an integer"),
        ('<node id="2"><data key="?">x</data></node>', "there is no <key> `\\?`"),
        ('<node id="1"/>', "the id '1' is there already"),
        ('<edge source="1" target="7"/>', "there is no node '7'"),
        ('<edge source="1"/>', "the end is missing"),
        ("<hyperedge/>", "there are no relationships between more than two nodes"),
    ],
)
def test_an_element_that_is_bad_is_said_by_its_line(db, tmp_path, line, message):
    path = a_file(tmp_path, wrapped('<node id="1"/>\n' + line))
    with pytest.raises(TooManyBadRows, match=rf"g\.graphml:3: {message}"):
        db.import_graphml(path)
    assert db.import_graphml(path, bad_tolerance=1, resume=False).bad_rows == 1


def test_an_element_has_only_so_much_text(db, tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "IMPORT_RECORD_BYTES_MAX", 100)
    monkeypatch.setattr(graphml, "_CHUNK_BYTES", 50)
    with pytest.raises(LimitError, match="more than 100 characters"):
        db.import_graphml(a_file(tmp_path, wrapped(f'<node id="1"><data key="n">{"1" * 500}</data></node>')))
