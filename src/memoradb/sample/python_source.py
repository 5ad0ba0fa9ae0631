"""The standard library's source, read through ``ast`` into definitions and the names that they use.

``read`` walks each file once and notes what it defines, and in a compact form (``Known``) what each name is bound to,
what is called and what is raised. What those mean is ``python_names``' business: it needs all modules. Code belongs
to the definition in whose body it stands: a decorator or a default is run by the body around the function, a nested
function's calls are its own.
"""

from __future__ import annotations

import ast
import os
import sysconfig
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

SKIPPED_DIRECTORIES = frozenset(
    ("site-packages", "dist-packages", "__pycache__", "lib-dynload", "ensurepip", "idlelib")
)
TEST_DIRECTORIES = frozenset(("test", "tests", "idle_test", "lib2to3", "turtledemo"))

Known: TypeAlias = "str | tuple[object, ...] | None"
"""An expression, as far as it may say what it means; None where it cannot.

``"a.b.c"`` is a dotted name; ``("call", k)`` what calling k gives; ``("attribute", k, name)``; ``("super",)``;
``("literal", "str")`` an instance of a built-in class; ``("instance", k)`` an instance of the class k (annotations,
caught exceptions); ``("import", module)``; ``("from", module, name)``; ``("class", name)`` and ``("function", name)``
definitions by qualified name; ``("none",)`` the constant, which says nothing beside other bindings.
"""


@dataclass(slots=True)
class ParameterSource:
    """One parameter of a function."""

    name: str
    position: int
    kind: str
    annotation: str | None
    default: str | None


@dataclass(slots=True)
class Scope:
    """The names of one body: to what each is bound there, all of it. ``parent`` is where other names are looked up."""

    parent: Scope | None
    bindings: dict[str, list[Known]] = field(default_factory=dict)
    calls: list[Known] = field(default_factory=list)
    raises: list[Known] = field(default_factory=list)
    method_of: str | None = None
    """For the body of a method: its class."""
    stars: list[str] = field(default_factory=list)
    """Modules of ``from module import *``."""

    def bind(self, name: str, to: Known) -> None:
        """Note one binding."""
        self.bindings.setdefault(name, []).append(to)


@dataclass(slots=True)
class FunctionSource:
    """A function or method. ``kind``: function, method, classmethod, staticmethod or property."""

    name: str
    qualified_name: str
    owner: str
    line: int
    lines: int
    doc: str | None
    is_async: bool
    kind: str
    parameters: list[ParameterSource]
    scope: Scope
    is_builtin: bool = False


@dataclass(slots=True)
class ClassSource:
    """A class: its bases as written, its own names, and what its methods assign to attributes of ``self``."""

    name: str
    qualified_name: str
    owner: str
    line: int
    doc: str | None
    bases: list[Known]
    scope: Scope
    attributes: dict[str, list[tuple[Known, Scope]]] = field(default_factory=dict)
    is_builtin: bool = False


@dataclass(slots=True)
class ModuleSource:
    """A module and all that is defined in it, nested definitions too."""

    name: str
    path: str
    is_package: bool
    lines: int
    doc: str | None
    scope: Scope = field(default_factory=lambda: Scope(None))
    imports: set[str] = field(default_factory=set)
    classes: list[ClassSource] = field(default_factory=list)
    functions: list[FunctionSource] = field(default_factory=list)
    is_builtin: bool = False


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
    reader = _Reader(module)
    for statement in tree.body:
        reader.visit(statement)
    return module


