"""The reference interpreter shares what a statement means with the engine, and nothing of how it is answered."""

import ast
import os
from pathlib import Path

import pytest

import memoradb.fuzz.oracles.reference

FOLDER = Path(memoradb.fuzz.oracles.reference.__file__).parent
SHARED = (
    "memoradb.core",
    "memoradb.memory.functions",
    "memoradb.memql.bind",
    "memoradb.memql.functions.registry",
    "memoradb.memql.parameters",
    "memoradb.memql.procedures.registry",
    "memoradb.memql.syntax",
)
REFUSED = tuple(f"memoradb.memql.{part}" for part in ("plan", "rewrite", "optimize", "cost", "exec", "kernels"))


def _imports(path: Path) -> list[str]:
    """Everything that a module imports, as absolute names; also inside functions and for type checkers alone."""
    found = []
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                package = "memoradb.fuzz.oracles.reference".split(".")[: 5 - node.level]
                base = ".".join([*package, base]) if base else ".".join(package)
            found += [f"{base}.{alias.name}" for alias in node.names]
    return found


def _inside(name: str, packages: tuple[str, ...]) -> bool:
    return any(f"{name}.".startswith(f"{package}.") for package in packages)


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.py")), ids=os.path.basename)
def test_no_module_imports_plans_rules_operators_or_kernels(path):
    for name in _imports(path):
        assert not _inside(name, REFUSED), f"{path.name} imports {name}"


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.py")), ids=os.path.basename)
def test_every_import_of_the_house_is_on_the_list(path):
    allowed = (*SHARED, "memoradb.fuzz.oracles.reference")
    for name in _imports(path):
        if name.startswith("memoradb"):
            assert _inside(name, allowed), f"{path.name} imports {name}"


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.py")), ids=os.path.basename)
def test_every_module_is_short(path):
    assert len(path.read_text("utf-8").splitlines()) < 400
