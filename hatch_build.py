"""What a build adds to the files of the repository: the parser's tables, computed from the grammar.

They are not in version control. Hatchling calls this for a wheel, so for an editable install too; a source distribution
carries none, since the wheel made from it computes them again.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class TablesHook(BuildHookInterface):
    """Writes ``grammar/tables/memql-<hash>.json`` and has the wheel take it."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called before the files of a target are collected."""
        if self.target_name != "wheel":
            return
        root = Path(self.root)
        tables = _load(root / "memql" / "syntax" / "tables.py")
        grammar = (root / "grammar" / "memql.lark").read_text("utf-8")
        directory = root / "grammar" / "tables"
        directory.mkdir(exist_ok=True)
        current = directory / tables.file_name(grammar)
        for other in directory.glob("*.json"):
            if other != current:
                other.unlink()
        if not current.is_file():
            current.write_text(tables.build(grammar), "utf-8")
        build_data["artifacts"].append("/grammar/tables/*.json")


def _load(path: Path) -> ModuleType:
    """A module by its path: the package itself is not built yet."""
    spec = importlib.util.spec_from_file_location("memql_tables", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
