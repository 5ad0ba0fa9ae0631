"""The deterministic parts stay so: no clock, no chance, no sockets, no threads, no iteration over sets.

The same log must give the same state on every machine, with every hash seed. So what computes a state may not ask for
anything but its arguments. What each deterministic module is, and each exception with its reason, stands here.
"""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[1]

DETERMINISTIC: Final = (
    "core/**/*.py",
    "storage/apply.py",
    "storage/changeset/**/*.py",
    "storage/constraints.py",
    "storage/elements.py",
    "storage/facts.py",
    "storage/growth.py",
    "storage/integrity.py",
    "storage/reads.py",
    "storage/recovery.py",
    "storage/replay.py",
    "storage/retention.py",
    "storage/section.py",
    "storage/snapshot.py",
    "storage/state_hash.py",
    "storage/statistics.py",
    "storage/store.py",
    "storage/summary.py",
    "storage/touches.py",
    "storage/undo.py",
    "storage/validation.py",
    "storage/view.py",
    "storage/checkpoint/container.py",
    "storage/checkpoint/contents.py",
    "storage/checkpoint/manifest.py",
    "storage/history/line.py",
    "storage/history/touched.py",
    "storage/history/versions.py",
    "storage/log/groups.py",
    "storage/log/place.py",
    "storage/log/reader.py",
    "storage/log/record.py",
    "storage/log/segment.py",
    "storage/log/superblock.py",
    "storage/log/torn_tail.py",
    "storage/graph/**/*.py",
    "storage/properties/**/*.py",
    "storage/index/**/*.py",
    "storage/text/**/*.py",
    "storage/vector/**/*.py",
    "storage/overlay/**/*.py",
    "consensus/**/*.py",
)
"""What an applied log, a checkpoint's content or an answer is computed by."""

FORBIDDEN: Final = frozenset(
    "asyncio concurrent multiprocessing os random secrets select selectors signal socket ssl subprocess tempfile time "
    "urllib uuid".split()
)
"""Modules that bring in the clock, chance, the network or other processes."""

LOCKS: Final = frozenset(("Lock", "RLock", "local"))
"""What may be used of ``threading``: it keeps readers apart, and decides nothing."""

FORBIDDEN_CALLS: Final = frozenset(("now", "today", "utcnow", "uuid1", "uuid4", "default_rng", "urandom"))
FORBIDDEN_NAMES: Final = frozenset(("hash", "id", "open", "input"))
"""``hash`` differs with the hash seed, ``id`` with the memory."""

EXCEPTIONS: Final[dict[tuple[str, str], str]] = {
    ("core/clock.py", "time"): "It is the clock: the one place where the real one is read, behind an interface.",
    ("core/rng.py", "random"): "It is the source of chance, seeded, behind an interface.",
    (
        "core/footprint.py",
        "id",
    ): "Counts an object once that a list holds many times: decides when to spill, never what is answered.",
    ("core/values.py", "hash"): "A path is hashed as its parts are; no order follows from it.",
    ("core/cache.py", "threading"): "Two readers that miss the same entry compute it once.",
    ("core/cache.py", "hash"): "Decides what a cache keeps, never what it answers.",
    ("storage/index/builder.py", "threading"): "Fills an index beside the writer, who puts it in its place: it holds "
    "what the columns hold, whenever it is ready.",
    ("storage/index/composite_index.py", "hash"): "Asks whether a value can be hashed; the number is thrown away.",
    ("storage/index/composite_run.py", "set"): "Only asks which slots are among those that left: their order is lost.",
    ("storage/index/frozen.py", "set"): "Only asks which slots are among those that left: their order is lost.",
    ("storage/validation.py", "set"): "Only asks whether any of the ids has come: their order is lost.",
    ("storage/log/segment.py", "uuid"): "Reads and writes the sixteen bytes of an identity; makes none.",
}
"""(file, module, call or name) and why it is no harm."""


def modules() -> list[Path]:
    found = {path for pattern in DETERMINISTIC for path in ROOT.glob(pattern)}
    return sorted(found)


