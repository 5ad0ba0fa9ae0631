"""No argument, of whatever type, brings a function down: it answers a value or raises one of our errors."""

import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import memoradb
from memoradb.core.clock import ManualClock
from memoradb.core.errors import MemoraDBError
from memoradb.core.rng import SeededRandom
from memoradb.core.semantics import type_name
from memoradb.core.values import NodeRef, RelationshipRef
from memoradb.memql.bind.types import Type
from memoradb.memql.exec.context import Context
from memoradb.memql.functions.registry import all_functions
from memoradb.memql.parameters import type_of

sys.path.insert(0, str(Path(__file__).parents[2] / "core"))
from core_values import storable, strings  # pyright: ignore[reportMissingImports]

DATABASE = memoradb.open(None)
SCALAR = [f for f in all_functions() if not f.aggregate]
UNITS = st.sampled_from(["year", "day", "hour", "EUCLIDEAN", "HALF_UP", "NFC", "[1]", "P1D", "2020-01-01", "+01:00"])
arguments = st.lists(
    st.one_of(storable, strings, UNITS, st.sampled_from([NodeRef(0), NodeRef(1), RelationshipRef(0)])),
    max_size=4,
)


@pytest.fixture(scope="module")
def context():
    db = memoradb.open(None)
    db.execute("CREATE (:A {x: 1})-[:R]->(:B)")
    return Context(
        view=db.snapshot(),
        parameters={},
        clock=ManualClock(0),
        now_ns=0,
        random=SeededRandom(1),
        functions=db.query_engine.functions,
        procedures=db.query_engine.procedures,
    )


@pytest.mark.parametrize("definition", SCALAR, ids=lambda f: f.name)
@settings(max_examples=12)
@given(given_arguments=arguments)
def test_any_arguments_give_a_value_or_an_error_of_ours(definition, context, given_arguments):
    most = 4 if definition.variadic else len(definition.parameters)
    chosen = given_arguments[:most]
    if len(chosen) < definition.required:
        chosen += [1] * (definition.required - len(chosen))
    if definition.null_propagates and None in chosen:
        return
    before = [context] if definition.needs_context else []
    try:
        value = definition.evaluate(*before, *chosen)
    except MemoraDBError:
        return
    kind = type_of(value)
    assert kind == Type.ANY or kind & definition.result, f"{type_name(value)} is not of {definition.signature}"


@given(st.sampled_from([f for f in SCALAR if f.null_propagates and f.parameters]), st.data())
def test_null_in_any_place_is_null_out(definition, data):
    place = data.draw(st.integers(0, len(definition.parameters) - 1))
    names = [f"$p{i}" for i in range(len(definition.parameters))]
    values = {f"p{i}": None if i == place else 1 for i in range(len(names))}
    if definition.name in ("index", "property"):
        return  # written with brackets or a dot
    assert DATABASE.execute(f"RETURN {definition.name}({', '.join(names)}) AS x", values).value() is None
