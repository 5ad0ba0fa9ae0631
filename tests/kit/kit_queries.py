"""The queries of the openCypher kit, read from beside the checkout with the kit's own reader."""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import dataclass
from pathlib import Path

KIT = Path(__file__).parents[3] / "shared" / "tck"


@dataclass(frozen=True)
class KitQuery:
    """One text of the kit. ``fails``: it must raise an error at compile time."""

    text: str
    fails: bool


def kit_queries() -> list[KitQuery]:
    """Every query and set-up statement, once; empty where the kit is not there."""
    reader_file = KIT / "gherkin.py"
    if not reader_file.exists():
        return []
    spec = importlib.util.spec_from_file_location("kit_gherkin", reader_file)
    assert spec is not None and spec.loader is not None
    reader = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = reader  # its dataclasses look themselves up there
    spec.loader.exec_module(reader)
    found: dict[str, bool] = {}
    for scenario in reader.scenarios(KIT / "features"):
        fails = any("should be raised at compile time" in step.text for step in scenario.steps)
        for step in scenario.steps:
            if step.doc is not None and ("executing" in step.text or "having executed" in step.text):
                controls = "executing control query" in step.text
                setup = "having executed" in step.text
                found[step.doc] = fails and not controls and not setup
    return [KitQuery(text, fails) for text, fails in found.items()]
