"""Hypothesis profiles, and the flag that rewrites golden files."""

import os

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("default", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("thorough", settings.get_profile("default"), derandomize=False, max_examples=1000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--rewrite-golden", action="store_true", help="write golden files anew; then read the diff")


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--rewrite-golden"):
        os.environ["MEMORADB_REWRITE_GOLDEN"] = "1"
