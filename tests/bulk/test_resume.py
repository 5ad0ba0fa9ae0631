"""An import that was interrupted goes on: no row lost, none doubled, whenever it stopped."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from graph_content import content

import memoradb
from memoradb.bulk import blocks, graphml, tables
from memoradb.core.errors import ArgumentError, ConfigurationError, TooManyBadRows
from memoradb.storage.check import check

ROWS = 40


class Stop(Exception):
    """What interrupts an import."""


def stopping_after(parts: int) -> Callable[[str, float], None]:
    """A progress function that lets so many parts pass."""
    seen = 0

    def report(what: str, share: float) -> None:
        nonlocal seen
        seen += 1
        if seen == parts:
            raise Stop

    return report


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "BLOCK_BYTES", 100)
    monkeypatch.setattr(tables, "PART_ROWS", 7)
    monkeypatch.setattr(tables, "RELATIONSHIP_PART_ROWS", 7)
    monkeypatch.setattr(graphml, "PART_ELEMENTS", 7)
    monkeypatch.setattr(graphml, "_CHUNK_BYTES", 300)


def csv_files(place: Path) -> dict[str, Any]:
    """Nodes with a bad row among every ten, and relationships with some that lead nowhere."""
    nodes, edges = place / "n.csv", place / "r.csv"
    labels = ("A", "B", "A;B", "")
    nodes.write_text(
        "k:ID,x:int,:LABEL\n" + "".join(f"{i},{'x' if i % 10 == 3 else i},{labels[i % 4]}\n" for i in range(ROWS))
    )
    edges.write_text(
        ":START_ID,:END_ID,:TYPE,w:int\n" + "".join(f"{i},{i * 7 % ROWS},R{i % 2},{i}\n" for i in range(ROWS))
    )
    return {"nodes": nodes, "relationships": edges}


def importer(form: str, place: Path) -> Callable[..., Any]:
    """A function that imports one graph in a form into a database."""
    files = csv_files(place)
    if form == "csv":
        return lambda db, **o: db.import_csv(**files, bad_tolerance=999, bad_rows=place / "bad.csv", **o)
    with memoradb.open(None) as db:
        db.import_csv(**files, bad_tolerance=999)
        match form:
            case "tables":
                pytest.importorskip("pyarrow")
                db.export_parquet(place / "tables")
                return lambda db, **o: db.import_tables(place / "tables", **o)
            case "jsonl":
                db.export_jsonl(place / "g.jsonl")
                return lambda db, **o: db.import_jsonl(place / "g.jsonl", **o)
            case _:
                db.export_graphml(place / "g.graphml")
                return lambda db, **o: db.import_graphml(place / "g.graphml", **o)


@pytest.mark.parametrize("form", ["csv", "tables", "jsonl", "graphml"])
def test_an_import_stopped_after_any_part_goes_on_and_gives_the_same_graph(form, tmp_path, small_parts):
    load = importer(form, tmp_path)
    with memoradb.open(None) as whole:
        parts: list[float] = []
        done = load(whole, progress=lambda what, share: parts.append(share))
        wanted = content(whole)
        bad = (tmp_path / "bad.csv").read_text() if form == "csv" else ""
    assert len(parts) > 8 and parts == sorted(parts) and parts[-1] == 1.0
    for stop in sorted({*range(1, len(parts), max(1, len(parts) // 15)), len(parts)}):
        with memoradb.open(None) as db:
            with pytest.raises(Stop):
                load(db, progress=stopping_after(stop))
            with pytest.raises(Stop):
                load(db, resume=True, progress=stopping_after(max(1, min(stop + 1, len(parts)))))
            resumed = load(db, resume=True)
            assert content(db) == wanted
            assert (resumed.nodes, resumed.relationships, resumed.bad_rows) == (
                done.nodes,
                done.relationships,
                done.bad_rows,
            )
            assert load(db, resume=True).nodes == done.nodes  # it is finished: nothing happens
            assert content(db) == wanted
        if form == "csv":
            assert (tmp_path / "bad.csv").read_text() == bad


def test_an_interrupted_import_is_not_begun_anew_by_mistake(tmp_path, small_parts):
    load = importer("csv", tmp_path)
    with memoradb.open(None) as db:
        with pytest.raises(Stop):
            load(db, progress=stopping_after(2))
        before = db.execute("MATCH (n) RETURN count(*)").value()
        with pytest.raises(ConfigurationError, match=r"interrupted after \d+ nodes") as caught:
            load(db)
        assert "--resume" in (caught.value.hint or "")
        done = load(db, resume=False)
        assert db.execute("MATCH (n) RETURN count(*)").value() == before + done.nodes
        # Finished and not resumed: a second import is meant.
        assert load(db).nodes == done.nodes
        assert db.execute("MATCH (n) RETURN count(*)").value() == before + 2 * done.nodes


def test_a_change_of_the_files_or_options_is_another_import(tmp_path, small_parts):
    load = importer("csv", tmp_path)
    with memoradb.open(None) as db:
        with pytest.raises(Stop):
            load(db, progress=stopping_after(2))
        load(db, id_type="string", array_delimiter="|")
        (tmp_path / "n.csv").write_text((tmp_path / "n.csv").read_text() + "77,77,C\n")
        assert load(db, resume=True).resumed == 0


def test_resuming_with_more_tolerance_keeps_what_was_loaded(tmp_path, small_parts):
    files = csv_files(tmp_path)
    with memoradb.open(None) as db, memoradb.open(None) as whole:
        with pytest.raises(TooManyBadRows):
            db.import_csv(**files, bad_tolerance=2)
        assert db.import_csv(**files, bad_tolerance=999, resume=True).resumed > 0
        whole.import_csv(**files, bad_tolerance=999)
        assert content(db) == content(whole)


def test_nodes_matched_by_what_this_import_loads_are_not_taken_for_others(tmp_path, small_parts):
    files = csv_files(tmp_path)
    options: dict[str, Any] = {"bad_tolerance": 999, "id_type": "integer", "match": {"": ("A", "k")}}
    with memoradb.open(None) as db, memoradb.open(None) as whole:
        whole.import_csv(**files, **options)
        with pytest.raises(Stop):
            db.import_csv(**files, **options, progress=stopping_after(3))
        db.import_csv(**files, **options, resume=True)
        assert content(db) == content(whole)


def test_how_far_an_import_came_is_no_part_of_the_graph_but_survives_reopening(tmp_path, small_parts):
    load = importer("jsonl", tmp_path)
    for checkpoint in (True, False):
        place = tmp_path / f"db-{checkpoint}"
        with memoradb.open(place) as db:
            with pytest.raises(Stop):
                load(db, progress=stopping_after(4))
            nodes = db.execute("MATCH (n) RETURN count(*)").value()
            assert len(db.execute("MATCH (n) WHERE NOT n:A AND NOT n:B RETURN labels(n)")) < nodes
            if checkpoint:
                db.checkpoint()
        with memoradb.open(place) as db:
            assert load(db, resume=True).resumed >= 1
        assert check(str(place)).problems == []


def test_a_node_that_was_deleted_meanwhile_ends_the_import(tmp_path, small_parts):
    load = importer("jsonl", tmp_path)
    with memoradb.open(None) as db:
        shares: list[float] = []
        load(db, progress=lambda what, share: shares.append(share))
    with memoradb.open(None) as db:
        with pytest.raises(Stop):
            load(db, progress=stopping_after(len(shares) // 2))
        db.execute("MATCH (n) DETACH DELETE n")
        with pytest.raises(memoradb.MemoraDBError, match="deleted meanwhile"):
            load(db, resume=True)


def test_files_that_changed_under_an_import_are_noticed(tmp_path, small_parts, monkeypatch):
    files = csv_files(tmp_path)
    monkeypatch.setattr("memoradb.bulk.csv.file_identity", lambda path: [path])  # as if no one could tell
    with memoradb.open(None) as db:
        with pytest.raises(Stop):
            db.import_csv(**files, bad_tolerance=999, progress=stopping_after(3))
        lines = files["nodes"].read_text().splitlines(keepends=True)
        files["nodes"].write_text("".join([lines[0], *lines[3:]]))
        with pytest.raises(ArgumentError, match="not those that the interrupted import read"):
            db.import_csv(**files, bad_tolerance=999, resume=True)


LOADER = """
import sys
import memoradb
from memoradb.bulk import blocks
blocks.BLOCK_BYTES = 400
nodes, edges, data, bad = sys.argv[1:]
with memoradb.open(data) as db:
    def report(what, share):
        print(f"{share:.3f}", flush=True)
    done = db.import_csv(
        nodes=nodes, relationships=edges, resume=True, bad_tolerance=10_000, bad_rows=bad, progress=report
    )
    print("done", done.nodes, done.relationships, done.bad_rows, flush=True)
