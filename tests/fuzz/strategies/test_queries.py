from memoradb.fuzz.strategies.drawing import RandomDraw
from memoradb.fuzz.strategies.queries import generate_query
from memoradb.memql.syntax.parser import parse


def test_every_query_parses():
    for i in range(300):
        parse(generate_query(RandomDraw(f"parses {i}")).text)


def test_parameters_are_given_where_they_are_named():
    for i in range(300):
        query = generate_query(RandomDraw(f"parameters {i}"))
        assert all(f"${name}" in query.text for name in query.parameters)
