from memoradb.fuzz.coverage import CLAUSES, FORMS, OPERATORS, Coverage, functions
from memoradb.memql.syntax.parser import parse


def names(text):
    coverage = Coverage()
    coverage.note(parse(text))
    return set(coverage.counts)


def test_a_statement_counts_once_for_each_name():
    coverage = Coverage()
    coverage.note(parse("RETURN size('a') + size('b') AS x"))
    coverage.note_rules(["fold_constants"])
    assert coverage.counts["function", "size"] == 1
    assert coverage.counts["operator", "+"] == 1
    assert coverage.counts["rule", "fold_constants"] == 1


def test_patterns_are_seen_in_all_their_forms():
    found = names("MATCH p = (a:A|B {x: 1})<-[:R*1..2]-(b:!C), q = shortestPath((a)-[*]->(b)) RETURN p")
    wanted = {"named path", "property map", "variable length", "<-", "->", "|", "!", "shortestPath()"}
    assert {("form", form) for form in wanted} <= found


def test_clauses_are_seen():
    found = names("OPTIONAL MATCH (n) WHERE n.x > 1 WITH DISTINCT n ORDER BY n SKIP 1 LIMIT 2 DETACH DELETE n")
    wanted = {"OPTIONAL MATCH", "WHERE", "WITH", "DISTINCT", "ORDER BY", "SKIP", "LIMIT", "DETACH DELETE"}
    assert {("clause", clause) for clause in wanted} <= found


def test_the_table_names_everything_and_marks_what_is_rare():
    coverage = Coverage()
    coverage.note(parse("MATCH (n) RETURN n"))
    text = coverage.text(wanted=1)
    for name in (*CLAUSES, *OPERATORS, *FORMS, *functions()):
        assert name in text
    assert "MATCH 1," in text
    assert "UNION 0!" in text
