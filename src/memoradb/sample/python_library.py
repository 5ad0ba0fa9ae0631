"""The sample graph ``python``: this interpreter's standard library.

Nodes:

* ``:Module`` (``:Package`` too, where it has modules of its own): ``name`` (dotted, unique), ``path`` below the
  library's directory, ``lines``, ``doc``, ``builtin`` (true where it is compiled and has no source).
* ``:Class``: ``name``, ``qualified_name``, ``line``, ``doc``, ``builtin``.
* ``:Function``: ``name``, ``qualified_name``, ``kind`` (function, method, classmethod, staticmethod, property),
  ``line``, ``lines``, ``is_method``, ``is_async``, ``doc``, ``embedding`` of ``doc``, ``builtin``.
* ``:Parameter``: ``name``, ``position``, ``kind`` (positional, positional-only, keyword-only, variadic, keywords),
  ``annotation`` and ``default`` as written.

Relationships:

* ``CONTAINS``: a package its modules, a module or class or function what is defined in its body, a function its
  parameters. So every node but the top modules has one owner.
* ``(:Module)-[:IMPORTS]->(:Module)``: anywhere in its code, inside functions too.
* ``(:Class)-[:INHERITS]->(:Class)``: the bases as written.
* ``(:Module|Class|Function)-[:CALLS]->(:Function|Class)``: a call in that body (decorators are called by the body
  around); making an instance calls the class. Only what is certain: see ``python_names``.
* ``(:Module|Class|Function)-[:RAISES]->(:Class)``: a ``raise`` in that body.

Absent properties are null. Docstrings have vectors by the built-in embedder, which is lexical. Everything goes in
through the public bulk calls.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from memoradb.core.values import Value
from memoradb.database import Database
from memoradb.memory.embed.hashed import embed_many

from .python_compiled import compiled_modules
from .python_names import Names
from .python_source import FunctionSource, ModuleSource, Scope, read, source_files, standard_library

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
        modules = compiled_modules()
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
                    "lines": [m.lines or None for m in chosen],
                    "doc": [m.doc for m in chosen],
                    "builtin": [True if m.is_builtin else None for m in chosen],
                },
            )
        classes = list({c.qualified_name: c for m in modules for c in m.classes}.values())
        self._add(
            ("Class",),
            [c.qualified_name for c in classes],
            {
                "name": [c.name for c in classes],
                "qualified_name": [c.qualified_name for c in classes],
                "line": [c.line or None for c in classes],
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
                "line": [f.line or None for f in functions],
                "lines": [f.lines or None for f in functions],
                "kind": [f.kind for f in functions],
                "is_method": [f.kind != "function" for f in functions],
                "is_async": [f.is_async for f in functions],
                "doc": [f.doc for f in functions],
                "embedding": _embeddings([f.doc for f in functions]),
                "builtin": [True if f.is_builtin else None for f in functions],
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
        names = Names(modules)
        contains, imports, inherits, calls, raises = _Edges(), _Edges(), _Edges(), _Edges(), _Edges()
        bodies: dict[str, Scope] = {}
        for module in modules:
            parent = module.name.rpartition(".")[0]
            if parent in names.modules:
                contains.add(parent, module.name)
            for name in sorted(names.imported_modules(module)):
                imports.add(module.name, name)
            bodies[module.name] = module.scope
        for name, source in names.classes.items():
            contains.add(source.owner, name)
            for base in names.bases(source):
                inherits.add(name, base)
            bodies[name] = source.scope
        for name, function in _functions(modules).items():
            contains.add(function.owner, name)
            for parameter in function.parameters:
                contains.add(name, f"{name}({parameter.name})")
            bodies[name] = function.scope
        for name, scope in bodies.items():
            for target in names.called(scope):
                calls.add(name, target)
            for target in names.raised(scope):
                raises.add(name, target)
        for type, edges in (
            ("CONTAINS", contains),
            ("IMPORTS", imports),
            ("INHERITS", inherits),
            ("CALLS", calls),
            ("RAISES", raises),
        ):
            starts = [self._ids[s] for s in edges.starts]
            ends = [self._ids[e] for e in edges.ends]
            self.loaded.relationships += self._database.import_relationships(type, starts, ends)


def _functions(modules: list[ModuleSource]) -> dict[str, FunctionSource]:
    """By qualified name; one defined twice (under ``if`` and ``else``) keeps its last definition, or the class."""
    classes = {c.qualified_name for m in modules for c in m.classes}
    return {f.qualified_name: f for m in modules for f in m.functions if f.qualified_name not in classes}


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
