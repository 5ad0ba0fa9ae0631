"""Physical plans by golden files: access paths, order and direction of expansion, barriers, folding."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[2]))
from golden import DIRECTORY, check
from plan_cases import PlanCases


@pytest.mark.parametrize(
    "name",
    [
        "access_paths",
        "barriers",
        "cycles",
        "expansion_order",
        "factorised",
        "folding",
        "index_searches",
        "joins",
        "needless_checks",
        "reachability",
        "row_by_row",
        "subqueries",
    ],
)
def test_plans_are_those_of_the_golden_file(name):
    check(DIRECTORY / "plans" / f"{name}.txt", PlanCases().answer)
