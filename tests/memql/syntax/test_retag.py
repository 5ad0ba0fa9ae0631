"""Words, brackets and bars by context: the hard cases, each way."""

from __future__ import annotations

import pytest

from memoradb.core.errors import MemQLSyntaxError, UnsupportedFeature
from memoradb.memql.syntax import ast as a
from memoradb.memql.syntax import ast_expr as e
from memoradb.memql.syntax import ast_pattern as p
from memoradb.memql.syntax.parser import parse, parse_expression


def kind(text: str) -> str:
    return type(parse_expression(text)).__name__


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("(a)-[r]->(b)", "PatternExpression"),
        ("(a)-->(b)", "PatternExpression"),
        ("(a)<--(b)", "PatternExpression"),
        ("(a:A {k: 1})--()", "PatternExpression"),
        ("(a) - (b)", "Binary"),
        ("(a) - b", "Binary"),
        ("(a) < -1", "Comparison"),
        ("a<-1", "Comparison"),
        ("(a + b) - [1][0]", "Binary"),
        ("[a, b]", "ListLiteral"),
        ("[a IN b]", "ListComprehension"),
        ("[a IN b | c]", "ListComprehension"),
        ("[(a IN b)]", "ListLiteral"),
        ("[(a)-->(b) | b]", "PatternComprehension"),
        ("[p = (a)-->(b) | p]", "PatternComprehension"),
        ("[(a)-->(b)]", "ListLiteral"),
        ("l[a IN b]", "Index"),
        ("n {.a}", "MapProjection"),
        ("count {.a}", "MapProjection"),
        ("COUNT { (a)-->(b) }", "SubqueryExpression"),
        ("count(a)", "FunctionCall"),
        ("any(x IN l WHERE x)", "Quantifier"),
        ("any(l)", "FunctionCall"),
        ("reduce(a = 0, x IN l | a)", "Reduce"),
        ("reduce(l)", "FunctionCall"),
        ("a.b.c(d)", "FunctionCall"),
        ("exists { x: 1 }", "MapProjection"),
        ("a IS NOT NULL", "IsNull"),
        ("a IS :: LIST<LIST<INTEGER>>", "IsTyped"),
        ("a STARTS WITH b", "Binary"),
        ("shortestPath((a)-[*]->(b))", "PatternExpression"),
    ],
)
def test_what_an_expression_is(text: str, expected: str) -> None:
    assert kind(text) == expected


def test_a_statement_with_as_of_begins_behind_the_moment() -> None:
    for moment in (
        "$t",
        "x IS :: LOCAL DATETIME",
        "n:%",
        "2 * f(1)",
        "CASE WHEN a THEN b END",
        "a STARTS WITH b",
        "a.match",
        "n:match",
        "x IS :: LIST<INTEGER>",
    ):
        for rest in (
            "CREATE INDEX FOR (n:L) ON (n.k)",
            "SHOW INDEXES",
            "FOR x IN [1] RETURN x",
            "WITH 1 AS x RETURN x",
        ):
            statement = parse(f"AS OF {moment} {rest}")
            assert repr(statement.body) == repr(parse(rest).body)


def test_the_last_bar_of_a_comprehension_is_its_own() -> None:
    tree = parse_expression("[(a)-[:X|Y]->(b) WHERE b:(A|B) | b]")
    assert isinstance(tree, e.PatternComprehension)
    assert tree.projection == e.Variable("b")
    relationship = tree.pattern.elements[1]
    assert isinstance(relationship, p.RelationshipPattern)
    assert relationship.types == p.LabelOr((p.LabelName("X"), p.LabelName("Y")))


def test_a_label_and_a_subquery_of_the_same_name() -> None:
    parse("MATCH (n:Count {'a': 1}) RETURN n")
    parse("MATCH (n:Exists {}) RETURN n")
    tree = parse_expression("[x IN l | EXISTS { MATCH (n) RETURN n }]")
    assert isinstance(tree, e.ListComprehension)
    assert isinstance(tree.projection, e.SubqueryExpression)
    assert isinstance(parse_expression("{count: COUNT { (a)-->() }}"), e.MapLiteral)


