"""Generated queries that make one rewrite rule, physical alternative or kernel fire.

``BIASED`` has a generator for each name of ``rewrite.switches``. It is given a ``Pieces``, which draws names, patterns,
conditions and values over the fuzz vocabulary (labels A, B, C; types R, S, T; keys x, y: int, s: str, f: float, b:
bool, l: list of int, d: date, m: anything, id: unique), and returns the text. Not every text must make its switch fire,
but at least one in ten does, and a switch that never fires fails the test. ``SCHEMA`` stands on half of the graphs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

from memoradb.fuzz.strategies.drawing import Draw
from memoradb.fuzz.strategies.expressions import Expressions
from memoradb.fuzz.strategies.patterns import Patterns
from memoradb.fuzz.strategies.projections import Projections

SCHEMA: Final = (
    "CREATE CONSTRAINT each_id FOR (n:A) REQUIRE n.id IS UNIQUE",
    "CREATE CONSTRAINT each_id_there FOR (n:A) REQUIRE n.id IS NOT NULL",
    "CREATE CONSTRAINT each_id_of_b FOR (n:B) REQUIRE n.id IS NOT NULL",
    "CREATE INDEX each_number FOR (n:A) ON (n.x)",
    "CREATE INDEX each_text FOR (n:B) ON (n.s)",
    "CREATE INDEX each_related FOR ()-[r:R]-() ON (r.x)",
    "CREATE VECTOR INDEX each_cosine FOR (n:A) ON (n.v) OPTIONS {indexConfig: {`vector.dimensions`: 2, "
    "`vector.similarity_function`: 'cosine'}}",
)


class Pieces:
    """Draws the parts that generators put together."""

    def __init__(self, draw: Draw) -> None:
        self.draw = draw
        self.expressions = Expressions(draw)
        self.patterns = Patterns(draw, self.expressions)
        self.projections = Projections(draw, self.expressions)
        self.one = draw.choice
        self.chance = draw.chance

    def label(self) -> str:
        """``:A`` and its like, or nothing."""
        return self.draw.weighted(((4, ""), (3, ":A"), (2, ":B"), (1, ":C"), (1, ":A:B")))

    def arrow(self, name: str = "") -> str:
        """A relationship of any direction, ``name`` in it."""
        inside = f"[{name}{self.draw.weighted(((3, ''), (3, ':R'), (2, ':S'), (1, ':R|S'), (1, ':T')))}]"
        left, right = self.draw.weighted(((5, ("-", "->")), (3, ("<-", "-")), (2, ("-", "-"))))
        return f"{left}{inside}{right}"

    def hop(self, source: str, target: str, name: str = "") -> str:
        """``(source)-[name]->(target)``; the target may have a label."""
        return f"({source}){self.arrow(name)}({target}{self.label()})"

    def chain(self, *names: str) -> str:
        """A path through these nodes."""
        return f"({names[0]}{self.label()})" + "".join(f"{self.arrow()}({n}{self.label()})" for n in names[1:])

    def simple(self, variable: str) -> str:
        """A condition on a node that cannot fail."""
        return self.one(
            (
                f"{variable}.x > {self.draw.integer(-1, 3)}",
                f"{variable}.x <= {self.draw.integer(0, 4)}",
                f"{variable}.s CONTAINS 'a'",
                f"{variable}.b",
                f"{variable}.y <> {self.draw.integer(0, 3)}",
                f"{variable}:B",
                f"NOT {variable}.x = 1",
                f"{variable}.m IS NOT NULL",
                f"{variable}.x = $p",
                f"{variable}.x IN [0, 1, 2]",
                f"({variable}.x = 1 OR {variable}.y > 0)",
                f"({variable}.f > 0.5 AND {variable}.x >= 0)",
                f"{variable}.d IS NULL",
                f"{variable}.m = {variable}.x",
            )
        ).replace(f"{variable}.b", f"{variable}.b = true")

    def condition(self, **kinds: str) -> str:
        """Any condition over these variables; it may fail."""
        return self.expressions.where(kinds, self.draw.integer(0, 2))

    def either(self, variable: str) -> str:
        """A simple condition, or now and then any."""
        return self.condition(**{variable: "node"}) if self.chance(20) else self.simple(variable)

    def value(self, variable: str) -> str:
        """A value of a node."""
        key = self.one(("x", "y", "s", "f", "b", "l", "d", "m", "id"))
        return f"{variable}.{key}"

    def page(self, keys: str) -> str:
        """ORDER BY and what may follow."""
        text = f" ORDER BY {keys}{self.one(('', ' DESC'))}"
        if self.chance(30):
            text += f" SKIP {self.draw.integer(0, 2)}"
        return text + f" LIMIT {self.draw.integer(0, 4)}"


Biased: TypeAlias = Callable[[Pieces], str]


# --- rules -------------------------------------------------------------------


def fold_constants(p: Pieces) -> str:
    number = f"{p.draw.integer(0, 9)} {p.one('+-*')} {p.draw.integer(0, 5)}"
    shown = f"{number} AS c, -({number}) * n.x AS d"
    return f"MATCH (n{p.label()}) WHERE n.x < $p + {number} OR {p.either('n')} RETURN {shown}"


def simplify_predicates(p: Pieces) -> str:
    joined = p.one((f"{p.either('n')} AND true", f"{p.either('n')} OR false", f"true AND ({p.simple('n')})"))
    return f"MATCH (n) WHERE {joined} AND NOT NOT ({p.simple('n')} OR {p.simple('n')}) RETURN {p.value('n')} AS c"


def push_filter_down(p: Pieces) -> str:
    more = p.one(("", ", n.y AS y", ", n.x * 2 AS y", ", size(labels(n)) AS y"))
    test = p.one((p.either("n"), p.simple("n") + " AND x > 0", "x = 1", "x IS NOT NULL AND " + p.simple("n")))
    between = p.one(("", "", "UNWIND [1, 2] AS u\n", f"OPTIONAL MATCH {p.hop('n', 'o')}\n"))
    return (
        f"MATCH {p.chain('n', 'k')[:99]}\n{between}WITH n, n.x AS x{more} WHERE {test}\nRETURN x, {p.value('n')} AS c"
    )


def merge_matches(p: Pieces) -> str:
    kept = p.one(("WITH a, b\n", "WITH b\n", ""))
    first = f"MATCH {p.hop('a', 'b')} WHERE {p.simple('a')}\n"
    return f"{first}{kept}MATCH {p.hop('b', 'c')}\nRETURN {p.value('b')} AS v, {p.value('c')} AS w"


def drop_existing_not_null(p: Pieces) -> str:
    return f"MATCH (n:A)-->(m:B) WHERE n.id IS NOT NULL AND m.id IS NOT NULL AND {p.either('m')} RETURN count(*) AS c"


def remove_redundant_distinct(p: Pieces) -> str:
    return p.one(
        (
            f"MATCH {p.chain('n', 'm')} RETURN DISTINCT {p.value('n')} AS k, count(*) AS c",
            f"MATCH {p.chain('n', 'm')} WITH DISTINCT n WITH DISTINCT n RETURN {p.value('n')} AS c",
            f"MATCH (n:A) WHERE {p.either('n')} RETURN DISTINCT n.id AS i, {p.value('n')} AS c",
            f"MATCH (n{p.label()}) WHERE {p.either('n')} RETURN DISTINCT n, n.x AS x",
            f"MATCH {p.chain('n', 'm')} RETURN n.id AS i, max(DISTINCT m.x) AS a, min(DISTINCT m.m) AS b",
        )
    )


def count_never_null(p: Pieces) -> str:
    counted = p.one(("n", "m", "r", "n.id", "m.id"))
    return f"MATCH (n:A){p.arrow('r')}(m{p.label()}) RETURN {p.value('n')} AS k, count({counted}) AS c"


def group_by_element(p: Pieces) -> str:
    return f"MATCH (n:A){p.arrow()}(m) RETURN n.id AS i, {p.value('n')} AS k, count(*) AS c, sum(m.x) AS s"


def order_by_limit_to_top(p: Pieces) -> str:
    return f"MATCH {p.chain('n', 'm')} RETURN n.id AS i, m.id AS j, {p.value('n')} AS c{p.page('n.x, i, j')}"


def order_by_distance_to_knn(p: Pieces) -> str:
    where = p.one((" WHERE n.v IS NOT NULL", " WHERE n.v IS NOT NULL", ""))
    similarity = f"vector.similarity.cosine(n.v, {p.one(('$near', '$near', '[1.0, 2.0]'))})"
    return f"MATCH (n:A){where} RETURN n.id AS i ORDER BY {similarity} DESC LIMIT {p.draw.integer(1, 4)}"


def fetch_after_top(p: Pieces) -> str:
    later = p.one((p.value("n"), f"COUNT {{ {p.hop('n', '')} }}", f"EXISTS {{ {p.hop('n', '')} }}"))
    return f"MATCH (n{p.label()}) WHERE {p.either('n')} RETURN n.id AS i, {later} AS c, n.x AS d{p.page('i')}"


def merge_projections(p: Pieces) -> str:
    return f"MATCH {p.chain('n', 'm')} WITH n, m.x + 1 AS y, {p.value('m')} AS z RETURN y, z, {p.value('n')} AS c"


def call_to_count(p: Pieces) -> str:
    call = f"CALL (n) {{ MATCH {p.hop('n', 'm')} WHERE {p.either('m')} RETURN count({p.one(('*', 'm'))}) AS c }}"
    rest = p.one(("RETURN n.id AS i, c", "WITH n, c WHERE c > 0 RETURN n.id AS i", f"RETURN n.id AS i, c{p.page('i')}"))
    return f"MATCH (n{p.label()}) WHERE {p.simple('n')}\n{call}\n{rest}"


def size_to_count(p: Pieces) -> str:
    where = f" WHERE {p.either('m')}" if p.chance(50) else ""
    listed = p.one(
        (f"[{p.hop('n', 'm')}{where} | {p.value('m')}]", f"COLLECT {{ MATCH {p.hop('n', 'm')}{where} RETURN m.x }}")
    )
    return f"MATCH (n{p.label()}) RETURN n.id AS i, size({listed}) {p.one(('AS c', '> 0 AS c', '= 1 AS c'))}"


def count_to_exists(p: Pieces) -> str:
    where = f" WHERE {p.either('m')}" if p.chance(60) else ""
    count = f"COUNT {{ {p.hop('n', 'm')}{where} }}"
    test = p.one(
        (
            f"{count} > 0",
            f"{count} = 0",
            f"0 < {count}",
            f"{count} >= 1",
            f"{count} < 1",
            f"{count} <> 0",
            f"{count} > 1",
        )
    )
    return f"MATCH (n{p.label()}) WHERE {test} OR n.x = 1 RETURN n.id AS i, {test} AS b"


def simplify_exists(p: Pieces) -> str:
    more = p.one(("", f" ORDER BY {p.value('m')}", " LIMIT 2", " SKIP 1", " SKIP 1 LIMIT 1"))
    shown = p.one(("m", "DISTINCT m.x", "m.x AS x, m", "1 / m.x", "DISTINCT 1 / m.x", "count(m)"))
    more = (
        ""
        if "1 /" in shown or "count" in shown
        else more.replace("ORDER BY m", "ORDER BY m" if shown == "m" else "ORDER BY 1 + 0 *")
    )
    inner = f"MATCH {p.hop('n', 'm')} WHERE {p.either('m')} RETURN {shown}{more if shown == 'm' else ''}"
    return f"MATCH (n{p.label()}) RETURN n.id AS i, EXISTS {{ {inner} }} AS b"


def push_filter_below_grouping(p: Pieces) -> str:
    test = p.one((p.simple("n"), "k > 1", "k = 1", "k IS NULL", "k IN [0, 1, 1.0]", "c > 1 AND k < 3", "k <> 'a'"))
    key = p.one((p.value("n"), "n.m", "n.x"))
    head = f"MATCH {p.chain('n', 'm')}\n"
    if p.chance(40):
        return f"{head}WITH DISTINCT n, {key} AS k WHERE {test.replace('c > 1 AND', '')} RETURN n.id AS i, k"
    aggregate = p.one(("count(*)", "count(m)", "max(m.x)", "collect(m.id)", "sum(m.x)"))
    return f"{head}WITH n, {key} AS k, {aggregate} AS c WHERE {test} RETURN n.id AS i, k, size(toString(c)) AS c"


def push_filter_below_rows(p: Pieces) -> str:
    test = f"{p.either('n')} AND {p.either('n')}"
    if p.chance(50):
        items = p.one(("[1, 2]", "[]", "n.l", "[n.x, null]", "null", "[1 / n.x]"))
        return f"MATCH {p.chain('n', 'm')} UNWIND {items} AS u WITH n, u WHERE {test} RETURN n.id AS i, u"
    key = p.one((p.value("n"), "n.id", "n.x + 1", "1 / n.x"))
    return f"MATCH {p.chain('n', 'm')} WITH n ORDER BY {key} WITH n WHERE {test} RETURN n.id AS i, n.x AS x"


def push_filter_into_union(p: Pieces) -> str:
    word = p.one(("UNION", "UNION ALL"))
    value = p.one(("x", "m", "f"))
    parts = (
        f"MATCH (a{p.label()}) RETURN a.{value} AS v {word} MATCH (b{p.label()}) WHERE {p.simple('b')} RETURN b.x AS v"
    )
    test = p.one(("v > 1", "v = 1", "v IS NULL", "v IN [1, 2]", "v < 3 OR v > 4", "toString(v) = '1'"))
    return f"CALL () {{ {parts} }} WITH v WHERE {test} RETURN v"


def optional_to_match(p: Pieces) -> str:
    test = p.one(
        (
            p.simple("m"),
            "m IS NOT NULL",
            f"{p.simple('n')} AND {p.simple('m')}",
            f"{p.either('n')} AND m:B",
            "m.x = n.x",
        )
    )
    return f"MATCH (n{p.label()}) OPTIONAL MATCH {p.hop('n', 'm')} WITH n, m WHERE {test} RETURN n.id AS i, m.id AS j"


def push_filter_past_apply(p: Pieces) -> str:
    test = " AND ".join(p.either(p.one(("n", "m"))) for _ in range(p.draw.integer(1, 3)))
    inner = f"MATCH {p.hop('n', 'm')} WHERE {p.either('m')}"
    if p.chance(60):
        return f"MATCH (n{p.label()}) OPTIONAL {inner} WITH n, m WHERE {test} RETURN n.id AS i, m.id AS j"
    shown = p.one(("m", "DISTINCT m", "m ORDER BY m.id"))
    return (
        f"MATCH (n{p.label()}) CALL (n) {{ {inner} RETURN {shown} }} WITH n, m WHERE {test} RETURN n.id AS i, m.id AS j"
    )


def unnest_apply(p: Pieces) -> str:
    inner = p.one(
        (
            f"MATCH {p.hop('n', 'm')} WHERE {p.either('m')} RETURN m, {p.value('m')} AS v",
            f"UNWIND [1, n.x] AS u MATCH {p.hop('n', 'm')} RETURN m, u AS v",
            f"MATCH {p.hop('n', 'k')} MATCH {p.hop('k', 'm')} WITH k, m WHERE {p.either('k')} RETURN m, k.x AS v",
            f"MATCH (m{p.label()}) WHERE m.x = n.x RETURN m, m.y AS v",
        )
    )
    rest = p.one(("", f"MATCH {p.hop('m', 'o')}\n", f"WITH n, m, v WHERE {p.either('m')}\n"))
    call = p.one((f"CALL (n) {{ {inner} }}", f"CALL {{ WITH n {inner} }}"))
    return f"MATCH (n{p.label()}) WHERE {p.simple('n')}\n{call}\n{rest}RETURN n.id AS i, m.id AS j, v"


def label_tests_to_pattern(p: Pieces) -> str:
    test = p.one(("n:A", "n:A:B", "n:A&B", "m:C", "n:A|B", "NOT n:A", "n:!A", "n:A AND m:B"))
    return f"MATCH {p.chain('n', 'm')} WHERE {test} AND {p.either('n')} RETURN n.id AS i, m.id AS j"


def transitive_equalities(p: Pieces) -> str:
    key, other = p.one(("x", "y", "m", "s")), p.one(("x", "m", "f"))
    value = p.one(("1", "2", "1.0", "$p", "'a'", "[1]", "null"))
    join, constant = f"n.{key} = m.{other}", p.one((f"m.{other} = {value}", f"{value} = n.{key}"))
    test = p.one((f"{join} AND {constant}", f"{constant} AND {join}"))
    return f"MATCH {p.chain('n', 'm')} WHERE {test} RETURN n.id AS i, m.id AS j"


def count_distinct_element(p: Pieces) -> str:
    counts = "count(DISTINCT n.id) AS c, count(DISTINCT m.id) AS d"
    return f"MATCH (n:A){p.arrow()}(m{p.label()}) RETURN {p.value('m')} AS k, {counts}"


def count_optional_hits(p: Pieces) -> str:
    where = f" WHERE {p.either('m')}" if p.chance(40) else ""
    other = f"\nOPTIONAL MATCH {p.hop(p.one(('n', 'm')), 'o')}" if p.chance(40) else ""
    key = p.one(("n.id AS i, ", f"{p.value('n')} AS i, ", "", "m.x AS i, "))
    more = p.one(("", ", count(*) AS d", ", count(r) AS d", ", count(DISTINCT m) AS d", ", sum(m.x) AS d"))
    return f"MATCH (n{p.label()}) OPTIONAL MATCH {p.hop('n', 'm', 'r')}{where}{other}\nRETURN {key}count(m) AS c{more}"


def push_top_down(p: Pieces) -> str:
    where = f" WHERE {p.either('m')}" if p.chance(40) else ""
    other = f" OPTIONAL MATCH {p.hop('m', 'o')}" if p.chance(40) else ""
    keys = p.one(("n.id", "n.x, n.id", "n.id, m.id"))
    # Ties are cut by what is unique, so that it is sure which rows are shown.
    total = f"{keys}, m.id{', o.id' if other else ''}"
    shown = "n.id AS i, m.id AS j" + (", o.id AS k" if other else "")
    head = f"MATCH (n{p.label()}) OPTIONAL MATCH {p.hop('n', 'm', 'r')}{where}{other}\n"
    if p.chance(70):
        again = "WITH DISTINCT n, n.x AS x, n.id AS i OPTIONAL MATCH (n)-->({id: -1})"
        return f"{head}{again} RETURN i, x{p.page('x, i')}"
    return f"{head}RETURN {shown}{p.page(total)}"


def push_limit_down(p: Pieces) -> str:
    value = p.one((f"COUNT {{ {p.hop('n', '')} }}", f"[{p.hop('n', 'm')} | m.x]", p.value("n"), "1 / n.x"))
    limit = p.one(("LIMIT 0", "LIMIT 1", "LIMIT 20", "LIMIT 2", "SKIP 1 LIMIT 9"))
    forms = (
        f"MATCH (n{p.label()}) RETURN n.id IS NULL AS i, size(toString({value})) >= 0 AS v {limit}",
        f"MATCH (n{p.label()}) OPTIONAL MATCH {p.hop('n', 'o')} RETURN 1 AS i {limit}",
        f"CALL () {{ MATCH (n:A) RETURN n UNION ALL MATCH (n:B) RETURN n }} RETURN n IS NULL AS i {limit}",
    )
    return p.one(forms)


def order_terms(p: Pieces) -> str:
    terms = [p.either("n") for _ in range(p.draw.integer(1, 2))]
    terms.insert(p.draw.integer(0, len(terms)), f"EXISTS {{ {p.hop('n', '')} }}")
    terms.append(p.one(("n.s CONTAINS 'a'", "n.x = 1", "n.s =~ 'a.*'", "1 / n.x > 0")))
    test, shown = " AND ".join(terms), " AND ".join(terms[:2])
    head = f"MATCH (n{p.label()}) WITH n, n.x AS x ORDER BY n.id LIMIT 9"
    return f"{head} WHERE {test} RETURN n.id AS i, {shown} AS b"


# --- physical alternatives ---------------------------------------------------


def fold_patterns(p: Pieces) -> str:
    names = ("a", "b", "c", "d")[: p.draw.integer(2, 4)]
    where = f" WHERE {p.simple(p.one(names))}" if p.chance(60) else ""
    other = f", {p.hop('b', 'e')}" if p.chance(30) else ""
    key = p.one(("", f"{p.value(names[-1])} AS k, ", "b AS k, "))
    return f"MATCH {p.chain(*names)}{other}{where} RETURN {key}count(*) AS c"


def run_once(p: Pieces) -> str:
    inner = f"MATCH {p.chain('a', 'b')} WHERE {p.either('a')}"
    call = f"CALL () {{ {inner} RETURN a.x AS x, count(*) AS c ORDER BY x LIMIT {p.draw.integer(0, 3)} }}\n"
    clause, shown = p.one(((call, "x"), (f"OPTIONAL {inner}\n", "a.id"), ("", "1")))
    other = f"MATCH {p.chain('o', 'q')} WHERE {p.either('o')}"
    values = (f"EXISTS {{ {other} }}", f"COUNT {{ {other} }}", f"COLLECT {{ {other} RETURN o.id AS v ORDER BY v }}")
    return f"MATCH (n{p.label()}) WHERE {p.simple('n')}\n{clause}RETURN n.id AS i, {shown} AS v, {p.one(values)} AS w"


def hash_join(p: Pieces) -> str:
    a, b = p.one((("n.x", "m.x"), ("n.m", "m.x"), ("n.s", "m.s"), ("n.id", "m.x"), ("k.x", "o.y")))
    parts = f"{p.chain('n', 'k')}, {p.chain('m', 'o')}"
    return f"MATCH {parts} WHERE {a} = {b} AND {p.either('n')} RETURN n.id AS i, m.id AS j"


def multiway_intersection(p: Pieces) -> str:
    cycle = f"(a{p.label()}){p.arrow('r')}(b){p.arrow()}(c{p.label()}), (a){p.arrow()}(c)"
    more = f", (c){p.arrow()}(d), (d){p.arrow()}(a)" if p.chance(30) else ""
    shown = p.one(
        ("a.id AS i, b.id AS j, c.id AS k", "count(*) AS c", "a.id AS i, count(*) AS c", "type(r) AS t, c.id AS k")
    )
    return f"MATCH {cycle}{more} WHERE {p.simple(p.one(('a', 'b', 'c')))} RETURN {shown}"


def expand_into(p: Pieces) -> str:
    return multiway_intersection(p)


def expand_halves(p: Pieces) -> str:
    return hash_join(p) if p.chance(40) else multiway_intersection(p)


def factorised_aggregation(p: Pieces) -> str:
    names = ("a", "b", "c", "d")[: p.draw.integer(2, 4)]
    forms = (
        "count(*)",
        "count({})",
        "sum({})",
        "avg({})",
        "min({})",
        "max({})",
        "count(DISTINCT {})",
        "size(collect({}))",
    )
    parts = [
        f"{p.one(forms).format(p.one(names) + p.one(('.x', '.f', '.id')))} AS g{i}" for i in range(p.draw.integer(1, 3))
    ]
    key = p.one(("", f"{p.value(p.one(names))} AS k, ", f"{p.one(names)}.id AS k, "))
    where = f" WHERE {p.simple(p.one(names))}" if p.chance(50) else ""
    return f"MATCH {p.chain(*names)}{where} RETURN {key}{', '.join(parts)}"


def reachability(p: Pieces) -> str:
    length = p.one(("*", "*1..2", "*0..", "*2..3", "*..3", "*0..1"))
    kind = p.one(("", ":R", ":R|S"))
    step = p.one((f"-[{kind}{length}]->", f"-[{kind}{length}]-", f"<-[{kind}{length}]-"))
    head = f"MATCH (a{p.label()}){step}(b{p.label()}) WHERE {p.simple('a')}"
    shown = p.one(
        (
            "DISTINCT b.id AS i",
            "DISTINCT a.id AS i, b.id AS j",
            "count(DISTINCT b) AS c",
            "a.id AS i, count(DISTINCT b) AS c",
        )
    )
    return f"{head} RETURN {shown}"


def straight_line(p: Pieces) -> str:
    test = p.one((f"n.id = {p.draw.integer(0, 6)}", "n.id = $p", "n.x = 1"))
    hop, shown = p.one((("", p.value("n")), (f"{p.arrow('r')}(m{p.label()})", p.one((p.value("m"), "r.x")))))
    return f"MATCH (n:A){hop} WHERE {test} RETURN {p.value('n')} AS c, {shown} AS d"


def first_nodes(p: Pieces) -> str:
    number = p.one(("count(*)", "sum(b.x)", "count(b.f)"))
    order = p.one(("n, k.id", "n DESC, k.id"))
    return f"MATCH {p.chain('a', 'b')} WITH a AS k, {number} AS n{p.page(order)} RETURN k.id AS i, n"


def semijoin_exists(p: Pieces) -> str:
    names = ("n", "a", "b", "c")[: p.draw.integer(2, 4)]
    tree = f"(n){p.arrow()}({names[1]}{p.label()})"
    for target in names[2:]:
        tree += f"{p.arrow()}({target}{p.label()})"
    if p.chance(30):
        tree += f", {p.hop(p.one(names), 'd')}"
    where = f" WHERE {p.simple(p.one(names[1:]))}" if p.chance(70) else ""
    test = f"{p.one(('', 'NOT '))}EXISTS {{ {tree}{where} }}"
    return f"MATCH {p.chain('n', 'm')} WHERE {test} RETURN n.id AS i, {p.value('m')} AS v"


# --- kernels -----------------------------------------------------------------


def _binary(operator: str, right: str = "") -> Biased:
    def query(p: Pieces) -> str:
        sides = (
            ("n.x", "m.x"),
            ("n.x", "1"),
            ("n.f", "m.x"),
            ("n.s", "m.s"),
            ("n.d", "m.d"),
            ("n.b", "m.b"),
            ("n", "m"),
        )
        a, b = p.one(sides[:3] if operator in "+-*" else sides)
        return f"MATCH {p.chain('n', 'm')} RETURN n.id AS i, m.id AS j, {a} {operator} {right or b} AS v"

    return query


def _text(form: str) -> Biased:
    def query(p: Pieces) -> str:
        part = p.one(("'a'", "'b'", "''", "$q", "'.'"))
        return f"MATCH {p.chain('n', 'm')} RETURN n.id AS i, {form.format('n.s', part)} AS v"

    return query


def _negation(p: Pieces) -> str:
    return f"MATCH {p.chain('n', 'm')} RETURN n.id AS i, NOT {p.one(('n.b', 'm.b', '(n.x > m.x)'))} AS v"


def _membership(p: Pieces) -> str:
    item, items = p.one((("n.x", "[0, 1, null]"), ("n.s", "['a', 'b']"), ("n.x", "[0, 1, 2]"), ("n.x", "$list")))
    return f"MATCH {p.chain('n', 'm')} RETURN n.id AS i, {item} IN {items} AS v"


def _of_path(function: str) -> Biased:
    def query(p: Pieces) -> str:
        return f"MATCH q = (n{p.label()})-[*1..2]-(m) RETURN n.id AS i, {function}(q) AS v"

    return query


def _repeated(p: Pieces) -> str:
    part = p.one(
        ("n.x * 2", "toString(n.m)", "n.s", "COUNT { (n)-->() }", "size(n.l)", "[u IN n.l | u + 1]", "1 / n.x")
    )
    again = p.one((part, f"CASE WHEN n.b THEN {part} ELSE 0 END", f"[{part}]", f"coalesce(n.y, {part})"))
    if p.chance(40):
        return f"MATCH {p.chain('n', 'm')} RETURN {part} AS k, count({again}) AS c, max({part}) AS d"
    return f"MATCH {p.chain('n', 'm')} RETURN n.id AS i, {again} AS a, {part} AS b, {part} AS c"


def _size(p: Pieces) -> str:
    return f"MATCH {p.chain('n', 'm')} RETURN n.id AS i, size({p.one(('n.s', 'n.l', 'labels(n)'))}) AS v"


BIASED: Final[dict[str, Biased]] = {
    generator.__name__: generator
    for generator in (
        fold_constants,
        simplify_predicates,
        push_filter_down,
        merge_matches,
        drop_existing_not_null,
        remove_redundant_distinct,
        count_never_null,
        group_by_element,
        order_by_limit_to_top,
        order_by_distance_to_knn,
        fetch_after_top,
        merge_projections,
        call_to_count,
        size_to_count,
        count_to_exists,
        simplify_exists,
        push_filter_below_grouping,
        push_filter_below_rows,
        push_filter_into_union,
        optional_to_match,
        push_filter_past_apply,
        unnest_apply,
        label_tests_to_pattern,
        transitive_equalities,
        count_distinct_element,
        count_optional_hits,
        push_top_down,
        push_limit_down,
        order_terms,
        fold_patterns,
        run_once,
        hash_join,
        multiway_intersection,
        expand_into,
        expand_halves,
        factorised_aggregation,
        first_nodes,
        reachability,
        straight_line,
        semijoin_exists,
        reachability,
    )
} | {
    **{f"kernel {o}": _binary(o) for o in ("=", "<>", "<", "<=", ">", ">=", "+", "-", "*")},
    **{f"kernel {o}": _text("{} " + o + " {}") for o in ("STARTS WITH", "ENDS WITH", "CONTAINS", "=~")},
    **{f"kernel {f}": _text(f + "({})") for f in ("tolower", "lower", "toupper", "upper")},
    **{f"kernel {f}": _of_path(f) for f in ("length", "nodes", "relationships", "rels")},
    "kernel NOT": _negation,
    "kernel IN": _membership,
    "kernel size": _size,
    "kernel repeated": _repeated,
}
