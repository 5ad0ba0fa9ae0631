"""Every declared function by example: null, wrong types, edges.

The cases are tests/golden/functions/*.txt: ``## name`` opens a function's section; a line is an expression (or a whole
query), and after ``=>`` stands what it answers. ``pytest --rewrite-golden`` writes the answers anew; read the diff.
"""

import os
from pathlib import Path

import pytest

import memoradb
from memoradb.core.clock import ManualClock
from memoradb.core.coercion import format_float
from memoradb.core.errors import MemoraDBError
from memoradb.core.rng import SeededRandom
from memoradb.core.temporal_parse import parse_datetime
from memoradb.memql.bind.types import Type
from memoradb.memql.functions.registry import all_functions

FILES = sorted((Path(__file__).parents[2] / "golden" / "functions").glob("*.txt"))
ARROW = "  =>  "
PARAMETERS = {
    "int": 1,
    "float": 1.5,
    "str": "a",
    "bool": True,
    "list": [1, "a"],
    "map": {"a": 1},
    "bytes": b"ab",
    "nan": float("nan"),
    "inf": float("inf"),
}


def shown(value) -> str:
    """A value as MemQL writes it."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case float():
            return format_float(value)
        case str():
            return repr(value)
        case list():
            return f"[{', '.join(map(shown, value))}]"
        case dict():
            return f"{{{', '.join(f'{k}: {shown(v)}' for k, v in sorted(value.items()))}}}"
        case _:
            return str(value)


def a_database() -> memoradb.Database:
    now = parse_datetime("2020-02-29T23:30:15.5Z", 0)
    db = memoradb.open(None, clock=ManualClock(now.utc_ns()), random=SeededRandom(1))
    db.execute("CREATE (:A:B {x: 1, y: 'a'})-[:R {w: 2}]->(:C)")
    return db


def answer(db: memoradb.Database, case: str, prefix: str) -> str:
    query = case if " RETURN " in case else f"{prefix} RETURN {case} AS x"
    try:
        return shown(db.execute(query, PARAMETERS).value())
    except MemoraDBError as error:
        return f"{error.kind or type(error).__name__} ({error.phase}): {error.detail}"


def sections(file: Path) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in file.read_text().splitlines():
        if line.startswith("## "):
            found[line[3:]] = []
        elif line and not line.startswith(("#", "with ")):
            found[list(found)[-1]].append(line)
    return found


@pytest.mark.parametrize("file", FILES, ids=lambda f: f.stem)
def test_functions_answer_as_written(file):
    db = a_database()
    prefix, lines = "", []
    for line in file.read_text().splitlines():
        if line.startswith("with "):
            prefix = line[5:]
        if not line or line.startswith(("#", "with ")):
            lines.append(line)
        else:
            case = line.partition(ARROW)[0]
            lines.append(case + ARROW + answer(db, case, prefix))
    text = "\n".join(lines) + "\n"
    if "MEMORADB_REWRITE_GOLDEN" in os.environ:
        file.write_text(text)
    assert text.splitlines() == file.read_text().splitlines()


CASES = {name: cases for file in FILES for name, cases in sections(file).items()}


def test_every_declared_function_has_cases_and_every_section_a_function():
    declared = {f.name for f in all_functions()}
    assert declared - CASES.keys() == set()
    assert CASES.keys() - declared == set()


@pytest.mark.parametrize("definition", [f for f in all_functions() if f.parameters], ids=lambda f: f.name)
def test_every_function_with_parameters_is_asked_for_null_and_for_a_wrong_type(definition):
    cases = CASES[definition.name]
    assert len(cases) >= 3
    assert any("null" in case.partition(ARROW)[0] for case in cases)
    takes_anything = all((p | Type.NULL) == Type.ANY for p in definition.parameters)
    assert takes_anything or any("Error" in case.partition(ARROW)[2] for case in cases)


@pytest.mark.parametrize("definition", list(all_functions()), ids=lambda f: f.name)
def test_every_function_says_what_it_does(definition):
    operator = not definition.name[0].isalpha() or definition.name.isupper() or definition.name.startswith("slice")
    assert operator or " " in definition.name or definition.description.endswith(".")
    assert definition.name in definition.signature
