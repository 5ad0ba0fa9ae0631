"""The pages of the language reference that are made from declarations.

Functions and procedures from their registries, errors from ``core/errors.py``, limits from ``core/limits.py``, keywords
from ``grammar/keywords.txt`` and the tokenizer, the optimizer from its rules. ``pytest --rewrite-golden tests/docs``
writes them.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Iterator
from pathlib import Path

from doc_blocks import read_page
from doc_function_examples import EXAMPLES
from doc_optimizer import optimizer_page
from doc_rendering import result_text
from doc_runner import PEOPLE, ROOT, steady_database

from memoradb import Database
from memoradb.core import errors, limits
from memoradb.core.error_table import FAULTS
from memoradb.memql.functions.registry import FunctionDefinition
from memoradb.memql.syntax.tokens import RESERVED

NOTE = "<!-- Made from the code's declarations by `pytest --rewrite-golden tests/docs`: do not edit. -->"

FAMILIES = {
    "aggregate": (
        "Aggregating functions",
        "They make one value of a group of rows: see [Aggregates](../aggregates.md).",
    ),
    "numeric": ("Numbers", "Integers and floats; a result that does not fit 64 bits is an error."),
    "text": ("Strings", "Positions count characters from 0."),
    "lists": ("Lists", "Most of these take strings too."),
    "graph": ("Graph elements and maps", "Nodes, relationships, paths, and their properties."),
    "temporal": ("Temporal functions", "See [Temporal values](../temporal.md)."),
    "vector": ("Vectors and points", "See [Vectors](../vectors.md) and [Points](../spatial.md)."),
    "conversion": ("Conversion", "What a string does not say is null; a type that cannot be converted is an error."),
    "ai": ("Embedding", "Text to vectors: see [Vectors](../vectors.md)."),
}


def _prose(docstring: str) -> str:
    """A docstring's text as Markdown."""
    return docstring.strip().replace("``", "`")


def _people() -> Database:
    database = steady_database()
    for block in read_page(PEOPLE).examples:
        if "graph" in block.flags:
            database.execute(block.text)
    return database


# --- functions ---------------------------------------------------------------


def family_of(definition: FunctionDefinition) -> str:
    """The page that a function stands on."""
    if definition.aggregate:
        return "aggregate"
    if definition.name.startswith("ai."):
        return "ai"
    return definition.evaluate.__module__.rpartition(".")[2]


def functions(database: Database) -> Iterator[tuple[FunctionDefinition, list[str]]]:
    """Each function with its other names. Operators, which have no description, are left out."""
    found: dict[object, tuple[FunctionDefinition, list[str]]] = {}
    for definition in database.query_engine.functions:
        if not definition.description:
            continue
        key = definition.name if definition.aggregate else definition.evaluate
        if key in found and definition.name in EXAMPLES:
            other = found[key]
            found[key] = (definition, [*other[1], other[0].name])
        elif key in found:
            found[key][1].append(definition.name)
        else:
            found[key] = (definition, [])
    yield from sorted(found.values(), key=lambda f: f[0].name.lower())


def function_page(family: str, database: Database) -> str:
    """The page of one family of functions."""
    title, text = FAMILIES[family]
    lines = [f"# {title}", "", NOTE, "", text, ""]
    if family == "aggregate":
        lines += ["Rows where the argument is null are left out.", ""]
    else:
        lines += [
            "A `?` marks an argument that may be left out. Where an argument is null, so is the result, unless the"
        ]
        lines += ["function says otherwise.", ""]
    for definition, aliases in functions(database):
        if family_of(definition) != family:
            continue
        lines += [f"## {definition.name}", "", f"`{definition.signature}`", "", _prose(definition.description)]
        if aliases:
            lines[-1] += f" Also called {', '.join(f'`{a}`' for a in sorted(aliases))}."
        if not definition.null_propagates and not definition.aggregate:
            lines[-1] += " It takes null."
        example = EXAMPLES.get(definition.name)
        if example is None:
            raise LookupError(f"{definition.name} has no example in tests/docs/doc_function_examples.py")
        shown = result_text(database.execute(example))
        lines += [
            "",
            *_people_directive(lines),
            "```memql",
            example,
            "```",
            "",
            "```text",
            *shown.split("\n"),
            "```",
            "",
        ]
    return "\n".join(lines)


def _people_directive(lines: list[str]) -> list[str]:
    return [] if any(line.startswith("<!-- database") for line in lines) else ["<!-- database: people -->", ""]


# --- procedures --------------------------------------------------------------


def procedures_page(database: Database) -> str:
    """The page of all built-in procedures."""
    lines = ["# Procedures", "", NOTE, ""]
    lines += ["They are run by [CALL](call.md). A `?` after a type lets null in. The mode says whether it writes.", ""]
    for procedure in database.query_engine.procedures:
        lines += [f"## {procedure.name}", "", procedure.description, "", f"Mode: `{procedure.mode}`.", ""]
        for what, fields in (("Input", procedure.inputs), ("Yields", procedure.outputs)):
            if not fields:
                continue
            lines += [f"| {what} | Type |", "|---|---|"]
            for i, field in enumerate(fields):
                left_out = what == "Input" and i >= len(fields) - procedure.optional
                lines.append(f"| `{field.name}` | `{field.type_text}`{', may be left out' if left_out else ''} |")
            lines.append("")
    return "\n".join(lines)


# --- errors ------------------------------------------------------------------


