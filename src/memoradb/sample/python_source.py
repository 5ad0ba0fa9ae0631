"""The standard library's source, read through ``ast`` into the rows of a graph.

Two passes: ``read`` parses each file and notes what it defines; ``Resolver`` then turns the names that code uses into
the definitions they mean, where that can be known without running anything: names of the module, imported names,
attributes of imported modules, and ``self.method`` through the class and its bases. What cannot be resolved so is
left out rather than guessed.
"""

from __future__ import annotations

import ast
import builtins
import os
import sysconfig
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

SKIPPED_DIRECTORIES = frozenset(
    ("site-packages", "dist-packages", "__pycache__", "lib-dynload", "ensurepip", "idlelib")
)
TEST_DIRECTORIES = frozenset(("test", "tests", "idle_test", "lib2to3", "turtledemo"))


@dataclass(slots=True)
class ParameterSource:
    """One parameter of a function."""

    name: str
    position: int
    kind: str
    annotation: str | None
    default: str | None


@dataclass(slots=True)
class FunctionSource:
    """A function or method: what it says of itself, and the names it uses."""

    name: str
    qualified_name: str
    line: int
    lines: int
    doc: str | None
    is_async: bool
    method_of: str | None
    parameters: list[ParameterSource]
    calls: list[str] = field(default_factory=list)
    raises: list[str] = field(default_factory=list)


@dataclass(slots=True)
class ClassSource:
    """A class and the names of its bases as written."""

    name: str
    qualified_name: str
    line: int
    doc: str | None
    bases: list[str]
    is_builtin: bool = False


@dataclass(slots=True)
class ModuleSource:
    """A module: its definitions, and what its names mean.

    ``names`` maps a name at module level to a dotted one: an imported module, ``module.attribute``, a definition here.
    """

    name: str
    path: str
    is_package: bool
    lines: int
    doc: str | None
    imports: set[str] = field(default_factory=set)
    names: dict[str, str] = field(default_factory=dict)
    classes: list[ClassSource] = field(default_factory=list)
    functions: list[FunctionSource] = field(default_factory=list)


def standard_library() -> Path:
    """Where this Python keeps its library."""
    return Path(sysconfig.get_paths()["stdlib"])


def source_files(root: Path, tests: bool) -> list[tuple[str, Path]]:
    """(module name, file) of every module below ``root``, sorted by name; test packages only where asked."""
    found = []
    for directory, folders, files in os.walk(root):
        inside = Path(directory).relative_to(root).parts
        folders[:] = sorted(
            f
            for f in folders
            if f not in SKIPPED_DIRECTORIES and f.isidentifier() and (tests or f not in TEST_DIRECTORIES)
        )
        for file in files:
            stem, extension = os.path.splitext(file)
            if extension == ".py" and stem.isidentifier():
                parts = inside if stem == "__init__" else (*inside, stem)
                if parts:
                    found.append((".".join(parts), Path(directory) / file))
    return sorted(found)


def read(name: str, path: Path, root: Path) -> ModuleSource | None:
    """One module, or None where the file is not Python that this interpreter parses (the library's bad examples)."""
    try:
        text = path.read_text("utf-8")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the library's own invalid escapes are not our user's concern
            tree = ast.parse(text)
    except (SyntaxError, UnicodeDecodeError, ValueError):
        return None
    module = ModuleSource(
        name,
        str(path.relative_to(root)),
        path.name == "__init__.py",
        text.count("\n") + 1,
        ast.get_docstring(tree),
    )
    _Reader(module).visit_body(tree.body, module.name, None)
    return module


class _Reader:
    """Walks one module's definitions."""

    def __init__(self, module: ModuleSource) -> None:
        self._module = module

    def visit_body(self, body: list[ast.stmt], scope: str, method_of: str | None) -> None:
        for node in _statements(body):
            match node:
                case ast.ClassDef():
                    self._class(node, scope)
                case ast.FunctionDef() | ast.AsyncFunctionDef():
                    self._function(node, scope, method_of)
                case ast.Import():
                    for alias in node.names:
                        self._module.imports.add(alias.name)
                        if alias.asname:
                            self._module.names[alias.asname] = alias.name
                        else:
                            top = alias.name.split(".")[0]
                            self._module.names[top] = top
                case ast.ImportFrom():
                    self._import_from(node)
                case _:
                    pass

    def _import_from(self, node: ast.ImportFrom) -> None:
        base = node.module or ""
        if node.level:
            parts = self._module.name.split(".")
            up = node.level - (1 if self._module.is_package else 0)
            parts = parts[: len(parts) - up] if up else parts
            base = ".".join([*parts, base] if base else parts)
        if not base:
            return
        self._module.imports.add(base)
        for alias in node.names:
            self._module.names[alias.asname or alias.name] = f"{base}.{alias.name}"

    def _class(self, node: ast.ClassDef, scope: str) -> None:
        qualified = f"{scope}.{node.name}"
        bases = [name for base in node.bases if (name := _dotted(base)) is not None]
        self._module.classes.append(ClassSource(node.name, qualified, node.lineno, ast.get_docstring(node), bases))
        if scope == self._module.name:
            self._module.names[node.name] = qualified
        self.visit_body(node.body, qualified, qualified)

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef, scope: str, method_of: str | None) -> None:
        qualified = f"{scope}.{node.name}"
        function = FunctionSource(
            node.name,
            qualified,
            node.lineno,
            (node.end_lineno or node.lineno) - node.lineno + 1,
            ast.get_docstring(node),
            isinstance(node, ast.AsyncFunctionDef),
            method_of,
            list(_parameters(node.args)),
        )
        if scope == self._module.name:
            self._module.names[node.name] = qualified
        for inner in ast.walk(node):
            match inner:
                case ast.Call(func=called):
                    name = _dotted(called)
                    if name is not None:
                        function.calls.append(name)
                case ast.Raise(exc=raised) if raised is not None:
                    name = _dotted(raised.func if isinstance(raised, ast.Call) else raised)
                    if name is not None:
                        function.raises.append(name)
                case ast.Import() | ast.ImportFrom():
                    # Imports inside functions are imports of the module too.
                    self.visit_body([inner], scope, method_of)
                case _:
                    pass
        self._module.functions.append(function)