def test_words_of_schema_commands_are_names_in_them_too() -> None:
    tree = parse("CREATE INDEX vector IF NOT EXISTS FOR (index:Range) ON (index.text)").body
    assert isinstance(tree, a.CreateIndex)
    assert (tree.name, tree.labels, tree.variable.name) == ("vector", ("Range",), "index")


def test_a_selector_or_mode_before_a_path_and_a_function_elsewhere() -> None:
    body = parse("MATCH p = ANY SHORTEST (a)-->(b), TRAIL (c)-->(d) RETURN any(x), trail(y), walk(z)").body
    assert isinstance(body, a.SingleQuery)
    match = body.clauses[0]
    assert isinstance(match, a.Match)
    assert match.patterns[0].selector == p.Selector(p.SelectorKind.ANY_SHORTEST)
    assert match.patterns[1].mode is p.PathMode.TRAIL


@pytest.mark.parametrize(
    ("text", "clause"),
    [
        ("LET x = 1 RETURN x", a.Let),
        ("FILTER true RETURN 1", a.Filter),
        ("FOR x IN [1] RETURN x", a.Unwind),
        ("INSERT (:A)", a.Create),
        ("FINISH", a.Finish),
        ("LIMIT 3 RETURN 1", a.OrderAndPage),
        ("ORDER BY 1 SKIP 2 RETURN 1", a.OrderAndPage),
        ("LOAD CSV FROM 'x' AS row RETURN row", a.LoadCsv),
    ],
)
def test_clauses_of_gql_begin_a_statement(text: str, clause: type) -> None:
    body = parse(text).body
    assert isinstance(body, a.SingleQuery)
    assert isinstance(body.clauses[0], clause)


def test_clauses_of_gql_follow_others() -> None:
    text = "MATCH (n) LET x = n.a FILTER x > 1 FOR y IN [x] ORDER BY y OFFSET 1 LIMIT 2 INSERT (:A {y: y}) FINISH"
    body = parse(text).body
    assert isinstance(body, a.SingleQuery)
    kinds = [type(c).__name__ for c in body.clauses]
    assert kinds == ["Match", "Let", "Filter", "Unwind", "OrderAndPage", "Create", "Finish"]


@pytest.mark.parametrize(
    "text",
    ["USE g RETURN 1", "RETURN 1 AS x NEXT RETURN x", "MATCH (n) USING SCAN n:A RETURN n", "RETURN 'a' IS NORMALIZED"],
)
def test_what_is_known_and_not_parsed_is_refused_by_name(text: str) -> None:
    with pytest.raises(UnsupportedFeature) as caught:
        parse(text)
    assert caught.value.position is not None


def test_a_version_in_front_is_read_over() -> None:
    assert repr(parse("CYPHER 25 RETURN 1")) == repr(parse("RETURN 1"))
    assert parse("cypher 5 explain RETURN 1").mode is a.StatementMode.EXPLAIN


def test_a_constraint_on_relationships_is_read() -> None:
    tree = parse("CREATE CONSTRAINT FOR ()-[r:KNOWS]-() REQUIRE r.id IS UNIQUE").body
    assert isinstance(tree, a.CreateConstraint)
    assert tree.on_relationship


@pytest.mark.parametrize("text", ["CONTAINS , =~ END FOREACH", "REDUCE", "RETURN reduce(", "FOREACH FOREACH"])
def test_a_word_at_the_end_that_wants_a_bracket_is_an_error_of_the_language(text: str) -> None:
    with pytest.raises(MemQLSyntaxError):
        parse(text)


def test_what_a_typed_or_labelled_item_is_called() -> None:
    body = parse("MATCH (n) RETURN n IS :: LIST<INTEGER NOT NULL> NOT NULL, n:(A|B), (n:A)").body
    assert isinstance(body, a.SingleQuery)
    last = body.clauses[-1]
    assert isinstance(last, a.Return)
    names = [item.text for item in last.projection.items]
    assert names == ["n IS :: LIST<INTEGER NOT NULL> NOT NULL", "n:(A|B)", "(n:A)"]
