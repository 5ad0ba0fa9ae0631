import pytest

from memoradb.core.errors import ConfigurationError
from memoradb.fuzz.oracles.agreement import Finding
from memoradb.fuzz.script import read_script, script_of
from memoradb.fuzz.strategies.drawing import RandomDraw
from memoradb.fuzz.strategies.graphs import generate_graph
from memoradb.fuzz.strategies.queries import Query, generate_query
from memoradb.fuzz.strategies.values import text_of

FINDING = Finding("reference", "Answers differ.", "1 rows\n1", "0 rows")


def test_a_script_says_everything_by_itself(tmp_path):
    for i in range(25):
        graph, query = generate_graph(RandomDraw(f"g{i}")).statement(), generate_query(RandomDraw(f"q{i}"))
        path = tmp_path / f"{i}.mql"
        path.write_text(script_of(graph, query, FINDING).text(), "utf-8")
        read = read_script(path)
        assert read.graph == graph
        assert read.query.text == query.text
        assert text_of(read.query.parameters) == text_of(query.parameters)


def test_whether_a_query_writes_is_read_from_it(tmp_path):
    path = tmp_path / "w.mql"
    for text, writes in (("CREATE (n)", True), ("CALL { CREATE (n) }", True), ("MATCH (n) RETURN n", False)):
        path.write_text(script_of("", Query(text), FINDING).text(), "utf-8")
        assert read_script(path).query.writes is writes


def test_a_file_that_is_no_script_is_refused(tmp_path):
    path = tmp_path / "other.mql"
    path.write_text("MATCH (n) RETURN n", "utf-8")
    with pytest.raises(ConfigurationError, match="is no fuzz script"):
        read_script(path)
