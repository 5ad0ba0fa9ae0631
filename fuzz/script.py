"""Findings as scripts: a graph, parameters and a query in one ``.mql`` file that says everything by itself.

::

    // --- graph
    CREATE (n0:A {x: 1});
    // --- parameters
    RETURN 1 AS `p`;
    // --- query
    MATCH (n:A) WHERE n.x = $p RETURN n.x;
    // --- expected
    // 1 rows
    // --- found
    // 0 rows

Sections that are comments alone are for people.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import memoradb
from memoradb.core.errors import ConfigurationError, MemoraDBError
from memoradb.memql.syntax import ast as a
from memoradb.memql.syntax.parser import parse

from .oracles.agreement import Finding
from .oracles.reference.clauses import updates_in
from .strategies.queries import Query
from .strategies.values import name_text, text_of

_MARK = "// --- "


@dataclass(frozen=True)
class Script:
    """A graph (the statement that makes it, empty for none) and a query."""

    graph: str
    query: Query
    comments: dict[str, str] = field(default_factory=dict)

    def text(self) -> str:
        """The file's content."""
        parts = []
        if self.graph:
            parts.append(f"{_MARK}graph\n{self.graph};")
        if self.query.parameters:
            items = ", ".join(f"{text_of(v)} AS {name_text(k)}" for k, v in self.query.parameters.items())
            parts.append(f"{_MARK}parameters\nRETURN {items};")
        parts.append(f"{_MARK}query\n{self.query.text};")
        for name, text in self.comments.items():
            parts.append("\n".join([f"{_MARK}{name}", *(f"// {line}" for line in text.splitlines())]))
        return "\n".join(parts) + "\n"


def script_of(graph: str, query: Query, finding: Finding) -> Script:
    """A finding as a script."""
    comments = {"oracle": f"{finding.oracle}: {finding.what}", "expected": finding.expected, "found": finding.found}
    return Script(graph, query, comments)


def read_script(path: Path) -> Script:
    """A script from its file.

    Raises:
        ConfigurationError: the file is no script.
    """
    sections: dict[str, list[str]] = {}
    at: list[str] = []
    for line in path.read_text("utf-8").splitlines():
        if line.startswith(_MARK):
            at = sections.setdefault(line.removeprefix(_MARK).strip(), [])
        elif not line.startswith("//"):
            at.append(line)
    if "query" not in sections:
        raise ConfigurationError(f"{path} is no fuzz script.", hint=f"It has no section `{_MARK}query`.")
    text = _statement(sections["query"])
    graph = _statement(sections.get("graph", []))
    parameters: dict[str, Any] = {}
    if "parameters" in sections:
        with memoradb.open(None) as database:
            result = database.execute(_statement(sections["parameters"]))
            parameters = dict(zip(result.columns, result.rows[0], strict=True))
    return Script(graph, Query(text, parameters, _writes(text)))


def _statement(lines: list[str]) -> str:
    return "\n".join(lines).strip().removesuffix(";")


def _writes(text: str) -> bool:
    try:
        body = parse(text).body
    except MemoraDBError:
        return False
    return isinstance(body, (a.SingleQuery, a.Union)) and updates_in(body)
