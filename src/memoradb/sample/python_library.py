"""The sample graph ``python``: this interpreter's standard library.

    (:Package)-[:CONTAINS]->(:Module)-[:CONTAINS]->(:Class)-[:CONTAINS]->(:Function)-[:CONTAINS]->(:Parameter)
    (:Module)-[:IMPORTS]->(:Module)       (:Class)-[:INHERITS]->(:Class)
    (:Function)-[:CALLS]->(:Function|Class)       (:Function)-[:RAISES]->(:Class)

A package is ``:Package:Module``. Docstrings are the property ``doc``; functions and classes that have one carry its
vector in ``embedding``. Everything goes in through the public bulk calls.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from memoradb.core.values import Value
from memoradb.database import Database
from memoradb.memory.embed.hashed import embed_many

from .python_source import (
    FunctionSource,
    ModuleSource,
    Resolver,
    builtin_classes,
    read,
    source_files,
    standard_library,
)

Progress = Callable[[str, float], None]

SCHEMA = (
    "CREATE CONSTRAINT package_name IF NOT EXISTS FOR (n:Package) REQUIRE n.name IS UNIQUE",
    "CREATE CONSTRAINT module_name IF NOT EXISTS FOR (n:Module) REQUIRE n.name IS UNIQUE",
    "CREATE INDEX class_name IF NOT EXISTS FOR (n:Class) ON (n.name)",
    "CREATE INDEX class_qualified_name IF NOT EXISTS FOR (n:Class) ON (n.qualified_name)",
    "CREATE INDEX function_name IF NOT EXISTS FOR (n:Function) ON (n.name)",
    "CREATE INDEX function_qualified_name IF NOT EXISTS FOR (n:Function) ON (n.qualified_name)",
    "CREATE FULLTEXT INDEX docs IF NOT EXISTS FOR (n:Module|Class|Function) ON EACH [n.name, n.doc]",
    "CREATE VECTOR INDEX function_meaning IF NOT EXISTS FOR (n:Function) ON (n.embedding) "
    "OPTIONS {indexConfig: {`vector.dimensions`: 256, `vector.similarity_function`: 'cosine'}}",
)


@dataclass(slots=True)
class Loaded:
    """What the sample holds, for the closing line."""

    nodes: int = 0
    relationships: int = 0
    skipped: int = 0


@dataclass(slots=True)
class _Edges:
    """Relationships of one type, by qualified name until the nodes have ids."""

    starts: list[str] = field(default_factory=list)
    ends: list[str] = field(default_factory=list)

    def add(self, start: str, end: str) -> None:
        self.starts.append(start)
        self.ends.append(end)


class _Loader:
    def __init__(self, database: Database, progress: Progress) -> None:
        self._database = database
        self._progress = progress
        self._ids: dict[str, int] = {}
        self.loaded = Loaded()

    def run(self, tests: bool) -> Loaded:
        root = standard_library()
        files = source_files(root, tests)
        modules: list[ModuleSource] = [builtin_classes()]
        for i, (name, path) in enumerate(files):
            module = read(name, path, root)
            if module is None:
                self.loaded.skipped += 1
            else:
                modules.append(module)
            self._progress("reading", 0.4 * (i + 1) / len(files))
        for statement in SCHEMA:
            self._database.execute(statement)
        self._nodes(modules)
        self._progress("nodes", 0.75)
        self._relationships(modules)
        self._progress("relationships", 0.97)
        self._database.checkpoint()
        self._progress("done", 1.0)
        return self.loaded

    def _add(self, labels: Sequence[str], keys: Sequence[str], columns: dict[str, list[Any]]) -> None:
        if not keys:
            return
        ids = self._database.import_nodes(list(labels), columns)
        self._ids.update(zip(keys, ids, strict=True))
        self.loaded.nodes += len(ids)

    def _nodes(self, modules: list[ModuleSource]) -> None:
        for is_package, labels in ((True, ("Module", "Package")), (False, ("Module",))):
            chosen = [m for m in modules if m.is_package == is_package]
            self._add(
                labels,
                [m.name for m in chosen],
                {
                    "name": [m.name for m in chosen],
                    "path": [m.path for m in chosen],
                    "lines": [m.lines for m in chosen],
                    "doc": [m.doc for m in chosen],
                },
            )
        classes = list({c.qualified_name: c for m in modules for c in m.classes}.values())
        self._add(
            ("Class",),
            [c.qualified_name for c in classes],
            {
                "name": [c.name for c in classes],
                "qualified_name": [c.qualified_name for c in classes],
                "line": [c.line for c in classes],
                "doc": [c.doc for c in classes],
                "builtin": [True if c.is_builtin else None for c in classes],
            },
        )
        self._progress("classes", 0.45)
        functions = list(_functions(modules).values())
        self._add(
            ("Function",),
            [f.qualified_name for f in functions],
            {
                "name": [f.name for f in functions],
                "qualified_name": [f.qualified_name for f in functions],
                "line": [f.line for f in functions],
                "lines": [f.lines for f in functions],
                "is_method": [f.method_of is not None for f in functions],
                "is_async": [f.is_async for f in functions],
                "doc": [f.doc for f in functions],
                "embedding": _embeddings([f.doc for f in functions]),
            },
        )
        self._progress("functions", 0.65)
        parameters = [(f"{f.qualified_name}({p.name})", p) for f in functions for p in f.parameters]
        self._add(
            ("Parameter",),
            [key for key, _ in parameters],
            {
                "name": [p.name for _, p in parameters],
                "position": [p.position for _, p in parameters],
                "kind": [p.kind for _, p in parameters],
                "annotation": [p.annotation for _, p in parameters],
                "default": [p.default for _, p in parameters],
            },
        )

    def _relationships(self, modules: list[ModuleSource]) -> None:
        resolver = Resolver(modules)
        contains, imports, inherits, calls, raises = _Edges(), _Edges(), _Edges(), _Edges(), _Edges()
        for module in modules:
            parent = module.name.rpartition(".")[0]
            if parent in resolver.modules:
                contains.add(parent, module.name)
            for name in sorted(resolver.imported_modules(module)):
                imports.add(module.name, name)
            for source in module.classes:
                contains.add(_owner(source.qualified_name), source.qualified_name)
                for base in resolver.bases(source.qualified_name):
                    inherits.add(source.qualified_name, base)
        by_name = _functions(modules)
        homes = {f.qualified_name: m for m in modules for f in m.functions}
        for name, function in by_name.items():
            module = homes[name]
            contains.add(_owner(name), name)
            for parameter in function.parameters:
                contains.add(name, f"{name}({parameter.name})")
            for target in dict.fromkeys(resolver.called(module, function, c) for c in function.calls):
                if target is not None and target != name:
                    calls.add(name, target)
            for target in dict.fromkeys(resolver.definition(module, r) for r in function.raises):
                if target is not None and target in resolver.classes:
                    raises.add(name, target)
        for type, edges in (
            ("CONTAINS", contains),
            ("IMPORTS", imports),
            ("INHERITS", inherits),
            ("CALLS", calls),
            ("RAISES", raises),
        ):
            pairs = [
                (self._ids[s], self._ids[e])
                for s, e in zip(edges.starts, edges.ends, strict=True)
                if s in self._ids and e in self._ids
            ]
            if pairs:
                starts, ends = zip(*pairs, strict=True)
                self.loaded.relationships += self._database.import_relationships(type, starts, ends)


def _functions(modules: list[ModuleSource]) -> dict[str, FunctionSource]:
    """By qualified name; a name defined twice (under ``if`` and ``else``) keeps its last definition."""
    return {f.qualified_name: f for m in modules for f in m.functions}


def _owner(qualified_name: str) -> str:
    return qualified_name.rpartition(".")[0]


def _embeddings(docs: list[str | None]) -> list[Value]:
    """Vectors of the docstrings, None where there is none."""
    texts = [d for d in docs if d]
    vectors = iter(embed_many(texts).tolist()) if texts else iter(())
    return [next(vectors) if d else None for d in docs]


def load(database: Database, tests: bool = False, progress: Progress = lambda _what, _share: None) -> Loaded:
    """Read this Python's standard library into ``database``.

    Args:
        database: any database; nothing in it is changed but for the sample's own nodes and indexes.
        tests: take the test packages too.
        progress: called with what is being done and the share done, 0 to 1.
    """
    return _Loader(database, progress).run(tests)
