"""The folders of the repository and the package `memoradb` agree with each other."""

import ast
import os
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CONFIG = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
TOOL = CONFIG["tool"]
OUTSIDE = {"tests", "bench", "docs", "examples", "ui", "src"}
FOLDERS = sorted(path.name for path in ROOT.iterdir() if (path / "__init__.py").is_file() and path.name not in OUTSIDE)


def test_every_folder_is_linked_under_src() -> None:
    links = {p.name: os.readlink(p) for p in (ROOT / "src/memoradb").iterdir() if p.is_symlink()}
    assert links == {name: f"../../{name}" for name in FOLDERS}


def test_every_folder_is_packaged() -> None:
    wheel = TOOL["hatch"]["build"]["targets"]["wheel"]
    assert {name: f"memoradb/{name}" for name in FOLDERS} | {"src/memoradb": "memoradb"} == wheel["sources"]
    assert set(FOLDERS) <= set(wheel["only-include"])
    assert set(FOLDERS) <= set(TOOL["hatch"]["build"]["targets"]["sdist"]["only-include"])


def test_every_folder_is_type_checked() -> None:
    assert {f"src/memoradb/{name}" for name in FOLDERS} <= set(TOOL["basedpyright"]["include"])


@pytest.mark.parametrize("name", FOLDERS)
def test_bare_import_is_refused(name: str) -> None:
    source = (ROOT / name / "__init__.py").read_text("utf-8")
    with pytest.raises(ImportError, match=f"write `import memoradb.{name}`"):
        exec(compile(source, name, "exec"), {"__name__": name})


def _absolute_imports(path: Path) -> list[str]:
    tree = ast.parse(path.read_text("utf-8"))
    return [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.level == 0]


@pytest.mark.parametrize("name", FOLDERS)
def test_a_dot_stays_inside_and_memoradb_crosses(name: str) -> None:
    own = f"memoradb.{name}"
    for path in (ROOT / name).rglob("*.py"):
        where = path.relative_to(ROOT)
        for module in _absolute_imports(path):
            assert not f"{module}.".startswith(f"{own}."), f"{where}: use a dot for {module}"
            assert module.split(".")[0] not in FOLDERS, f"{where}: write memoradb.{module}"