def _statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Statements, also those under ``if`` and ``try``, where definitions often stand."""
    for node in body:
        yield node
        match node:
            case ast.If() | ast.For() | ast.While():
                yield from _statements(node.body)
                yield from _statements(node.orelse)
            case ast.With() | ast.AsyncWith():
                yield from _statements(node.body)
            case ast.Try():
                yield from _statements(node.body)
                for handler in node.handlers:
                    yield from _statements(handler.body)
                yield from _statements(node.orelse)
                yield from _statements(node.finalbody)
            case _:
                pass


def _dotted(node: ast.expr) -> str | None:
    """``a.b.c`` as text, None where the expression is anything else."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return None
    parts.append(node.id)
    return ".".join(reversed(parts))


def _parameters(arguments: ast.arguments) -> Iterator[ParameterSource]:
    position = 0
    plain = [*arguments.posonlyargs, *arguments.args]
    defaults: list[ast.expr | None] = [None] * (len(plain) - len(arguments.defaults)) + list(arguments.defaults)
    for argument, default in zip(plain, defaults, strict=True):
        kind = "positional-only" if position < len(arguments.posonlyargs) else "positional"
        yield _parameter(argument, position, kind, default)
        position += 1
    if arguments.vararg:
        yield _parameter(arguments.vararg, position, "variadic", None)
        position += 1
    for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        yield _parameter(argument, position, "keyword-only", default)
        position += 1
    if arguments.kwarg:
        yield _parameter(arguments.kwarg, position, "keywords", None)


def _parameter(argument: ast.arg, position: int, kind: str, default: ast.expr | None) -> ParameterSource:
    annotation = None if argument.annotation is None else ast.unparse(argument.annotation)[:200]
    return ParameterSource(
        argument.arg, position, kind, annotation, None if default is None else ast.unparse(default)[:200]
    )


def builtin_classes() -> ModuleSource:
    """The built-in classes, which have no source: by introspection, so that ``raise ValueError`` has a target."""
    module = ModuleSource("builtins", "(built in)", False, 0, builtins.__doc__)
    for name, value in sorted(vars(builtins).items()):
        if isinstance(value, type) and value.__name__ == name:
            bases = [b.__name__ for b in value.__bases__]
            doc = (value.__doc__ or "").strip() or None
            module.classes.append(ClassSource(name, f"builtins.{name}", 0, doc, bases, True))
            module.names[name] = f"builtins.{name}"
    return module


class Resolver:
    """Turns names in code into qualified names of definitions that were read."""

    def __init__(self, modules: list[ModuleSource]) -> None:
        self.modules = {m.name: m for m in modules}
        self.classes = {c.qualified_name: (m, c) for m in modules for c in m.classes}
        self.functions = {f.qualified_name for m in modules for f in m.functions}
        self._known: Callable[[str], bool] = lambda name: name in self.classes or name in self.functions

    def imported_modules(self, module: ModuleSource) -> set[str]:
        """The modules that ``module`` imports, submodules named by ``from package import module`` included."""
        found = {name for name in module.imports if name in self.modules}
        found |= {target for target in module.names.values() if target in self.modules}
        found.discard(module.name)
        return found

    def definition(self, module: ModuleSource, name: str, depth: int = 0) -> str | None:
        """The class or function that ``name`` means in ``module``."""
        if depth > 8:
            return None
        head, _, rest = name.partition(".")
        target = module.names.get(head)
        if target is None:
            builtin = f"builtins.{name}"
            return builtin if builtin in self.classes else None
        return self._absolute(f"{target}.{rest}" if rest else target, depth)

    def _absolute(self, dotted: str, depth: int) -> str | None:
        if self._known(dotted):
            return dotted
        prefix = dotted
        while "." in prefix:
            prefix, _, _ = prefix.rpartition(".")
            if prefix in self.modules:
                inner = dotted[len(prefix) + 1 :]
                if self.modules[prefix].names.get(inner.split(".")[0]) == dotted:
                    return None
                return self.definition(self.modules[prefix], inner, depth + 1)
        return None

    def bases(self, qualified_name: str) -> list[str]:
        """The resolvable base classes of a class, in order."""
        module, source = self.classes[qualified_name]
        found = [self.definition(module, base) for base in source.bases]
        return [b for b in found if b is not None and b in self.classes and b != qualified_name]

    def method(self, class_name: str, method: str, depth: int = 0) -> str | None:
        """``method`` of a class, or of the first base that has it (depth first)."""
        candidate = f"{class_name}.{method}"
        if candidate in self.functions:
            return candidate
        if depth < 10 and class_name in self.classes:
            for base in self.bases(class_name):
                found = self.method(base, method, depth + 1)
                if found is not None:
                    return found
        return None

    def called(self, module: ModuleSource, function: FunctionSource, name: str) -> str | None:
        """What a call in ``function`` calls: a function or a class."""
        head, _, rest = name.partition(".")
        if head in ("self", "cls") and function.method_of is not None:
            return self.method(function.method_of, rest) if rest and "." not in rest else None
        return self.definition(module, name)