class Finder(ast.NodeVisitor):
    """What a module does that depends on anything but its arguments: (line, what, sentence)."""

    def __init__(self) -> None:
        self.found: list[tuple[int, str, str]] = []
        self._sets: list[frozenset[str]] = [frozenset()]
        self._harmless: set[ast.AST] = set()

    def _report(self, node: ast.AST, what: str, sentence: str) -> None:
        self.found.append((getattr(node, "lineno", 0), what, sentence))

    # --- imports and calls

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            self._module(node, alias.name)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        if not node.level and node.module:
            self._module(node, node.module)
            for alias in node.names:
                if (node.module == "numpy" and alias.name == "random") or (
                    node.module == "threading" and alias.name not in LOCKS
                ):
                    self._report(node, node.module, f"imports {node.module}.{alias.name}")

    def _module(self, node: ast.AST, name: str) -> None:
        root = name.split(".")[0]
        if root in FORBIDDEN or name.startswith("numpy.random"):
            self._report(node, root, f"imports {name}")

    def visit_Attribute(self, node: ast.Attribute) -> None:
        if node.attr == "random" and isinstance(node.value, ast.Name) and node.value.id in ("np", "numpy"):
            self._report(node, "random", "uses numpy.random")
        if isinstance(node.value, ast.Name) and node.value.id == "threading" and node.attr not in LOCKS:
            self._report(node, "threading", f"uses threading.{node.attr}")
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        function = node.func
        if isinstance(function, ast.Attribute) and function.attr in FORBIDDEN_CALLS:
            self._report(node, function.attr, f"calls {function.attr}()")
        name = function.id if isinstance(function, ast.Name) else ""
        if name in FORBIDDEN_NAMES:
            self._report(node, name, f"calls {name}()")
        if name in _ORDERLESS:
            self._harmless.update(argument for argument in node.args if isinstance(argument, ast.GeneratorExp))
        ordered = name in _ORDERED or (isinstance(function, ast.Attribute) and function.attr in _ORDERED_METHODS)
        if ordered:
            for argument in node.args:
                self._iterated(argument)
        self.generic_visit(node)

    # --- sets

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
        names = {a.arg for a in arguments if a.annotation is not None and _is_set_type(a.annotation)}
        self._sets.append(self._sets[-1] | names)
        # Twice, since a set may be made of another one that is assigned further up.
        for _ in range(2):
            self._sets[-1] |= frozenset(self._assigned(node))
        self.generic_visit(node)
        self._sets.pop()

    visit_AsyncFunctionDef = visit_FunctionDef

    def _assigned(self, function: ast.AST) -> Iterator[str]:
        for node in ast.walk(function):
            if isinstance(node, ast.Assign) and self._is_set(node.value):
                yield from (target.id for target in node.targets if isinstance(target, ast.Name))
            elif isinstance(node, ast.AnnAssign) and _is_set_type(node.annotation):
                if isinstance(node.target, ast.Name):
                    yield node.target.id
                elif isinstance(node.target, ast.Attribute):
                    yield f".{node.target.attr}"

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        fields = {f".{name.lstrip('.')}" for name in self._assigned(node) if name.startswith(".")}
        fields |= {
            f".{item.target.id}"
            for item in node.body
            if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name) and _is_set_type(item.annotation)
        }
        self._sets.append(self._sets[-1] | fields)
        self.generic_visit(node)
        self._sets.pop()

    def _is_set(self, node: ast.AST) -> bool:
        match node:
            case ast.Set() | ast.SetComp():
                return True
            case ast.Name(id=name):
                return name in self._sets[-1]
            case ast.Attribute(value=ast.Name(id="self"), attr=name):
                return f".{name}" in self._sets[-1]
            case ast.Call(func=ast.Name(id="set" | "frozenset")):
                return True
            case ast.Call(func=ast.Attribute(value=value, attr=method)) if method in _SET_METHODS:
                return self._is_set(value)
            case ast.BinOp(left=left, op=ast.BitOr() | ast.BitAnd() | ast.Sub() | ast.BitXor(), right=right):
                return any(self._is_set(side) or _is_keys(side) for side in (left, right))
            case ast.IfExp(body=body, orelse=orelse):
                return self._is_set(body) or self._is_set(orelse)
        return False

    def _iterated(self, node: ast.AST) -> None:
        if self._is_set(node):
            self._report(node, "set", f"takes the elements of a set in its order: {ast.unparse(node)}")

    def visit_For(self, node: ast.For) -> None:
        self._iterated(node.iter)
        self.generic_visit(node)

    def visit_Starred(self, node: ast.Starred) -> None:
        if node not in self._harmless:
            self._iterated(node.value)
        self.generic_visit(node)

    def visit_Set(self, node: ast.Set) -> None:
        self._harmless.update(element for element in node.elts if isinstance(element, ast.Starred))
        self.generic_visit(node)

    def visit_YieldFrom(self, node: ast.YieldFrom) -> None:
        self._iterated(node.value)
        self.generic_visit(node)

    def _comprehension(self, node: ast.ListComp | ast.GeneratorExp | ast.DictComp) -> None:
        if node not in self._harmless:
            for part in node.generators:
                self._iterated(part.iter)
        self.generic_visit(node)

    visit_ListComp = visit_GeneratorExp = visit_DictComp = _comprehension


