"""A column's name is its text as written, whatever literals the plan cache lifts out of the statement."""

import pytest

import memoradb
from memoradb.memql.syntax.fingerprint import fingerprint


@pytest.mark.parametrize(
    "item",
    [
        "all(x IN [1] WHERE x > 0)",
        "[x IN [1, 2] WHERE x = 1 | {a: 1}]",
        "EXISTS { MATCH (n {id: 3}) WHERE n.x = 'a' }",
        "COUNT { MATCH (n) WHERE n.x = 2 RETURN n }",
        "any(x IN [[1]] WHERE any(y IN x WHERE y = 1))",
    ],
)
def test_literals_inside_an_item_of_return_stay_in_its_name(item: str) -> None:
    database = memoradb.open()
    assert database.execute(f"RETURN {item}").columns == (item,)
    both = database.execute(f"MATCH (n) WHERE n.x = 1 RETURN {item}, {{b: 2}}.b")
    assert both.columns == (item, "{b: 2}.b")


def test_after_a_bracket_the_clause_around_it_goes_on() -> None:
    text = "MATCH (n) WHERE EXISTS { MATCH (m {id: 3}) RETURN 4 } AND n.y = 2 RETURN n"
    assert fingerprint(text).parameters == {"  0i": 3, "  1i": 2}