class _Reader:
    """Walks one module; ``_scope`` is the body it is in."""

    def __init__(self, module: ModuleSource) -> None:
        self._module = module
        self._scope = module.scope
        self._owner = module.name
        self._class: ClassSource | None = None
        """The class whose body, or whose method's body, this is."""
        self._self: str | None = None
        """In a method: the name of its first parameter."""
        self._handlers = {
            ast.FunctionDef: self._function,
            ast.AsyncFunctionDef: self._function,
            ast.ClassDef: self._class_definition,
            ast.Lambda: self._lambda,
            ast.Import: self._import,
            ast.ImportFrom: self._import_from,
            ast.Assign: self._assign,
            ast.AnnAssign: self._annotated_assign,
            ast.NamedExpr: self._named_expression,
            ast.Global: self._global,
            ast.Nonlocal: self._nonlocal,
            ast.ExceptHandler: self._handler,
            ast.Call: self._call,
            ast.Raise: self._raise,
            ast.Name: self._name,
            ast.Attribute: self._attribute,
            ast.MatchAs: self._match,
            ast.MatchStar: self._match,
            ast.MatchMapping: self._match,
        }

    def visit(self, node: ast.AST) -> None:
        """Note what ``node`` does, and what is in it."""
        handler = self._handlers.get(type(node))  # pyright: ignore[reportArgumentType, reportCallIssue]
        if handler is not None:
            handler(node)  # pyright: ignore[reportArgumentType]
        else:
            self._children(node)

    def _children(self, node: ast.AST) -> None:
        for child in ast.iter_child_nodes(node):
            self.visit(child)

    # --- definitions

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        decorators = [_known(d) for d in node.decorator_list]
        for decorator in node.decorator_list:
            self._decorator(decorator)
        self._signature(node.args)
        qualified = f"{self._owner}.{node.name}"
        self._scope.bind(node.name, ("function", qualified))
        in_class = self._class is not None and self._scope is self._class.scope
        kind = _kind(node.name, decorators) if in_class else "function"
        outer = (self._scope, self._owner, self._class, self._self)
        enclosing = self._scope.parent if in_class else self._scope
        scope = Scope(enclosing, method_of=self._class.qualified_name if in_class and self._class else None)
        parameters = list(_parameters(node.args))
        self._module.functions.append(
            FunctionSource(
                node.name,
                qualified,
                self._owner.removesuffix(".<locals>"),
                node.lineno,
                (node.end_lineno or node.lineno) - node.lineno + 1,
                ast.get_docstring(node),
                isinstance(node, ast.AsyncFunctionDef),
                kind,
                parameters,
                scope,
            )
        )
        self._bind_parameters(node.args, scope, kind)
        self._scope, self._owner = scope, f"{qualified}.<locals>"
        if in_class:
            self._self = parameters[0].name if parameters and kind in ("method", "property") else None
        for statement in node.body:
            self.visit(statement)
        self._scope, self._owner, self._class, self._self = outer

    def _bind_parameters(self, arguments: ast.arguments, scope: Scope, kind: str) -> None:
        plain = [*arguments.posonlyargs, *arguments.args]
        for argument in [*plain, *arguments.kwonlyargs]:
            annotation = _annotation(argument.annotation)
            scope.bind(argument.arg, None if annotation is None else ("instance", annotation))
        if arguments.vararg:
            scope.bind(arguments.vararg.arg, ("literal", "tuple"))
        if arguments.kwarg:
            scope.bind(arguments.kwarg.arg, ("literal", "dict"))
        if plain and scope.method_of is not None and kind != "staticmethod":
            own: Known = ("class", scope.method_of)
            scope.bindings[plain[0].arg] = [own if kind == "classmethod" else ("instance", own)]

    def _signature(self, arguments: ast.arguments) -> None:
        """Defaults and annotations: run by the body around the function."""
        for node in (*arguments.defaults, *arguments.kw_defaults):
            if node is not None:
                self.visit(node)

    def _class_definition(self, node: ast.ClassDef) -> None:
        for decorator in node.decorator_list:
            self._decorator(decorator)
        for expression in (*node.bases, *(k.value for k in node.keywords)):
            self.visit(expression)
        qualified = f"{self._owner}.{node.name}"
        self._scope.bind(node.name, ("class", qualified))
        outer = (self._scope, self._owner, self._class, self._self)
        # A class in a class does not see the outer one's names.
        nested = self._class is not None and self._scope is self._class.scope
        scope = Scope(self._scope.parent if nested else self._scope)
        bases = [_known(b.value if isinstance(b, ast.Subscript) else b) for b in node.bases]
        owner = self._owner.removesuffix(".<locals>")
        source = ClassSource(node.name, qualified, owner, node.lineno, ast.get_docstring(node), bases, scope)
        self._module.classes.append(source)
        self._scope, self._owner, self._class, self._self = scope, qualified, source, None
        for statement in node.body:
            self.visit(statement)
        self._scope, self._owner, self._class, self._self = outer

    def _decorator(self, node: ast.expr) -> None:
        """A decorator is called with what it decorates."""
        known = _known(node)
        if known is not None:
            self._scope.calls.append(known)
        self.visit(node)

    def _lambda(self, node: ast.Lambda) -> None:
        self._signature(node.args)
        for argument in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs):
            self._scope.bind(argument.arg, None)
        self.visit(node.body)

    # --- imports

    def _import(self, node: ast.Import) -> None:
        for alias in node.names:
            self._module.imports.add(alias.name)
            if alias.asname:
                self._scope.bind(alias.asname, ("import", alias.name))
            else:
                top = alias.name.split(".")[0]
                self._scope.bind(top, ("import", top))

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
            if alias.name == "*":
                self._scope.stars.append(base)
            else:
                self._scope.bind(alias.asname or alias.name, ("from", base, alias.name))

    # --- bindings

    def _assign(self, node: ast.Assign) -> None:
        self.visit(node.value)
        known = _known(node.value)
        for target in node.targets:
            self._target(target, known)

    def _annotated_assign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self.visit(node.value)
        annotation = _annotation(node.annotation)
        known = None if annotation is None else ("instance", annotation)
        self._target(node.target, known or (_known(node.value) if node.value is not None else None))

    def _named_expression(self, node: ast.NamedExpr) -> None:
        self.visit(node.value)
        self._target(node.target, _known(node.value))

    def _target(self, target: ast.expr, known: Known) -> None:
        """``target = known``: a name, or an attribute of self; anything else binds what is in it to the unknown."""
        match target:
            case ast.Name(id=name):
                self._scope.bind(name, known)
            case ast.Attribute(value=ast.Name(id=owner), attr=attribute) if owner == self._self and self._class:
                self._class.attributes.setdefault(attribute, []).append((known, self._scope))
            case _:
                self.visit(target)

    def _name(self, node: ast.Name) -> None:
        # Reached only where no handler knew the value: loops, with, tuples, del, augmented assignment.
        if not isinstance(node.ctx, ast.Load):
            self._scope.bind(node.id, None)

    def _attribute(self, node: ast.Attribute) -> None:
        if not isinstance(node.ctx, ast.Load):
            match node.value:
                case ast.Name(id=owner) if owner == self._self and self._class:
                    self._class.attributes.setdefault(node.attr, []).append((None, self._scope))
                case _:
                    pass
        self.visit(node.value)

    def _global(self, node: ast.Global) -> None:
        # What a function does to a module's name is not followed: the name is unknown from then on.
        for name in node.names:
            self._module.scope.bind(name, None)
            self._scope.bind(name, None)

    def _nonlocal(self, node: ast.Nonlocal) -> None:
        for name in node.names:
            self._scope.bind(name, None)
            outer = self._scope.parent
            while outer is not None:
                if name in outer.bindings:
                    outer.bind(name, None)
                    break
                outer = outer.parent

    def _handler(self, node: ast.ExceptHandler) -> None:
        if node.name:
            caught = None if node.type is None else _known(node.type)
            self._scope.bind(node.name, None if caught is None else ("instance", caught))
        self._children(node)

    def _match(self, node: ast.MatchAs | ast.MatchStar | ast.MatchMapping) -> None:
        name = node.rest if isinstance(node, ast.MatchMapping) else node.name
        if name:
            self._scope.bind(name, None)
        self._children(node)

    # --- what a body does

    def _call(self, node: ast.Call) -> None:
        known = _known(node.func)
        if known is not None:
            self._scope.calls.append(known)
        self._children(node)

    def _raise(self, node: ast.Raise) -> None:
        if node.exc is not None:
            known = _known(node.exc)
            if known is not None:
                self._scope.raises.append(known)
        self._children(node)


