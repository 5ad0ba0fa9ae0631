"""The parser's tables: computed from the grammar, kept, shipped, and loaded without Lark."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from memoradb.memql.syntax import tables
from memoradb.memql.syntax.parser import Automaton, parse

ROOT = Path(__file__).parents[3]
SMALL = """
start: item ("," item)* [END]
item: WORD -> name
    | "(" start ")"
%declare WORD END
"""


def in_a_fresh_process(code: str, **environment: str) -> str:
    out = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": str(ROOT / "src"), "PATH": "/usr/bin:/bin", **environment},
    )
    assert out.returncode == 0, out.stderr
    return out.stdout


def test_import_memoradb_imports_neither_numpy_nor_lark() -> None:
    code = "import sys, memoradb; print([m for m in ('numpy', 'lark', 'scipy', 'tornado', 'mcp') if m in sys.modules])"
    assert in_a_fresh_process(code).strip() == "[]"


def test_parsing_needs_lark_only_where_no_tables_are_kept(tmp_path: Path) -> None:
    kept = tmp_path / "memoradb"
    kept.mkdir()
    grammar = tables.grammar_text()
    (kept / tables.file_name(grammar)).write_text(tables.build(grammar), "utf-8")
    code = "import sys; from memoradb.memql.syntax.parser import parse; parse('RETURN 1'); print('lark' in sys.modules)"
    assert in_a_fresh_process(code, XDG_CACHE_HOME=str(tmp_path), LOCALAPPDATA=str(tmp_path)).strip() == "False"


LOADING = """
import time
from memoradb.memql.syntax import tables
text, seconds = tables.build(tables.grammar_text()), []
for _ in range(3):
    started = time.process_time()
    loaded = tables.parse_tables(text)
    seconds.append(time.process_time() - started)
print(min(seconds) < 0.1, len(loaded.actions) == len(loaded.gotos))
"""


def test_loading_takes_a_small_part_of_computing() -> None:
    # In a process of its own: here the garbage collector may look through all that other tests have left.
    assert in_a_fresh_process(LOADING).split() == ["True", "True"]


def test_the_file_is_the_same_each_time_and_of_another_grammar_another() -> None:
    assert tables.build(SMALL) == tables.build(SMALL)
    assert tables.file_name(SMALL) == tables.file_name(SMALL)
    assert tables.file_name(SMALL) != tables.file_name(SMALL + "\n")


def test_tables_are_kept_whole_and_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "cache_directory", lambda: tmp_path / "cache")
    first = tables._text(SMALL)
    assert [p.name for p in (tmp_path / "cache").iterdir()] == [tables.file_name(SMALL)]
    monkeypatch.setattr(tables, "build", lambda _: pytest.fail("computed again"))
    assert tables._text(SMALL) == first


def test_a_cache_that_cannot_be_written_is_only_slower(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setattr(tables, "cache_directory", lambda: tmp_path / "file")
    assert tables.parse_tables(tables._text(SMALL)).rules


def test_rules_say_what_a_reduction_does_with_its_children() -> None:
    rules = tables.parse_tables(tables.build(SMALL)).rules
    named = {rule.method for rule in rules}
    assert {"start", "name", "item"} <= named
    assert any(rule.method is None and rule.origin.startswith("_") for rule in rules)
    assert any(rule.missing and any(rule.missing) for rule in rules if rule.method == "start")


def test_several_threads_parse_at_once() -> None:
    texts = [f"MATCH (n{i}:A{i}) WHERE n{i}.x = {i} RETURN n{i}.y + {i}" for i in range(8)]
    expected = [repr(parse(text)) for text in texts]
    found: list[list[str]] = [[] for _ in texts]

    def work(i: int) -> None:
        for _ in range(30):
            found[i].append(repr(parse(texts[i])))

    threads = [threading.Thread(target=work, args=(i,)) for i in range(len(texts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [[text] * 30 for text in expected]


def test_an_automaton_is_none_the_worse_for_an_error() -> None:
    from memoradb.core.errors import MemQLSyntaxError
    from memoradb.memql.syntax.retag import retag
    from memoradb.memql.syntax.tokens import tokenize

    automaton = Automaton()
    for text in ("RETURN (1 +)", "MATCH (n", "RETURN 1 2"):
        with pytest.raises(MemQLSyntaxError):
            automaton.run(retag(tokenize(text)), text)
    good = "RETURN 1 + 2"
    assert repr(automaton.run(retag(tokenize(good)), good)) == repr(parse(good))
