"""Progress of long work: a bar on a terminal, a line for each tenth elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

from memoradb.database import Database


@contextmanager
def progress(title: str) -> Iterator[Callable[[str, float], None]]:
    """A function that takes what is being done and the share done."""
    if sys.stderr.isatty():
        from rich.console import Console
        from rich.progress import Progress

        with Progress(console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task(title, total=1.0)
            yield lambda what, share: bar.update(task, completed=share, description=f"{title}: {what}")
        return
    shown = -1

    def line(what: str, share: float) -> None:
        nonlocal shown
        tenth = int(share * 10)
        while shown < tenth:
            shown += 1
            click.echo(f"{title}: {shown * 10} % ({what})", err=True)

    yield line


@contextmanager
def finished() -> Iterator[Callable[[str], None]]:
    """A function that takes what was done, and says it with the time it took."""
    started = time.monotonic()
    yield lambda what: click.echo(f"{what} in {time.monotonic() - started:.1f} s.", err=True)


def load_sample(database: Database, tests: bool = False) -> None:
    """The standard library into ``database``, with progress and a closing line."""
    from memoradb.sample.python_library import load

    started = time.monotonic()
    with progress("Loading the sample") as report:
        loaded = load(database, tests, report)
    seconds = time.monotonic() - started
    click.echo(
        f"Loaded {loaded.nodes:,} nodes and {loaded.relationships:,} relationships in {seconds:.1f} s "
        f"({loaded.skipped} files are not Python that this interpreter reads).",
        err=True,
    )
