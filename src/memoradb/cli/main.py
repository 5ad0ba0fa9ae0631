"""Subcommands. Each is a short function over the Python API; heavy imports wait for their command."""

from __future__ import annotations

import sys
from typing import Any

import click

from memoradb.core import limits
from memoradb.core.version import __version__

from .fuzz import fuzz
from .transfer import export_command, import_command


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="memoradb")
def commands() -> None:
    """MemoraDB: a graph, vector and text database that is an LLM's long-term memory.

    \b
    First steps:
      memoradb serve --data ./memoradb-data --sample python
      memoradb query --url memoradb://127.0.0.1:7688 "MATCH (n) RETURN count(n)"
      memoradb shell --data ./other-data
    """  # noqa: D301 - click wants the backspace character itself


def _data_option(required: bool = True, help: str = "Directory of the database; made where there is none.") -> Any:
    return click.option("--data", "data", type=click.Path(file_okay=False), required=required, help=help)


def _target_options(command: Any) -> Any:
    """Where ``query`` and ``shell`` find their database."""
    options: tuple[Any, ...] = (
        click.option("--token", envvar="MEMORADB_TOKEN", help="The server's token; also taken from MEMORADB_TOKEN."),
        click.option("--url", help="A server, as http://HOST:PORT or memoradb://HOST:PORT, instead of a directory."),
        _data_option(required=False, help="Directory of a database that no server has open; made where there is none."),
    )
    for option in options:
        command = option(command)
    return command


@commands.command()
@_data_option()
@click.option(
    "--host", default="127.0.0.1", show_default=True, help="Address to listen on; beyond loopback needs a token."
)
@click.option("--http-port", default=8080, show_default=True, help="HTTP with JSON; 0 turns it off.")
@click.option(
    "--wire-port", default=7688, show_default=True, help="The binary protocol of memoradb://; 0 turns it off."
)
@click.option("--mcp-port", default=9090, show_default=True, help="MCP for language models, at /mcp; 0 turns it off.")
@click.option(
    "--token-file",
    type=click.Path(dir_okay=False),
    help="A file with the token that clients must present. MEMORADB_TOKEN in the environment does the same.",
)
@click.option("--sample", type=click.Choice(["python"]), help="Fill a new database with this sample graph first.")
@click.option(
    "--timeout-ms", default=limits.QUERY_TIMEOUT_MS, show_default=True, help="The longest a statement may run."
)
@click.option(
    "--durability",
    type=click.Choice(["strict", "group", "relaxed"]),
    default="strict",
    show_default=True,
    help="When a commit is answered: on disk (strict), likewise but in company (group), at once (relaxed).",
)
@click.option(
    "--history",
    default="all",
    show_default=True,
    metavar="ALL|DURATION|SIZE",
    help="How much of the past is kept: all of it, a duration (36h, 7d), or bytes of log (10GB).",
)
@click.option(
    "--memory-limit",
    default="80%",
    show_default=True,
    metavar="SIZE",
    help="What graph and open transactions may take together: 4GB, 512MiB, or a part of the machine's memory.",
)
def serve(
    data: str,
    host: str,
    http_port: int,
    wire_port: int,
    mcp_port: int,
    token_file: str | None,
    sample: str | None,
    timeout_ms: int,
    durability: str,
    history: str,
    memory_limit: str,
) -> None:
    """Serve a database over HTTP, the wire protocol and MCP.

    Without a token only programs on this machine can connect, and nobody must log in. Ctrl-C or SIGTERM stop the
    server: running statements get five seconds to end.
    """
    from memoradb.server.config import ServerConfig

    from .serve import read_token, run_server

    config = ServerConfig(host, http_port, wire_port, mcp_port, read_token(token_file), timeout_ms)
    run_server(data, config, sample, durability, history, memory_limit)


@commands.command()
@click.argument("text")
@_target_options
@click.option(
    "--param",
    "params",
    multiple=True,
    metavar="NAME=VALUE",
    help="Value of $NAME as JSON; anything else is a string. May be repeated.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json", "csv"]),
    default="table",
    show_default=True,
    help="json prints one object a line.",
)
@click.option(
    "--plan",
    "plan_file",
    type=click.Path(dir_okay=False, allow_dash=True),
    metavar="FILE",
    help="Write the plan of EXPLAIN or PROFILE to FILE as JSON; - is standard output, instead of the rows.",
)
def query(
    text: str,
    data: str | None,
    url: str | None,
    token: str | None,
    params: tuple[str, ...],
    form: str,
    plan_file: str | None,
) -> None:
    """Run one statement and print its rows, or what it changed.

    TEXT is the statement; - reads it from standard input. EXPLAIN before a statement prints its plan, PROFILE runs it
    and prints the plan with what each step did; EXPLAIN VERBOSE and PROFILE VERBOSE say why it is this plan.

    \b
    Examples:
      memoradb query --data d "CREATE (:Person {name: 'Ada'})"
      memoradb query --data d 'MATCH (p:Person {name: $who}) RETURN p' --param who=Ada
      memoradb query --url http://127.0.0.1:8080 --format csv - < report.memql
      memoradb query --data d --plan plan.json 'PROFILE VERBOSE MATCH (p:Person)-->(q) RETURN count(*)'
    """  # noqa: D301
    from .output import show, write_plan
    from .target import opened, parse_parameters

    parameters = parse_parameters(params)
    if text == "-":
        try:
            text = sys.stdin.buffer.read().decode("utf-8")
        except UnicodeDecodeError as error:
            raise click.UsageError(f"Standard input is not UTF-8: {error}.") from None
    with opened(data, url, token) as database:
        result = database.execute(text, parameters)
        if plan_file is not None:
            write_plan(result, plan_file)
        if plan_file != "-":
            show(result, form)


