"""``memoradb import`` and ``memoradb export``: graphs from files and into files."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from memoradb.bulk.graph_export import Exported
    from memoradb.bulk.graph_import import Imported

FORMATS = ("csv", "parquet", "arrow", "jsonl", "graphml")
_ENDINGS = {
    ".csv": "csv",
    ".parquet": "parquet",
    ".arrow": "arrow",
    ".feather": "arrow",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".graphml": "graphml",
    ".xml": "graphml",
}
_TABLES = ("parquet", "arrow")


@click.command(name="import")
@click.argument("sources", nargs=-1, type=click.Path(exists=True))
@click.option(
    "--data", required=True, type=click.Path(file_okay=False), help="Directory of the database; made where none is."
)
@click.option(
    "--nodes",
    multiple=True,
    metavar="[LABELS=]FILE[,FILE...]",
    help="Files of nodes (CSV, Parquet, Arrow) with Neo4j's import headers; of CSV files the first has the header. "
    "LABELS are as Person:Actor. May be repeated.",
)
@click.option(
    "--relationships", multiple=True, metavar="[TYPE=]FILE[,FILE...]", help="Likewise relationships. May be repeated."
)
@click.option("--format", "form", type=click.Choice(FORMATS), help="Of the files; else their names tell.")
@click.option("--label", multiple=True, help="JSONL: every object is a node with this label. May be repeated.")
@click.option("--delimiter", default=",", show_default=True, help="CSV: between fields; TAB is one, too.")
@click.option("--quote", default='"', show_default=True, help="CSV: around fields; NONE where none are.")
@click.option("--array-delimiter", default=";", show_default=True, help="CSV: between items of lists, and labels.")
@click.option("--multiline-fields", is_flag=True, help="CSV: quoted fields may hold line ends.")
@click.option("--encoding", default="utf-8", show_default=True, help="CSV: of the files.")
@click.option(
    "--id-type",
    type=click.Choice(["string", "integer"]),
    default="string",
    show_default=True,
    help="CSV: what ids become that are kept as properties.",
)
@click.option("--id-property", metavar="NAME", help="Keep the ids of nodes as this property.")
@click.option(
    "--match",
    multiple=True,
    metavar="SPACE=LABEL.PROPERTY",
    help="Ids of this space are also those of nodes that are there already. May be repeated.",
)
@click.option("--bad-rows", type=click.Path(dir_okay=False), help="Write rows that are left out to this CSV file.")
@click.option(
    "--bad-tolerance",
    type=click.IntRange(min=0),
    default=1_000,  # as Neo4j's import tool
    show_default=True,
    help="Bad rows to leave out; one more ends the import.",
)
@click.option(
    "--resume/--no-resume",
    default=None,
    help="Go on where an import of the same files stopped, or begin anew; by default it is an error if one did.",
)
def import_command(
    sources: tuple[str, ...],
    data: str,
    nodes: tuple[str, ...],
    relationships: tuple[str, ...],
    form: str | None,
    label: tuple[str, ...],
    delimiter: str,
    quote: str,
    array_delimiter: str,
    multiline_fields: bool,
    encoding: str,
    id_type: str,
    id_property: str | None,
    match: tuple[str, ...],
    bad_rows: str | None,
    bad_tolerance: int,
    resume: bool | None,
) -> None:
    """Load a graph from files.

    SOURCES are JSONL or GraphML files, or a directory that `memoradb export` wrote. Tables, CSV above all, are given by
    --nodes and --relationships instead.

    An import that is interrupted keeps what it loaded, and --resume goes on without losing or doubling a row.

    \b
    Examples:
      memoradb import --data d --nodes Person=people.csv --relationships KNOWS=knows.csv
      memoradb import --data d --nodes "Person=header.csv,part-1.csv.gz,part-2.csv.gz" --bad-rows bad.csv
      memoradb import --data d graph.jsonl
    """  # noqa: D301
    import memoradb

    from .progress import finished, progress

    if bool(sources) == bool(nodes or relationships):
        raise click.UsageError("Give files or a directory, or else --nodes and --relationships.")
    found = form or _format_of(list(sources) or [f for group in (*nodes, *relationships) for f in _split(group)[1]])
    common: dict[str, Any] = {"bad_rows": bad_rows, "bad_tolerance": bad_tolerance, "resume": resume}
    if id_property is not None:
        common["id_property"] = id_property
    if found in ("csv", *_TABLES):
        if sources:
            directories = [source for source in sources if os.path.isdir(source)]
            if len(sources) != 1 or not directories:
                raise click.UsageError("Files of tables are given by --nodes and --relationships.")
            common["directory"] = directories[0]
        else:
            common |= {"nodes": _groups(nodes), "relationships": _groups(relationships)}
        common["match"] = dict(map(_match, match))
    if found == "csv":
        common |= {
            "delimiter": {"TAB": "\t", "\\t": "\t"}.get(delimiter, delimiter),
            "quote": None if quote.upper() == "NONE" else quote,
            "array_delimiter": array_delimiter,
            "multiline_fields": multiline_fields,
            "encoding": encoding,
            "id_type": id_type,
        }
    with memoradb.open(data) as database, finished() as done:
        with progress("Importing") as report:
            match found:
                case "csv":
                    loaded = database.import_csv(**common, progress=report)
                case "jsonl":
                    loaded = database.import_jsonl(list(sources), label=label or None, **common, progress=report)
                case "graphml":
                    loaded = database.import_graphml(list(sources), **common, progress=report)
                case _:
                    loaded = database.import_tables(**common, progress=report)
        left_out = f"; {_counted(loaded.bad_rows, 'bad row')} left out" if loaded.bad_rows else ""
        where = f" (see {bad_rows})" if loaded.bad_rows and bad_rows else ""
        done(f"Imported {_elements(loaded)}{left_out}{where}")


@click.command(name="export")
@click.argument("target", type=click.Path())
@click.option("--data", required=True, type=click.Path(file_okay=False, exists=True), help="Directory of the database.")
@click.option("--format", "form", type=click.Choice(FORMATS), help="Else the name of the target tells.")
@click.option("--query", metavar="TEXT", help="Only the nodes, relationships and paths that this statement returns.")
@click.option("--param", "params", multiple=True, metavar="NAME=VALUE", help="Value of $NAME of the query, as JSON.")
@click.option("--transaction", type=click.IntRange(min=0), help="The graph as of the end of this transaction.")
def export_command(
    target: str, data: str, form: str | None, query: str | None, params: tuple[str, ...], transaction: int | None
) -> None:
    """Write the graph to files.

    TARGET is a file for JSONL and GraphML (graph.jsonl, graph.graphml), and for CSV, Parquet and Arrow a directory that
    is made or empty. What is written can be imported again, and gives the same graph; CSV also by Neo4j's import tool.

    \b
    Examples:
      memoradb export --data d graph.jsonl
      memoradb export --data d --format parquet tables
      memoradb export --data d --query "MATCH p = (:Person)-[:KNOWS]->() RETURN p" friends.graphml
    """  # noqa: D301
    import memoradb

    from .progress import finished, progress
    from .target import parse_parameters

    found = form or _format_of([target])
    options: dict[str, Any] = {"query": query, "transaction": transaction}
    if query is not None:
        options["parameters"] = parse_parameters(params)
    with memoradb.open(data, create=False) as database, finished() as done:
        write = {
            "csv": database.export_csv,
            "parquet": database.export_parquet,
            "arrow": database.export_arrow,
            "jsonl": database.export_jsonl,
            "graphml": database.export_graphml,
        }[found]
        with progress("Exporting") as report:
            written = write(target, **options, progress=report)
        done(f"Exported {_elements(written)} to {target}")


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _elements(done: Imported | Exported) -> str:
    return f"{_counted(done.nodes, 'node')} and {_counted(done.relationships, 'relationship')}"


def _format_of(paths: list[str]) -> str:
    """The format that the names tell; UsageError where they tell none, or several."""
    names = [name for path in paths for name in (os.listdir(path) if os.path.isdir(path) else [path])]
    found = {form for name in names if (form := _ENDINGS.get(os.path.splitext(name.lower().removesuffix(".gz"))[1]))}
    if found == set(_TABLES):
        return "parquet"
    if len(found) != 1:
        shown = f"several formats: {', '.join(sorted(found))}" if found else "no format"
        raise click.UsageError(f"The names of the files tell {shown}; --format says which it is.")
    return found.pop()


def _split(group: str) -> tuple[str, list[str]]:
    names, mark, files = group.partition("=")
    if not mark:
        names, files = "", group
    return names, [file for file in files.split(",") if file]


def _groups(options: tuple[str, ...]) -> list[Any]:
    """Files as ``Database.import_csv`` takes them."""
    groups: list[Any] = []
    for option in options:
        names, files = _split(option)
        if not files:
            raise click.UsageError(f"{option!r} names no file; write [LABELS=]FILE[,FILE...].")
        groups.append({names: files})
    return groups


def _match(option: str) -> tuple[str, tuple[str, str]]:
    space, mark, place = option.partition("=")
    label, dot, key = place.partition(".")
    if not (mark and dot and label and key):
        raise click.UsageError(f"{option!r} is no match; write SPACE=LABEL.PROPERTY.")
    return space, (label, key)
