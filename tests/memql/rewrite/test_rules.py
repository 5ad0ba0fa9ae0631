"""Every rewrite rule by its golden file: where it fires, and where it must not; its rows are the same without it."""

import sys
from pathlib import Path

import pytest

from memoradb.memql.rewrite.driver import RULES

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[2]))
from golden import DIRECTORY, GoldenFile, check
from plan_cases import PlanCases

NAMES = [rule.__name__ for rule in RULES]


@pytest.mark.parametrize("name", NAMES)
def test_a_rule_gives_the_plans_of_its_golden_file(name):
    check(DIRECTORY / "plans" / f"{name}.txt", PlanCases().answer)


@pytest.mark.parametrize("name", NAMES)
def test_a_golden_file_shows_where_its_rule_fires_and_where_it_must_not(name):
    options = [case.options for case in GoldenFile.read(DIRECTORY / "plans" / f"{name}.txt").cases]
    assert any(o.get("expect") == name for o in options)
    assert any(o.get("expect-not") == name for o in options)


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_stands_in_a_file_of_its_name_and_states_its_law(rule):
    module = sys.modules[rule.__module__]
    assert rule.__module__.rsplit(".", 1)[1] == rule.__name__
    assert "=>" in (module.__doc__ or "") and "hold" in (module.__doc__ or "").lower()
