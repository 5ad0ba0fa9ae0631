"""``memoradb calibrate``: measures on a graph of its own, in memory, and writes the table."""

from __future__ import annotations

from pathlib import Path

import click


def calibrated(data: str | None, out: str | None) -> None:
    """Measure, write and show. ``data``: the directory of a database; ``out``: a file instead."""
    import memoradb
    from memoradb.core.errors import ForeignDirectory
    from memoradb.memql.cost.calibration import changed, measure, steps
    from memoradb.memql.cost.constants import DEFAULTS, in_use, use
    from memoradb.memql.cost.table import FILE, to_json

    if data is not None and not (Path(data) / "memoradb.json").exists():
        raise ForeignDirectory(f"There is no database at {data}.", hint="Open it once, or write the table with --out.")
    before = in_use()
    use(DEFAULTS)  # the graph is made, and measured, with the plans that every table is measured with
    try:
        with memoradb.open(None) as database:
            for _ in steps(database.execute):
                pass
            database.storage.store.fold()
            costs = measure(database.snapshot())
    finally:
        use(before)
    place = Path(out) if out is not None else Path(data or "") / FILE
    if data is None:
        place.write_bytes(to_json(costs))
    else:
        place.unlink(missing_ok=True)  # one that cannot be read would keep the database from opening
        with memoradb.open(data, create=False):  # nobody else has it open while it gets its table
            place.write_bytes(to_json(costs))
    click.echo(f"{'nanoseconds':24} {'default':>10} {'measured':>10}")
    for name, default, found in changed(costs):
        click.echo(f"{name:24} {default:10,.1f} {found:10,.1f}")
    click.echo(f"Written to {place}.")