_ORDERLESS: Final = frozenset(("sorted", "set", "frozenset", "any", "all", "sum", "min", "max", "len", "BitMap"))
"""Calls that do not care in which order they are given things."""
_ORDERED: Final = frozenset(("list", "tuple", "enumerate", "iter", "zip", "map", "filter", "reversed"))
_ORDERED_METHODS: Final = frozenset(("join", "extend", "fromkeys", "array", "asarray", "fromiter"))
_SET_METHODS: Final = frozenset(("union", "intersection", "difference", "symmetric_difference", "copy"))


def _is_set_type(annotation: ast.AST) -> bool:
    named = annotation.value if isinstance(annotation, ast.Subscript) else annotation
    return isinstance(named, ast.Name) and named.id in ("set", "frozenset", "Set", "AbstractSet")


def _is_keys(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "keys"


def findings(text: str) -> list[tuple[int, str, str]]:
    finder = Finder()
    finder.visit(ast.parse(text))
    return finder.found


def test_the_deterministic_parts_ask_for_nothing_but_their_arguments() -> None:
    wrong: list[str] = []
    used: set[tuple[str, str]] = set()
    for path in modules():
        name = path.relative_to(ROOT).as_posix()
        for line, what, sentence in findings(path.read_text(encoding="utf-8")):
            if (name, what) in EXCEPTIONS:
                used.add((name, what))
            else:
                wrong.append(f"{name}:{line} {sentence}")
    assert not wrong, "\n".join(wrong)
    unused = [key for key in EXCEPTIONS if key not in used and (ROOT / key[0]).exists()]
    assert not unused, f"exceptions that nothing needs: {unused}"


def test_the_parts_that_are_named_are_there() -> None:
    assert len(modules()) > 40
    for pattern in DETERMINISTIC:
        if "consensus" not in pattern:  # stands in the list before its folder does
            assert any(ROOT.glob(pattern)), pattern


@pytest.mark.parametrize(
    "text",
    [
        "import time",
        "from random import choice",
        "import socket as s",
        "from threading import Thread",
        "import threading\nx = threading.Timer(1, print)",
        "import datetime\nx = datetime.datetime.now()",
        "import numpy as np\nx = np.random.default_rng()",
        "x = hash('a')",
        "for x in {1, 2}:\n    pass",
        "def f(names: set[str]):\n    return [n for n in names]",
        "def f(a):\n    names = set(a)\n    return list(names)",
        "def f(a):\n    names = frozenset(a) - {1}\n    return ','.join(names)",
        "def f(a, b):\n    return [x for x in a.keys() & b.keys()]",
        "class C:\n    names: set[str]\n    def f(self):\n        yield from self.names",
        "class C:\n    def f(self):\n        self.names: set[str] = set()\n        return [*self.names]",
        "def f(a):\n    return dict.fromkeys(set(a))",
    ],
)
def test_each_thing_that_is_forbidden_is_found(text: str) -> None:
    assert findings(text)


@pytest.mark.parametrize(
    "text",
    [
        "import threading\nx = threading.Lock()",
        "def f(a):\n    names = set(a)\n    return sorted(names)",
        "def f(a):\n    return any(x > 1 for x in set(a))",
        "def f(a):\n    return {x + 1 for x in set(a)}",
        "def f(a):\n    return {*set(a), 1}",
        "def f(a):\n    return 1 in set(a)",
        "def f(a):\n    return [x for x in a.keys()]",
    ],
)
def test_what_does_not_depend_on_the_order_is_allowed(text: str) -> None:
    assert not findings(text)
