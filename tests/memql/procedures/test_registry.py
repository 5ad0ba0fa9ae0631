"""Procedures: signatures, arguments and what comes back."""

import pytest

import memoradb
from memoradb.core.errors import ConfigurationError, ProcedureError, TypeMismatch
from memoradb.memql.procedures.registry import ProcedureRegistry, parse_type


@pytest.fixture
def db():
    with memoradb.open(None) as database:
        yield database


def test_a_procedure_gives_rows_beside_each_input_row(db):
    db.register_procedure("my.twice", [("x", "INTEGER?")], [("y", "INTEGER?")], lambda x: [{"y": x}, {"y": x}])
    assert db.execute("UNWIND [1, null] AS x CALL my.twice(x) YIELD y RETURN x, y").rows == [
        (1, 1),
        (1, 1),
        (None, None),
        (None, None),
    ]


def test_a_void_procedure_keeps_its_rows(db):
    seen = []
    db.register_procedure("my.note", [("x", "ANY?")], [], seen.append)
    assert db.execute("UNWIND [1, 2] AS x CALL my.note(x) RETURN x").rows == [(1,), (2,)]
    assert seen == [1, 2]


def test_whole_numbers_become_floats_where_floats_are_wanted(db):
    db.register_procedure("my.type", [("x", "FLOAT")], [("t", "STRING")], lambda x: [{"t": type(x).__name__}])
    assert db.execute("CALL my.type($x) YIELD t RETURN t", {"x": 2}).rows == [("float",)]


@pytest.mark.parametrize(("type", "value"), [("INTEGER", "a"), ("STRING?", 1), ("LIST<INTEGER>", 1), ("NODE", 1)])
def test_a_parameter_of_the_wrong_type_is_an_error_when_the_statement_runs(db, type, value):
    db.register_procedure("my.any", [("x", type)], [("y", "ANY?")], lambda x: [{"y": x}])
    with pytest.raises(TypeMismatch):
        db.execute("CALL my.any($x) YIELD y RETURN y", {"x": value})


def test_a_node_is_handed_to_a_procedure_as_a_value(db):
    db.execute("CREATE (:A {k: 1})")
    db.register_procedure("my.k", [("n", "NODE")], [("k", "INTEGER")], lambda n: [{"k": n["k"]}])
    assert db.execute("MATCH (n:A) CALL my.k(n) YIELD k RETURN k").rows == [(1,)]


def test_a_failure_inside_a_procedure_names_it(db):
    db.register_procedure("my.bad", [], [("y", "INTEGER")], lambda: 1 // 0)
    with pytest.raises(ProcedureError, match=r"my\.bad.*ZeroDivisionError"):
        db.execute("CALL my.bad() YIELD y RETURN y")


def test_an_unknown_type_is_refused():
    with pytest.raises(ConfigurationError):
        parse_type("NUMERAL")


def test_names_are_found_in_any_case_and_built_in_ones_have_signatures():
    registry = ProcedureRegistry()
    found = registry.lookup("DB.Labels")
    assert found is not None and found.signature == "db.labels() :: (label :: STRING)"


def test_built_in_procedures_describe_the_graph(db):
    db.execute("CREATE (:A {k: 1})-[:T]->(:B)")
    assert db.execute("CALL db.labels() YIELD label RETURN label ORDER BY label").rows == [("A",), ("B",)]
    assert db.execute("CALL db.relationshipTypes() YIELD relationshipType AS t RETURN t").rows == [("T",)]
    assert db.execute("CALL db.propertyKeys() YIELD propertyKey AS k RETURN k").rows == [("k",)]