def _error_classes(root: type[errors.MemoraDBError]) -> Iterator[tuple[int, type[errors.MemoraDBError]]]:
    def walk(kind: type[errors.MemoraDBError], depth: int) -> Iterator[tuple[int, type[errors.MemoraDBError]]]:
        yield depth, kind
        for below in sorted(kind.__subclasses__(), key=lambda c: inspect.getsourcelines(c)[1]):
            if below.__module__ == errors.__name__:
                yield from walk(below, depth + 1)

    yield from walk(root, 0)


def errors_page() -> str:
    """The page of all errors."""
    lines = [
        "# Errors and their codes",
        "",
        NOTE,
        "",
        "Every error has a `code`, by which drivers know it, a `gqlstatus`, a message that says what happened, where",
        "it can a position with line and column, and a `hint` that says what to do. What fails has no effect.",
        "",
        "```memql error",
        "MATCH (friend:Person) WHERE freind.age > 30 RETURN friend",
        "```",
        "",
        "```text",
        *_message("MATCH (friend:Person) WHERE freind.age > 30 RETURN friend").split("\n"),
        "```",
        "",
        "Errors form a tree; catching a class catches all below it. A *retryable* error had to do with other",
        "transactions: run the transaction again.",
        "",
        "| Class | Code | GQLSTATUS | Meaning |",
        "|---|---|---|---|",
    ]
    for depth, kind in _error_classes(errors.MemoraDBError):
        meaning = _prose(kind.__doc__ or "").split("\n")[0]
        if kind.retryable:
            meaning += " Retryable."
        indent = "&nbsp;&nbsp;" * depth
        code = kind.code.removeprefix("Neo.")
        lines.append(f"| {indent}`{kind.__name__}` | `Neo.{code}` | `{kind.gqlstatus}` | {meaning} |")
    lines += [
        "",
        "## Faults of a statement",
        "",
        "An error of a statement also says `kind`, `phase` and `detail`, in openCypher's words; they decide its",
        "GQLSTATUS.",
        "",
        "| Kind | Phase | Detail | GQLSTATUS |",
        "|---|---|---|---|",
    ]
    lines += [f"| {f.kind} | {f.phase} | `{f.detail}` | `{f.gqlstatus}` |" for f in FAULTS]
    return "\n".join([*lines, ""])


def _message(query: str) -> str:
    try:
        steady_database().execute(query)
    except errors.MemoraDBError as error:
        return str(error)
    raise AssertionError("the example does not fail")


# --- limits ------------------------------------------------------------------


def documented_constants(module: object) -> Iterator[tuple[str, object, str]]:
    """(name, value, docstring) of a module's constants, in order."""
    tree = ast.parse(inspect.getsource(module))  # pyright: ignore[reportArgumentType]
    for node, following in zip(tree.body, tree.body[1:], strict=False):
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and isinstance(following, ast.Expr):
            if isinstance(following.value, ast.Constant) and isinstance(following.value.value, str):
                name = node.target.id
                yield name, getattr(module, name), " ".join(following.value.value.split())


def limits_page() -> str:
    """The page of all limits."""
    lines = ["# Limits", "", NOTE, "", "Reaching one is a clear error that names it, never a crash.", ""]
    lines += ["| Limit | Value | What and why |", "|---|---|---|"]
    for name, value, text in documented_constants(limits):
        shown = f"{value:,}" if isinstance(value, int) else str(value)
        lines.append(f"| `{name}` | {shown} | {_prose(text)} |")
    return "\n".join([*lines, ""])


# --- keywords ----------------------------------------------------------------


def keywords_page() -> str:
    """The page of all words of the language, from ``grammar/keywords.txt``."""
    words: dict[str, list[tuple[str, str]]] = {"reserved": [], "contextual": []}
    for line in (ROOT / "grammar" / "keywords.txt").read_text("utf-8").split("\n"):
        if line and not line.startswith("#"):
            word, kind, reason = line.split(None, 2)
            words[kind].append((word, reason))
    if {word for word, _ in words["reserved"]} != RESERVED:
        raise LookupError("grammar/keywords.txt and the tokenizer disagree about the reserved words")
    lines = [
        "# Keywords",
        "",
        NOTE,
        "",
        "Keywords are written in any case.",
        "",
        "## Reserved words",
        "",
        "By themselves they are no names. Between backticks, after a dot, as a label or type, after `AS` and as a key",
        "of a map they are.",
        "",
        "```memql",
        "WITH {match: 1, `order by`: 2} AS x RETURN x.match AS return, x.`order by` AS `a name`",
        "```",
        "",
        "```text",
        "return | a name",
        "-------+-------",
        "1      | 2",
        "```",
        "",
        *_word_table(words["reserved"]),
        "## Words that are keywords in their places",
        "",
        "Everywhere else they are names like others.",
        "",
        *_word_table(words["contextual"]),
    ]
    return "\n".join(lines)


def _word_table(words: list[tuple[str, str]]) -> list[str]:
    rows = [f"| `{word}` | {reason.replace('|', chr(92) + '|')} |" for word, reason in words]
    return ["| Word | Where |", "|---|---|", *rows, ""]


# --- all of them -------------------------------------------------------------


def pages() -> dict[Path, Callable[[], str]]:
    """What makes each page, by its place."""
    folder = ROOT / "docs" / "memql"
    found: dict[Path, Callable[[], str]] = {
        folder / "functions" / f"{family}.md": lambda family=family: function_page(family, _people())
        for family in FAMILIES
    }
    return found | {
        folder / "procedures.md": lambda: procedures_page(_people()),
        folder / "errors.md": errors_page,
        folder / "limits.md": limits_page,
        folder / "keywords.md": keywords_page,
        ROOT / "docs" / "optimizer.md": lambda: optimizer_page(NOTE),
    }
