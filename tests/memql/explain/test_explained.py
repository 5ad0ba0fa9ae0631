"""EXPLAIN and PROFILE as text and as plain maps: golden answers, and what holds of the plan of any query."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import memoradb
from memoradb.memql.explain.text import PROFILE_WIDTH
from memoradb.memql.explain.tree import NESTING_MAX
from memoradb.memql.explain.wording import clean, rule_in_words, width_of, wrapped
from memoradb.memql.rewrite.driver import RULES
from memoradb.memql.rewrite.switches import ALTERNATIVES

sys.path.insert(0, str(Path(__file__).parents[2]))
from golden import DIRECTORY, Case, GoldenFile, check

_MEASURED = re.compile(r"( +[\d.]+ [kMG]?B)? +\d+\.\d{3} +\d+\.\d{3}$|(?<=^Held in memory at most: ).*", re.MULTILINE)
_JSON_MEASURED = re.compile(r'("(?:time_ms|total_ms|bytes_held)": )[0-9.e-]+')
PARAMETERS = {"id": 7, "name": "n7", "k": 3, "list": [1, 2], "vector": [1.0, 0.0]}


class Explained:
    """Answers ``graph``, ``show`` and ``tree`` cases; times and bytes are left out."""

    def __init__(self) -> None:
        self._database: memoradb.Database | None = None

    def answer(self, case: Case) -> str:
        if case.kind == "graph":
            self._database = graph_of(case)
            return ""
        assert self._database is not None
        summary = self._database.execute(case.text, PARAMETERS).summary
        assert summary.plan is not None
        if case.kind == "show":
            return _MEASURED.sub("  ...", summary.plan)
        return _JSON_MEASURED.sub(r"\1...", json.dumps(summary.plan_tree, indent=1, allow_nan=False))


def graph_of(case: Case) -> memoradb.Database:
    database = memoradb.open(None)
    for statement in case.text.split(";"):
        if statement.strip():
            database.execute(statement)
    return database


def operators(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in node["children"]:
        yield from operators(child)


@pytest.fixture(scope="module")
def db() -> Iterator[memoradb.Database]:
    with memoradb.open(None) as database:
        database.execute("CREATE INDEX a_k FOR (a:A) ON (a.k)")
        database.execute("UNWIND range(1, 200) AS i CREATE (:A {k: i, even: i % 2 = 0})-[:T]->(:B {k: i % 3})")
        yield database


def test_plans_are_told_as_in_the_golden_file() -> None:
    check(DIRECTORY / "explain" / "verbose.txt", Explained().answer)


@pytest.mark.parametrize("path", sorted((DIRECTORY / "plans").glob("*.txt")), ids=lambda path: path.stem)
def test_every_golden_query_is_explained_in_full(path: Path) -> None:
    database: memoradb.Database | None = None
    for case in GoldenFile.read(path).cases:
        if case.kind == "graph":
            database = graph_of(case)
            continue
        assert database is not None
        modes = ["EXPLAIN VERBOSE"] if "writes" in case.options else ["EXPLAIN VERBOSE", "PROFILE VERBOSE", "PROFILE"]
        for mode in modes:
            summary = database.execute(f"{mode} {case.text}", PARAMETERS).summary
            assert summary.plan is not None and summary.plan_tree is not None
            tree = json.loads(json.dumps(summary.plan_tree, allow_nan=False))
            assert tree == summary.plan_tree, "the tree is plain data"
            statement = tree["statement"]
            fired = [rule["name"] for rule in statement["rules"]]
            assert all(rule["sentence"].endswith(".") for rule in statement["rules"])
            if rule := case.options.get("expect"):
                assert rule in fired or rule in {x["name"] for x in statement["taken"]}
            if "VERBOSE" not in mode:
                continue
            for node in operators(tree):
                assert ("why" in node) == bool(node.get("alternatives"))
                if node["operator"] == "NodeIndexSeek" and [c["operator"] for c in node["children"]] == [
                    "ArgumentScan"
                ]:
                    if not node["children"][0]["details"]:
                        assert node["alternatives"], "a scan is always another way"
                if node["operator"] in ("FactorisedAggregation", "NodeIndexRange"):
                    assert node["alternatives"]
            assert all(width_of(line) <= PROFILE_WIDTH for line in summary.plan.splitlines())


def test_a_join_of_two_parts_says_what_each_with_each_would_cost() -> None:
    with memoradb.open(None) as database:
        database.execute("UNWIND range(0, 99) AS i CREATE (:A {k: i})-[:T]->(:B {k: i})")
        text = "EXPLAIN VERBOSE MATCH (a:A)-[:T]->(b), (c:A)-[:T]->(d) WHERE b.k = d.k RETURN a.k, c.k"
        tree = database.execute(text).summary.plan_tree
        assert tree is not None
        (join,) = [node for node in operators(dict(tree)) if node["operator"] == "HashJoin"]
        assert join["alternatives"] and join["taken"] == ["hash_join"]
        assert all(other["cost_ns"] >= join["cost_ns"] for other in join["alternatives"])


def test_an_index_is_shown_beside_the_scan_that_it_saves(db: memoradb.Database) -> None:
    plan = db.execute("EXPLAIN VERBOSE MATCH (a:A {k: 3}) RETURN a.k").summary.plan
    assert plan is not None
    assert re.search(r"not taken +1 row +\S+ us +\S+ times +a scan\n +Expected to be the cheapest", plan)


def test_statistics_and_facts_are_only_told_by_verbose(db: memoradb.Database) -> None:
    query = "MATCH (a:A)-[:T]->(b:B) RETURN b.k, count(*)"
    plain = db.execute(f"EXPLAIN {query}").summary
    verbose = db.execute(f"EXPLAIN VERBOSE {query}").summary
    assert plain.plan is not None and verbose.plan is not None
    assert plain.plan_tree is not None and verbose.plan_tree is not None
    assert "Statistics" not in plain.plan and "statistics" not in plain.plan_tree["statement"]
    known = {s["of"]: s["known"] for s in verbose.plan_tree["statement"]["statistics"]}
    assert known["(:A)"] == "200 nodes" and known["(:A)-[:T]->(:B)"] == "200 relationships"
    assert "Every [:T] comes from a (:A)." in verbose.plan_tree["statement"]["facts"]


def test_verbose_plans_like_any_other(db: memoradb.Database) -> None:
    def names(mode: str) -> list[str]:
        tree = db.execute(f"{mode} MATCH (a:A)-[:T]->(b:B) WHERE a.k < 9 RETURN b.k, collect(a.k)").summary.plan_tree
        assert tree is not None
        return [node["operator"] + node["details"] for node in operators(dict(tree))]

    assert names("EXPLAIN") == names("EXPLAIN VERBOSE") == names("PROFILE") == names("PROFILE VERBOSE")


def test_what_an_operator_keeps_is_counted_for_it_alone(db: memoradb.Database) -> None:
    tree = db.execute("PROFILE MATCH (a:A) RETURN a.k + 1 AS x ORDER BY x").summary.plan_tree
    assert tree is not None
    kept = {node["operator"]: node["bytes_held"] for node in operators(dict(tree))}
    assert kept["Sort"] >= 200 * 8 and kept["NodeScan"] == kept["ProduceResults"] == 0
    assert tree["statement"]["bytes_held"] >= kept["Sort"]


def test_times_are_by_itself_and_with_all_that_is_below(db: memoradb.Database) -> None:
    tree = db.execute("PROFILE MATCH (a:A)-[:T]->(b) RETURN b.k AS k ORDER BY k").summary.plan_tree
    assert tree is not None
    for node in operators(dict(tree)):
        below = sum(child["total_ms"] for child in node["children"])
        assert node["total_ms"] == pytest.approx(node["time_ms"] + below, abs=1e-6)


def test_a_wrong_estimate_is_warned_of(db: memoradb.Database) -> None:
    summary = db.execute("PROFILE WITH range(1, 1000) AS many UNWIND many AS x RETURN x").summary
    assert summary.plan is not None and summary.plan_tree is not None
    wrong = [node for node in operators(dict(summary.plan_tree)) if node.get("q_error", 0) > 10]
    assert wrong and summary.plan_tree["statement"]["surprises"]
    assert (
        "Estimates that were wrong by more than 10" in summary.plan
        and "Unwind  many AS x: 10 rows expected, 1,000 rows came" in summary.plan
    )


def test_who_was_stopped_early_is_not_blamed_for_missing_rows(db: memoradb.Database) -> None:
    summary = db.execute("PROFILE MATCH (a:A)-[:T]->(b) RETURN b.k LIMIT 1").summary
    assert summary.plan is not None and summary.plan_tree is not None
    assert summary.plan_tree["statement"]["surprises"] == [] and "stopped" in summary.plan


def test_a_failing_statement_leaves_the_accounts_in_order(db: memoradb.Database) -> None:
    with pytest.raises(memoradb.MemoraDBError):
        db.execute("PROFILE MATCH (a:A) RETURN 1 / (a.k - 200) AS x ORDER BY x")
    tree = db.execute("PROFILE MATCH (a:A) RETURN 1 / (a.k - 201) AS x ORDER BY x").summary.plan_tree
    assert tree is not None and tree["rows"] == 200


def test_text_of_any_script_stays_in_its_columns(db: memoradb.Database) -> None:
    name = "`名前\n\u202eevil`"
    query = f"PROFILE MATCH ({name}:A) WHERE {name}.k IN [1, 2] RETURN {name}.k AS `é e\u0301`"
    summary = db.execute(query).summary
    assert summary.plan is not None and summary.plan_tree is not None
    json.dumps(summary.plan_tree)
    assert "\u202e" not in summary.plan and "\\u202e" in summary.plan and "名前\\n" in summary.plan
    lines = summary.plan.split("\n\n")[1].splitlines()
    ends = {width_of(line[: m.end()]) for line in lines if (m := re.search(r"\d+\.\d{3} +\d+\.\d{3}", line))}
    assert len(ends) == 1


def test_a_very_long_plan_is_neither_wide_nor_nested_beyond_bounds() -> None:
    with memoradb.open(None) as database:
        database.execute("CREATE (:A)-[:T]->(:A)")
        hops = "".join(f"-[:T]->(n{i})" for i in range(190))
        returned = ", ".join(f"n{i}.k" for i in range(190))
        summary = database.execute(f"EXPLAIN VERBOSE MATCH (a:A){hops} RETURN [{returned}] AS x").summary
        assert summary.plan is not None and summary.plan_tree is not None
        assert max(map(width_of, summary.plan.splitlines())) <= PROFILE_WIDTH

        def depth(node: dict[str, Any]) -> int:
            return 1 + max(map(depth, node["children"]), default=0)

        assert depth(dict(summary.plan_tree)) <= NESTING_MAX + 2
        assert sum(1 for _ in operators(dict(summary.plan_tree))) > 190


def test_verbose_is_a_name_everywhere_else(db: memoradb.Database) -> None:
    assert db.execute("WITH 1 AS verbose RETURN verbose AS explain").rows == [(1,)]
    assert db.execute("EXPLAIN MATCH (verbose:VERBOSE) RETURN verbose.verbose").summary.plan is not None
    summary = db.execute("explain /* all */ verbose\nMATCH (verbose:VERBOSE) RETURN verbose.verbose").summary
    assert summary.plan is not None and "Costs are by" in summary.plan
    with pytest.raises(memoradb.MemoraDBError, match="ends too early"):
        db.execute("EXPLAIN VERBOSE")


def test_verbose_goes_before_as_of(db: memoradb.Database) -> None:
    summary = db.execute("PROFILE VERBOSE AS OF TRANSACTION 2 MATCH (a:A) RETURN count(*)").summary
    assert summary.plan is not None and summary.as_of is not None and "Statistics" in summary.plan


def test_every_rule_and_alternative_has_its_sentence() -> None:
    sentences = [rule_in_words(rule) for rule in RULES] + list(ALTERNATIVES.values())
    assert all(len(text) > 20 and text.endswith(".") for text in sentences)


def test_wrapping_breaks_at_spaces_and_keeps_every_word() -> None:
    lines = wrapped("  Match  (a), (b), (c) WHERE all is well and nothing is lost", 24, "      ")
    assert [width_of(line) <= 24 for line in lines] == [True] * len(lines)
    assert " ".join(" ".join(lines).split()) == "Match (a), (b), (c) WHERE all is well and nothing is lost"
    assert all(width_of(line) <= 10 for line in wrapped("名" * 30, 10, "  "))
    assert clean("x" * 5_000).endswith("(3,000 characters more)")
