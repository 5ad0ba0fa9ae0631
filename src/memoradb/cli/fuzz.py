"""``memoradb fuzz``: campaigns against the database, and the replay of what they found."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from memoradb.fuzz.campaign import Report, Settings


@click.group()
def fuzz() -> None:
    """Generate graphs and queries, and check what must hold for all of them.

    Every query is compared with a second, simple interpreter of the language and with itself under options that may
    change no answer. Ends with status 1 where anything was found.
    """


def _options(iterations: int | None) -> Any:
    """The options that campaigns share; ``iterations`` None: the campaign has its cases already."""
    options = [
        click.option("--seed", default=0, show_default=True, help="The same seed gives the same cases."),
        click.option(
            "--save-dir",
            type=click.Path(file_okay=False, path_type=Path),
            help="Findings are saved here as scripts, for replay.",
        ),
        click.option(
            "--mode",
            "modes",
            multiple=True,
            help="Only this oracle; may be repeated: reference, batch, rules, kernels, index, partition, print, "
            "past, reopen.",
        ),
        click.option("--timeout", type=click.FloatRange(min=0), metavar="SECONDS", help="End the campaign then."),
        click.option(
            "--max-size", "largest", type=click.IntRange(min=0), default=8, show_default=True, help="Most nodes."
        ),
        click.option(
            "--min-size", "smallest", type=click.IntRange(min=0), default=2, show_default=True, help="Fewest nodes."
        ),
    ]
    if iterations is not None:
        count = click.IntRange(min=1)
        options.append(
            click.option("--iterations", type=count, default=iterations, show_default=True, help="Generated queries.")
        )

    def decorate(command: Any) -> Any:
        for option in options:
            command = option(command)
        return command

    return decorate


def _settings(modes: tuple[str, ...], timeout: float | None, **given: Any) -> Settings:
    from memoradb.fuzz.campaign import Settings
    from memoradb.fuzz.examine import MODES

    return Settings(modes=modes or MODES, timeout_seconds=timeout, **given)


def _end(report: Report, coverage: bool = True) -> None:
    click.echo(report.text(coverage))
    sys.exit(1 if report.findings else 0)


@fuzz.command()
@_options(200)
def quick(**given: Any) -> None:
    """Cases by Hypothesis, each through every oracle."""
    from memoradb.fuzz.campaign import quick as campaign

    _end(campaign(_settings(**given)))


@fuzz.command()
@_options(10_000)
def stress(**given: Any) -> None:
    """Many cases by a fast generator; prints how often each part of the language occurred."""
    from memoradb.fuzz.campaign import stress as campaign

    _end(campaign(_settings(**given)))


@fuzz.command()
@_options(None)
def regression(**given: Any) -> None:
    """Replay all scripts of --save-dir, or those of MemoraDB's own history."""
    from memoradb.fuzz.campaign import regression as campaign

    _end(campaign(_settings(**given)), coverage=False)


@fuzz.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def replay(file: Path) -> None:
    """Run one saved script through every oracle."""
    from memoradb.fuzz.campaign import replay as run

    script, finding = run(file)
    click.echo(script.text())
    click.echo("Nothing found." if finding is None else f"FOUND by {finding.oracle}: {finding.text()}")
    sys.exit(0 if finding is None else 1)
