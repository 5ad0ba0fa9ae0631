"""``memoradb fuzz quick``: generated graphs and queries against every oracle."""

from __future__ import annotations

import shutil
import tempfile
from typing import Any

import memoradb
from memoradb.core.errors import MissingExtra
from memoradb.core.serde import decode, encode


def reopened(graph: Any, query: Any, path: str) -> None:
    """The answer does not depend on closing and opening the database."""
    from .oracles.metamorphic import Violation, bag

    with memoradb.open(path, durability="relaxed") as database:
        graph.load(database)
        before, state = bag(database, query.text), database.storage.store.state_hash()
    with memoradb.open(path) as database:
        if database.storage.store.state_hash() != state or bag(database, query.text) != before:
            raise Violation(f"Reopening changes the answer of\n  {query.text}")


def round_trip(value: Any) -> None:
    """Encoded and decoded, a value is the same."""
    from .oracles.metamorphic import Violation

    if encode(decode(encode(value))) != encode(value):
        raise Violation(f"{value!r} does not survive encoding.")


def run_campaign(iterations: int, seed: int) -> int:
    """Run ``iterations`` examples; 0 where nothing was found, 1 with the smallest failing example printed."""
    try:
        from hypothesis import HealthCheck, Phase, given, settings
        from hypothesis import seed as with_seed
    except ImportError as error:
        raise MissingExtra("Fuzzing needs Hypothesis.", hint='Install it with: pip install "memoradb[fuzz]"') from error
    from .oracles.metamorphic import ORACLES, Violation
    from .strategies.graphs import graphs, values
    from .strategies.queries import queries

    counts = {"queries": 0, "rows": 0}

    @with_seed(seed)
    @settings(
        max_examples=iterations,
        deadline=None,
        database=None,
        suppress_health_check=(HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much),
        phases=(Phase.generate, Phase.shrink),
        print_blob=False,
    )
    @given(graphs(), queries(), values)
    def campaign(graph: Any, query: Any, value: Any) -> None:
        round_trip(value)
        with memoradb.open(None) as database:
            graph.load(database)
            for oracle in ORACLES:
                oracle(database, query)
            counts["queries"] += 1
        if counts["queries"] % 20 == 0:
            path = tempfile.mkdtemp(prefix="memoradb-fuzz-")
            try:
                reopened(graph, query, path)
            finally:
                shutil.rmtree(path, ignore_errors=True)

    try:
        campaign()
    except Violation as violation:
        print(f"FOUND after {counts['queries']} examples (seed {seed}):\n{violation}")
        return 1
    print(f"{counts['queries']} graphs and queries, {len(ORACLES)} oracles each, seed {seed}: nothing found.")
    return 0