"""


def test_kill_9_at_any_moment_loses_and_doubles_no_row(tmp_path):
    nodes, edges, bad = tmp_path / "n.csv", tmp_path / "r.csv", tmp_path / "bad.csv"
    count = 1500
    nodes.write_text("k:ID,x:int\n" + "".join(f"n{i},{i if i % 50 else 'x'}\n" for i in range(count)))
    edges.write_text(
        ":START_ID,:END_ID,:TYPE,w:int\n" + "".join(f"n{i},n{i * 7 % count},R,{i}\n" for i in range(count))
    )
    data = tmp_path / "db"
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2] / "src")}
    arguments = [sys.executable, "-c", LOADER, *map(str, (nodes, edges, data, bad))]
    for lines in (3, 1, 20, 40, 11, None):
        loader = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True, env=environment)
        assert loader.stdout is not None
        with loader, loader.stdout:
            if lines is None:
                assert (
                    loader.stdout.read().splitlines()[-1]
                    == f"done {good_nodes(count)} {good_edges(count)} {bad_count(count)}"
                )
                break
            for _ in range(lines):
                loader.stdout.readline()
            loader.send_signal(signal.SIGKILL)
        assert loader.returncode in (-signal.SIGKILL, 0)
    with memoradb.open(data) as db:
        xs = db.execute("MATCH (n) RETURN n.x ORDER BY n.x").column("n.x")
        assert xs == [i for i in range(count) if i % 50]
        ws = db.execute("MATCH (a)-[r:R]->(b) RETURN r.w, a.x, b.x ORDER BY r.w").rows
        assert ws == [(i, i, i * 7 % count) for i in range(count) if i % 50 and i * 7 % count % 50]
    reported = bad.read_text().splitlines()[1:]
    assert len(reported) == len(set(reported)) == bad_count(count)
    assert check(str(data)).problems == []


def good_nodes(count: int) -> int:
    return sum(1 for i in range(count) if i % 50)


def good_edges(count: int) -> int:
    return sum(1 for i in range(count) if i % 50 and i * 7 % count % 50)


def bad_count(count: int) -> int:
    return 2 * count - good_nodes(count) - good_edges(count)