_LITERALS: dict[type[ast.expr], str] = {
    ast.List: "list",
    ast.ListComp: "list",
    ast.Dict: "dict",
    ast.DictComp: "dict",
    ast.Set: "set",
    ast.SetComp: "set",
    ast.Tuple: "tuple",
    ast.JoinedStr: "str",
}


def _known(node: ast.expr) -> Known:
    """The expression in compact form."""
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=value, attr=attribute):
            base = _known(value)
            if base is None:
                return None
            return f"{base}.{attribute}" if isinstance(base, str) else ("attribute", base, attribute)
        case ast.Call(func=ast.Name(id="super")):
            return ("super",)
        case ast.Call(func=function):
            called = _known(function)
            return None if called is None else ("call", called)
        case ast.Constant(value=value):
            return ("none",) if value is None else ("literal", type(value).__name__)
        case ast.BinOp(left=ast.Constant(value=str()), op=ast.Mod()):
            return ("literal", "str")
        case _:
            literal = _LITERALS.get(type(node))
            return None if literal is None else ("literal", literal)


def _annotation(node: ast.expr | None) -> Known:
    """The class that an annotation names, also in quotes."""
    match node:
        case ast.Name() | ast.Attribute():
            return _known(node)
        case ast.Constant(value=str() as text) if all(part.isidentifier() for part in text.split(".")):
            return text
        case _:
            return None


def _kind(name: str, decorators: list[Known]) -> str:
    if name in ("__new__", "__init_subclass__", "__class_getitem__"):
        return "classmethod"  # they get the class without being asked to
    for decorator in decorators:
        if not isinstance(decorator, str):
            continue
        last = decorator.rpartition(".")[2]
        if last in ("staticmethod", "classmethod"):
            return last
        if last in ("property", "cached_property", "setter", "getter", "deleter", "abstractproperty"):
            return "property"
    return "method"


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
