"""What the names in Python code mean, as far as that is certain without running anything.

A name is looked up as Python does it: the function's own names, those of the functions around it, the module's, the
built-in ones. An attribute is looked up in a module (its names, those of its ``import *``, its submodules), in a class
along its method resolution order, or in an instance: its class, then what methods assign to ``self``. Known instances
are ``self``, what a class is called for, literals, annotated parameters and caught exceptions.

Left out rather than guessed: whatever is bound to two things that differ, comes from a call of a function, or stands
behind a base class that is unknown. Two liberties remain: ``self.method()`` means the method that an instance of this
very class has, although a subclass may have another; and of definitions and imports in the branches of an ``if`` or
``try`` the first that is known counts, which is the one that this interpreter prefers.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from .python_source import ClassSource, FunctionSource, Known, ModuleSource, Scope

_DEPTH_MAX = 12
_DEFINING = frozenset(("import", "from", "class", "function"))


class Meaning(NamedTuple):
    """``kind``: module, class, function, or instance (of the class ``name``)."""

    kind: str
    name: str


class Names:
    """Resolves names over all modules that were read."""

    def __init__(self, modules: Sequence[ModuleSource]) -> None:
        self.modules = {m.name: m for m in modules}
        self.classes: dict[str, ClassSource] = {c.qualified_name: c for m in modules for c in m.classes}
        self.functions: dict[str, FunctionSource] = {f.qualified_name: f for m in modules for f in m.functions}
        self._names: dict[tuple[int, str], Meaning | None] = {}
        self._orders: dict[str, tuple[list[str], bool]] = {}

    # --- questions

    def imported_modules(self, module: ModuleSource) -> set[str]:
        """The modules that ``module`` imports, submodules named by ``from package import module`` included."""
        found = {name for name in module.imports if name in self.modules}
        scopes = [module.scope, *(f.scope for f in module.functions), *(c.scope for c in module.classes)]
        for scope in scopes:
            for bound in scope.bindings.values():
                for known in bound:
                    if isinstance(known, tuple) and known[0] == "from" and f"{known[1]}.{known[2]}" in self.modules:
                        found.add(f"{known[1]}.{known[2]}")
        found.discard(module.name)
        return found

    def bases(self, source: ClassSource) -> list[str]:
        """The known base classes, in order."""
        return list(dict.fromkeys(b for b in self._bases(source) if b is not None))

    def called(self, scope: Scope) -> Iterable[str]:
        """The functions and classes that a body calls, each once: creating an instance calls the class."""
        found: dict[str, None] = {}
        for known in scope.calls:
            meaning = self.meaning(known, scope)
            if meaning is None:
                continue
            if meaning.kind in ("function", "class"):
                found[meaning.name] = None
            elif meaning.kind == "instance":
                target = self._in_class(meaning.name, "__call__", 0)
                if target is not None and target.kind == "function":
                    found[target.name] = None
        return found

    def raised(self, scope: Scope) -> Iterable[str]:
        """The classes whose instances a body raises."""
        found: dict[str, None] = {}
        for known in scope.raises:
            meaning = self.meaning(known, scope)
            if meaning is not None and meaning.kind in ("class", "instance"):
                found[meaning.name] = None
        return found

    # --- expressions

    def meaning(self, known: Known, scope: Scope, depth: int = 0) -> Meaning | None:
        """What an expression in a body means."""
        if known is None or depth > _DEPTH_MAX:
            return None
        if isinstance(known, str):
            head, *rest = known.split(".")
            found = self._name(head, scope, depth)
            for attribute in rest:
                found = self._attribute(found, attribute, depth)
            return found
        match known:
            case ("call", inner):
                called = self.meaning(inner, scope, depth + 1)  # pyright: ignore[reportArgumentType]
                return Meaning("instance", called.name) if called is not None and called.kind == "class" else None
            case ("attribute", ("super",), str() as attribute):
                return self._beyond(scope, attribute, depth)
            case ("attribute", inner, str() as attribute):
                return self._attribute(self.meaning(inner, scope, depth + 1), attribute, depth)  # pyright: ignore[reportArgumentType]
            case ("literal", str() as name):
                return Meaning("instance", f"builtins.{name}") if f"builtins.{name}" in self.classes else None
            case ("instance", inner):
                of = self.meaning(inner, scope, depth + 1)  # pyright: ignore[reportArgumentType]
                return Meaning("instance", of.name) if of is not None and of.kind == "class" else None
            case ("import", str() as name):
                return Meaning("module", name) if name in self.modules else None
            case ("from", str() as module, str() as name):
                return self._in_module(module, name, depth + 1)
            case ("class", str() as name):
                return Meaning("class", name) if name in self.classes else None
            case ("function", str() as name):
                return Meaning("function", name) if name in self.functions else None
            case _:
                return None

    def _name(self, name: str, scope: Scope, depth: int) -> Meaning | None:
        place: Scope | None = scope
        while place is not None:
            if name in place.bindings:
                return self._bound(name, place, depth)
            for star in place.stars:
                found = self._in_module(star, name, depth + 1)
                if found is not None:
                    return found
            place = place.parent
        builtins = self.modules.get("builtins")
        if builtins is not None and name in builtins.scope.bindings:
            return self._bound(name, builtins.scope, depth)
        return None

    def _bound(self, name: str, scope: Scope, depth: int) -> Meaning | None:
        key = (id(scope), name)
        if key in self._names:
            return self._names[key]
        self._names[key] = None  # a name that is bound through itself says nothing
        found = self._agreed([(known, scope) for known in scope.bindings[name]], depth)
        self._names[key] = found
        return found

    def _agreed(self, bindings: Sequence[tuple[Known, Scope]], depth: int) -> Meaning | None:
        """What all bindings mean together."""
        telling = [(k, s) for k, s in bindings if k != ("none",)]
        if not telling:
            return None
        defining = all(isinstance(k, tuple) and k[0] in _DEFINING for k, _ in telling)
        first: Meaning | None = None
        for known, scope in telling:
            found = self.meaning(known, scope, depth + 1)
            if defining:
                if found is not None:
                    return found
            elif found is None or (first is not None and found != first):
                return None
            first = found
        return first

    # --- attributes

    def _attribute(self, of: Meaning | None, name: str, depth: int) -> Meaning | None:
        if of is None:
            return None
        if of.kind == "module":
            return self._in_module(of.name, name, depth + 1)
        if of.kind == "class":
            return self._in_class(of.name, name, depth + 1)
        return self._in_instance(of.name, name, depth + 1) if of.kind == "instance" else None

    def _in_module(self, module: str, name: str, depth: int) -> Meaning | None:
        source = self.modules.get(module)
        if source is None or depth > _DEPTH_MAX:
            return None
        if name in source.scope.bindings:
            found = self._bound(name, source.scope, depth)
            if found is not None:
                return found
        else:
            for star in source.scope.stars:
                found = None if name.startswith("_") else self._in_module(star, name, depth + 1)
                if found is not None:
                    return found
        submodule = f"{module}.{name}"
        return Meaning("module", submodule) if submodule in self.modules else None

    def _in_class(self, owner: str, name: str, depth: int, after: str | None = None) -> Meaning | None:
        order, _ = self.resolution_order(owner)
        for candidate in order if after is None else order[order.index(after) + 1 :]:
            scope = self.classes[candidate].scope
            if name in scope.bindings:
                return self._bound(name, scope, depth)
        return None

    def _in_instance(self, owner: str, name: str, depth: int) -> Meaning | None:
        order, _ = self.resolution_order(owner)
        assigned = [a for c in order for a in self.classes[c].attributes.get(name, ())]
        found = self._in_class(owner, name, depth)
        if found is None:
            known_in_class = any(name in self.classes[c].scope.bindings for c in order)
            return None if known_in_class or depth > _DEPTH_MAX else self._agreed(assigned, depth)
        if assigned:
            return None
        if found.kind == "function" and self.functions[found.name].kind == "property":
            return None
        return found

    def _beyond(self, scope: Scope, name: str, depth: int) -> Meaning | None:
        """``super().name`` in a method's body, or in a function inside one."""
        place: Scope | None = scope
        while place is not None and place.method_of is None:
            place = place.parent
        if place is None or place.method_of not in self.classes:
            return None
        return self._in_class(place.method_of, name, depth, after=place.method_of)

    # --- classes

    def _bases(self, source: ClassSource) -> list[str | None]:
        found: list[str | None] = []
        for base in source.bases:
            place = source.scope.parent
            meaning = None if place is None else self.meaning(base, place)
            known = meaning is not None and meaning.kind == "class" and meaning.name != source.qualified_name
            found.append(meaning.name if meaning is not None and known else None)
        return found

    def resolution_order(self, name: str) -> tuple[list[str], bool]:
        """The class and its ancestors in the order in which Python asks them (C3), and whether that is all.

        The list ends before the first ancestor that is unknown.
        """
        if name in self._orders:
            return self._orders[name]
        self._orders[name] = ([name], False)  # for a class that inherits from itself through a name bound twice
        bases = self._bases(self.classes[name])
        if not bases and name != "builtins.object" and "builtins.object" in self.classes:
            bases = ["builtins.object"]
        whole = all(b is not None for b in bases)
        known: list[str] = []
        for base in bases:
            if base is None:
                break
            known.append(base)
        sequences: list[list[str]] = []
        for base in known:
            order, complete = self.resolution_order(base)
            whole = whole and complete
            sequences.append(list(order))
        if whole:
            order = [name, *_merged([*sequences, known])]
        else:
            # The first base comes next, with its ancestors; but what is unknown may stand before `object`.
            order = [name, *(c for s in sequences[:1] for c in s if c != "builtins.object")]
        self._orders[name] = (order, whole)
        return self._orders[name]


def _merged(sequences: list[list[str]]) -> list[str]:
    """C3's merge: the first head that is in no other list's tail, again and again."""
    out: list[str] = []
    rest = [s for s in sequences if s]
    while rest:
        head = next((s[0] for s in rest if not any(s[0] in t[1:] for t in rest)), None)
        if head is None:
            return out  # no such order: Python would refuse the class
        out.append(head)
        rest = [s for s in ([x for x in s if x != head] for s in rest) if s]
    return out
