from hypothesis import given
from hypothesis import strategies as st

import memoradb
from memoradb.core.serde import encode
from memoradb.fuzz.oracles.reference.interpreter import Reference
from memoradb.fuzz.strategies.drawing import RandomDraw
from memoradb.fuzz.strategies.given import values
from memoradb.fuzz.strategies.values import VALUES, generate_value, literal_text, text_of


def test_written_values_read_the_same():
    with memoradb.open(None) as database:
        for i in range(40):
            for kind in VALUES:
                value = generate_value(RandomDraw(f"{kind} {i}"), kind)
                found = database.execute(f"RETURN {text_of(value)}").rows[0][0]
                assert encode(found) == encode(value), text_of(value)


@given(st.recursive(st.none() | st.booleans() | st.integers(-9, 9) | st.text(), st.lists, max_leaves=5))
def test_any_text_is_written_so_that_it_reads_the_same(value):
    # Through the interpreter: opening a database for each example would cost more than all the rest.
    assert Reference().execute(f"RETURN {text_of(value)}").rows[0][0] == value


def test_every_literal_is_one():
    with memoradb.open(None) as database:
        for i in range(60):
            for kind in VALUES:
                database.execute(f"RETURN {literal_text(RandomDraw(f'{kind} {i}'), kind)}")


@given(values())
def test_hypothesis_draws_values_too(value):
    assert text_of(value)
