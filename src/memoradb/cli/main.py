"""Subcommands. Each is a short function over the Python API; heavy imports wait for their command."""

from __future__ import annotations

import sys
from typing import Any

import click

from memoradb.core.version import __version__


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="memoradb")
def commands() -> None:
    """MemoraDB: a graph, vector and text database that is an LLM's long-term memory."""


def _data_option(required: bool = True) -> Any:
    return click.option(
        "--data", "data", type=click.Path(file_okay=False), required=required, help="The data directory."
    )


@commands.command()
@_data_option()
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--http-port", default=8080, show_default=True, help="REST; 0 turns it off.")
@click.option("--wire-port", default=7688, show_default=True, help="The binary protocol; 0 turns it off.")
@click.option("--mcp-port", default=9090, show_default=True, help="MCP over HTTP; 0 turns it off.")
@click.option("--token-file", type=click.Path(exists=True, dir_okay=False), help="A file with the token clients need.")
@click.option("--sample", type=click.Choice(["python"]), help="Fill a new database with a sample graph first.")
@click.option("--durability", type=click.Choice(["strict", "group", "relaxed"]), default="strict", show_default=True)
def serve(
    data: str,
    host: str,
    http_port: int,
    wire_port: int,
    mcp_port: int,
    token_file: str | None,
    sample: str | None,
    durability: str,
) -> None:
    """Serve a database over HTTP, the wire protocol and MCP."""
    from .serve import run_server

    run_server(data, host, http_port, wire_port, mcp_port, token_file, sample, durability)


@commands.command()
@click.argument("text")
@_data_option(required=False)
@click.option("--url", help="Ask a server (http:// or memoradb://) instead of a directory.")
@click.option("--token", envvar="MEMORADB_TOKEN", help="The server's token.")
@click.option("--param", "params", multiple=True, metavar="NAME=JSON", help="A parameter; may be repeated.")
@click.option("--format", "form", type=click.Choice(["table", "json", "csv"]), default="table", show_default=True)
def query(text: str, data: str | None, url: str | None, token: str | None, params: tuple[str, ...], form: str) -> None:
    """Run one statement and print its rows."""
    from .output import show
    from .target import opened, parse_parameters

    with opened(data, url, token) as database:
        show(database.execute(text, parse_parameters(params)), form)


@commands.command()
@_data_option(required=False)
@click.option("--url", help="Talk to a server (http:// or memoradb://) instead of a directory.")
@click.option("--token", envvar="MEMORADB_TOKEN", help="The server's token.")
def shell(data: str | None, url: str | None, token: str | None) -> None:
    """Type statements, each ended by a semicolon."""
    from .shell import run_shell
    from .target import opened

    with opened(data, url, token) as database:
        run_shell(database)


@commands.command()
@click.argument("name", type=click.Choice(["python"]))
@_data_option()
@click.option("--tests", is_flag=True, help="Take the library's test packages too.")
def sample(name: str, data: str, tests: bool) -> None:
    """Load a sample graph: `python` is this Python's standard library."""
    import memoradb

    from .progress import load_sample

    with memoradb.open(data) as database:
        load_sample(database, tests)


@commands.command()
@_data_option()
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def check(data: str, as_json: bool) -> None:
    """Verify every checksum and the replay of a closed database."""
    from memoradb.storage.check import check as check_database

    report = check_database(data)
    if as_json:
        import orjson

        click.echo(orjson.dumps(report.to_dict(), option=orjson.OPT_INDENT_2).decode())
    else:
        click.echo(report.text())
    sys.exit(0 if report.ok else 1)


@commands.command()
@click.argument("campaign", type=click.Choice(["quick"]))
@click.option("--iterations", default=200, show_default=True, help="Generated graphs and queries.")
@click.option("--seed", default=0, show_default=True, help="The same seed gives the same run.")
def fuzz(campaign: str, iterations: int, seed: int) -> None:
    """Generate graphs and queries, and check what must hold for all of them."""
    from memoradb.fuzz.campaign import run_campaign

    sys.exit(run_campaign(iterations, seed))


@commands.command()
@_data_option()
def mcp(data: str) -> None:
    """Serve MCP over standard input and output."""
    import memoradb
    from memoradb.server.mcp.app import make_server

    with memoradb.open(data) as database:
        make_server(database).run("stdio")


@commands.command()
def version() -> None:
    """Print the version, and what is installed beside it."""
    from importlib.util import find_spec

    click.echo(f"memoradb {__version__} on Python {sys.version.split()[0]}")
    for name, what in (
        ("hnswlib", "vector search by HNSW"),
        ("pyarrow", "Arrow and Parquet"),
        ("hypothesis", "fuzzing"),
    ):
        found = find_spec(name) is not None
        click.echo(f"  {name}: {'installed' if found else 'not installed'} ({what})")


def main() -> None:
    """Entry point: MemoraDB's own errors are printed without a traceback."""
    from memoradb.core.errors import MemoraDBError

    try:
        commands(prog_name="memoradb")
    except MemoraDBError as error:
        click.echo(str(error), err=True)
        sys.exit(1)
