"""The part of the standard library that has no source: built-in and compiled modules, by looking at them.

Their functions and classes are read from the loaded modules, so that ``raise ValueError``, ``len(x)``, ``time.time()``
or ``", ".join(x)`` have something to point at. They have documentation but no lines and no parameters.
"""

from __future__ import annotations

import importlib
import inspect
import sys
import types
import warnings

from .python_source import ClassSource, FunctionSource, Known, ModuleSource, Scope

EXTENSIONS = (
    *("_asyncio", "_bisect", "_bz2", "_contextvars", "_csv", "_ctypes", "_datetime", "_decimal", "_elementtree"),
    *("_hashlib", "_heapq", "_json", "_lzma", "_opcode", "_pickle", "_posixsubprocess", "_queue", "_random"),
    *("_socket", "_sqlite3", "_ssl", "_statistics", "_struct", "_zoneinfo", "array", "binascii", "cmath", "fcntl"),
    *("grp", "math", "mmap", "pyexpat", "resource", "select", "syslog", "termios", "unicodedata", "zlib"),
)
"""Extension modules worth reading where this Python has them: loading them does nothing else."""

_FUNCTIONS = (
    types.BuiltinFunctionType,
    types.MethodDescriptorType,
    types.WrapperDescriptorType,
    types.ClassMethodDescriptorType,
    staticmethod,
    classmethod,
)
_SPECIAL = frozenset(("__init__", "__new__", "__call__", "__enter__", "__exit__", "__init_subclass__", "__setattr__"))
"""Special methods that code calls by name, mostly through ``super()``; the others only operators call."""


def compiled_modules() -> list[ModuleSource]:
    """``builtins`` first, then the others by name."""
    names = {n for n in sys.builtin_module_names if not n.startswith("xx")} | set(EXTENSIONS)
    owners: dict[int, str] = {}
    found = [_read("builtins", owners)]
    for name in sorted(names - {"builtins"}):
        module = _read(name, owners)
        if module is not None:
            found.append(module)
    return [m for m in found if m is not None]


def _read(name: str, owners: dict[int, str]) -> ModuleSource | None:
    """One module; ``owners`` says under which name a class or function was read first, by its identity."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            loaded = importlib.import_module(name)
    except ImportError:
        return None
    module = ModuleSource(name, "(compiled)", False, 0, inspect.getdoc(loaded), is_builtin=True)
    for attribute, value in sorted(vars(loaded).items()):
        if isinstance(value, type):
            # Its own name where the module has it under that, not an alias such as IOError.
            own = value.__name__ if vars(loaded).get(value.__name__) is value else attribute
            qualified = owners.setdefault(id(value), f"{name}.{own}")
            if qualified == f"{name}.{attribute}":
                _read_class(module, value, attribute)
            module.scope.bind(attribute, ("class", qualified))
        elif isinstance(value, types.BuiltinFunctionType):
            qualified = owners.setdefault(id(value), f"{name}.{attribute}")
            if qualified == f"{name}.{attribute}":
                module.functions.append(_function(attribute, qualified, name, value, "function"))
            module.scope.bind(attribute, ("function", qualified))
    return module


def _read_class(module: ModuleSource, value: type, name: str) -> None:
    qualified = f"{module.name}.{name}"
    bases: list[Known] = [f"{b.__name__}" for b in value.__bases__ if b is not object]
    scope = Scope(module.scope)
    source = ClassSource(name, qualified, module.name, 0, inspect.getdoc(value), bases, scope, is_builtin=True)
    module.classes.append(source)
    for attribute, member in sorted(vars(value).items()):
        if isinstance(member, _FUNCTIONS) and (attribute in _SPECIAL or not attribute.startswith("__")):
            kind = "staticmethod" if isinstance(member, (staticmethod, types.BuiltinFunctionType)) else "method"
            if isinstance(member, (classmethod, types.ClassMethodDescriptorType)):
                kind = "classmethod"
            module.functions.append(_function(attribute, f"{qualified}.{attribute}", qualified, member, kind))
            scope.bind(attribute, ("function", f"{qualified}.{attribute}"))
        elif not attribute.startswith("__"):
            scope.bind(attribute, None)


def _function(name: str, qualified: str, owner: str, value: object, kind: str) -> FunctionSource:
    doc = inspect.getdoc(value)
    return FunctionSource(name, qualified, owner, 0, 0, doc, False, kind, [], Scope(None), is_builtin=True)