@commands.command()
@_target_options
def shell(data: str | None, url: str | None, token: str | None) -> None:
    """Type statements and see their results.

    Each ends with a semicolon; :help lists the shell's own commands. Also runs scripts (memoradb shell --data d <
    script.memql): an error does not end a script, but the exit status is then 1.
    """
    from .shell import run_shell
    from .target import opened

    with opened(data, url, token) as database:
        went_well = run_shell(database)
    sys.exit(0 if went_well else 1)


@commands.command()
@click.argument("name", type=click.Choice(["python"]))
@_data_option()
@click.option("--tests", is_flag=True, help="Take the library's test packages too.")
def sample(name: str, data: str, tests: bool) -> None:
    """Load a sample graph into a database.

    `python` is the standard library of the Python that runs this: its packages, modules, classes, functions and
    parameters, and how they contain, import, inherit, call and raise each other.
    """
    import memoradb

    from .progress import load_sample

    with memoradb.open(data) as database:
        load_sample(database, tests)


@commands.command()
@_data_option(help="Directory of a database that nothing has open.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.option(
    "--salvage",
    "target",
    type=click.Path(file_okay=False),
    help="Copy what can be proven good to this directory, which must be empty or not there.",
)
def check(data: str, as_json: bool, target: str | None) -> None:
    """Verify the files of a database, or save what is good of a damaged one.

    Every checksum, the chain over the log, every index and count, and that log and checkpoints give one graph. Reads
    only, mends nothing. With --salvage the newest state that can be proven is copied, and what was lost is said;
    the damaged database stays as it is.

    Exit status: 0 no problem, 1 problems (with --salvage: something was lost), 2 it could not be done (no database
    there, or one that is open).
    """
    from memoradb.core.errors import MemoraDBError
    from memoradb.storage.check import check as check_database
    from memoradb.storage.salvage import salvage

    try:
        report = check_database(data) if target is None else salvage(data, target)
    except MemoraDBError as error:
        click.echo(str(error), err=True)
        sys.exit(2)
    if as_json:
        import orjson

        click.echo(orjson.dumps(report.to_dict(), option=orjson.OPT_INDENT_2).decode())
    else:
        click.echo(report.text())
    sys.exit(0 if report.ok else 1)


@commands.command()
@_data_option(required=False, help="Directory of a database that nothing has open: it uses the table from then on.")
@click.option("--out", type=click.Path(dir_okay=False), help="Write the table to this file instead.")
def calibrate(data: str | None, out: str | None) -> None:
    """Measure what the engine's primitives cost on this machine, for the optimizer.

    Takes some seconds on an idle machine and writes a small table of nanoseconds, which the planner uses instead of its
    defaults: costs.json in the database's directory, or the file given with --out. Answers do not depend on it, only
    which plan is taken to be the fastest. Delete the table to go back to the defaults.
    """
    from .calibrate import calibrated

    if (data is None) == (out is None):
        raise click.UsageError("Give either --data or --out.")
    calibrated(data, out)


commands.add_command(fuzz)
commands.add_command(import_command)
commands.add_command(export_command)


@commands.command()
@_data_option()
def mcp(data: str) -> None:
    """Serve MCP over standard input and output.

    For a client that starts this command itself. The database must not be open elsewhere; a running server speaks MCP
    too, at http://HOST:9090/mcp.
    """
    import memoradb
    from memoradb.server.config import ServerConfig
    from memoradb.server.mcp.app import make_server
    from memoradb.server.session import SessionCore

    with memoradb.open(data) as database:
        core = SessionCore(database, ServerConfig(http_port=0, wire_port=0, mcp_port=0))
        try:
            make_server(core).run("stdio")
        finally:
            core.close()


@commands.command()
def version() -> None:
    """Print the version, and which optional libraries are installed."""
    from importlib.util import find_spec

    click.echo(f"memoradb {__version__} on Python {sys.version.split()[0]}")
    for name, present, absent in (
        ("hnswlib", "vector search by HNSW", "vector search scans exactly"),
        ("pyarrow", "Arrow and Parquet", "no Arrow and Parquet"),
        ("hypothesis", "memoradb fuzz", "no memoradb fuzz"),
    ):
        found = find_spec(name) is not None
        click.echo(f"  {name}: {f'installed ({present})' if found else f'not installed ({absent})'}")


def main() -> None:
    """Entry point: MemoraDB's own errors are printed without a traceback."""
    from memoradb.core.errors import MemoraDBError

    try:
        commands(prog_name="memoradb")
    except MemoraDBError as error:
        click.echo(str(error), err=True)
        sys.exit(1)
