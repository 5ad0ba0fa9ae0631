"""Patterns: in MATCH, as predicates, in comprehensions and subqueries."""

from __future__ import annotations

from dataclasses import dataclass, field

from .drawing import Draw
from .expressions import Env, Expressions
from .values import Kind
from .vocabulary import LABELS, TYPES


@dataclass
class Matched:
    """Patterns as text; the variables they bring; ``size``: a rough count of the rows each input row becomes."""

    text: str
    new: dict[str, Kind] = field(default_factory=dict)
    size: float = 1.0


class Patterns:
    """Draws patterns."""

    def __init__(self, draw: Draw, expressions: Expressions) -> None:
        self.draw = draw
        self.expressions = expressions
        expressions.patterns = self

    # --- clauses

    def patterns(self, env: Env, most: int = 2) -> Matched:
        """What stands after MATCH: one or more paths; later ones often start where an earlier one was."""
        found = Matched("")
        parts = []
        for _ in range(1 if self.draw.chance(75) else self.draw.integer(1, most)):
            scope = {**env, **found.new}
            path = self._shortest(scope) if self.draw.chance(4) else None
            path = path or self._named_path(scope)
            parts.append(path.text)
            found.new.update(path.new)
            found.size *= path.size
        found.text = ", ".join(parts)
        return found

    def _named_path(self, env: Env) -> Matched:
        hops = self.draw.weighted(((4, 1), (3, 0), (2, 2), (1, 3)))
        path = self.path(env, hops, True)
        if self.draw.chance(18):
            name = self.expressions.name("p")
            path.text = f"{name} = {path.text}"
            path.new[name] = "path"
        return path

    def _shortest(self, env: Env) -> Matched | None:
        """A shortest path between two nodes that are bound before."""
        nodes = [name for name, kind in env.items() if kind == "node"]
        if len(nodes) < 2:
            return None
        name = self.expressions.name("p")
        word = self.draw.choice(("shortestPath", "allShortestPaths"))
        start, end = self.draw.choice(nodes), self.draw.choice(nodes)
        left, right = self._arrows()
        return Matched(f"{name} = {word}(({start}){left}[{self._type()}*..3]{right}({end}))", {name: "path"}, 1.5)

    # --- paths

    def path(self, env: Env, hops: int, naming: bool, plain: bool = False) -> Matched:
        """A path of so many hops. ``naming``: it may bring names; ``plain``: no lengths, maps or WHERE."""
        scope = dict(env)
        found = Matched("")
        found.text = self._node(scope, found, naming, plain, True)
        for _ in range(hops):
            found.text += self._relationship(scope, found, naming, plain)
            found.text += self._node(scope, found, naming, plain, False)
        return found

    def _node(self, scope: dict[str, Kind], found: Matched, naming: bool, plain: bool, first: bool) -> str:
        draw = self.draw
        held = [name for name, kind in scope.items() if kind == "node"]
        if held and draw.chance(45 if first else 12):
            if not first:
                found.size /= 3
            return f"({draw.choice(held)}{self._label_test(8)})"
        name = ""
        if naming and draw.chance(80):
            name = self.expressions.name("n")
        label = self._label_test(14)
        if first:
            found.size *= 5
        detail = ""
        if not plain and draw.chance(3):
            detail = " " + self._map(scope)
            found.size /= 3
        if name:
            scope[name] = found.new[name] = "node"
            if not plain and draw.chance(5):
                detail += f" WHERE {self.expressions.where(scope, 0)}"
        return f"({name}{label}{detail})"

    def _label_test(self, percent: int) -> str:
        draw = self.draw
        if not draw.chance(percent):
            return ""
        one, other = draw.choice(LABELS), draw.choice(LABELS)
        forms = (f":{one}", ":%", f":{one}|{other}", f":!{one}", f":{one}:{other}", f":{one}&{other}", ":%")
        return draw.choice(forms)

    def _relationship(self, scope: dict[str, Kind], found: Matched, naming: bool, plain: bool) -> str:
        draw = self.draw
        left, right = self._arrows()
        found.size *= 1.2 if left == "<-" or right == "->" else 2.2
        length = ""
        if not plain and draw.chance(18):
            length = draw.choice(("*1..2", "*0..1", "*", "*2", "*..2", "*0..", "*1..", "*2..1"))
            found.size *= 3
        name = ""
        if naming and draw.chance(45):
            name = self.expressions.name("r")
        detail = ""
        if not plain and draw.chance(3):
            detail = " " + self._map(scope)
        if name and not length and not plain and draw.chance(4):
            detail += f" WHERE {self.expressions.where({**scope, name: 'rel'}, 0, False)}"
        inside = f"{name}{self._type()}{length}{detail}"
        if name:
            scope[name] = found.new[name] = "list of rel" if length else "rel"
        return f"{left}[{inside}]{right}" if inside or draw.chance(50) else f"{left}{right}"

    def _arrows(self) -> tuple[str, str]:
        return self.draw.weighted(((5, ("-", "->")), (3, ("-", "-")), (2, ("<-", "-")), (1, ("<-", "->"))))

    def _type(self) -> str:
        draw = self.draw
        if draw.chance(75):
            return ""
        one, other = draw.choice(TYPES), draw.choice(TYPES)
        return draw.weighted(((6, f":{one}"), (2, f":{one}|{other}"), (1, f":{one}|:{other}"), (1, f":!{one}")))

    def _map(self, scope: Env) -> str:
        key, kind = self.draw.choice((("x", "int"), ("y", "int"), ("s", "str"), ("b", "bool")))
        return f"{{{key}: {self.expressions.expression(kind, scope, 0)}}}"

    # --- in expressions

    def predicate(self, env: Env) -> str | None:
        """A pattern as a condition: it starts at a bound node and brings no names."""
        if "node" not in env.values():
            return None
        path = self._anchored(env, False)
        return f"exists({path.text})" if self.draw.chance(25) else path.text

    def _anchored(self, env: Env, naming: bool) -> Matched:
        """A short path from a bound node, or from any where none is bound."""
        nodes = [name for name, kind in env.items() if kind == "node"]
        found = Matched(f"({self.draw.choice(nodes)})" if nodes else "()")
        scope = dict(env)
        for _ in range(1 if self.draw.chance(75) else 2):
            found.text += self._relationship(scope, found, naming, not self.draw.chance(30))
            found.text += self._node(scope, found, naming, True, False)
        return found

    def comprehension(self, kind: Kind, env: Env) -> str:
        """``[(a)-->(b) WHERE p | x]``."""
        path = self._anchored(env, True)
        name = ""
        if self.draw.chance(15):
            name = self.expressions.name("p")
            path.new[name] = "path"
            name += " = "
        scope = {**env, **path.new}
        where = f" WHERE {self.expressions.where(scope, 0)}" if self.draw.chance(35) else ""
        return f"[{name}{path.text}{where} | {self.expressions.expression(kind, scope, 1)}]"

    def subquery(self, word: str, env: Env, kind: Kind = "int") -> str:
        """``EXISTS { }``, ``COUNT { }``, ``COLLECT { }``."""
        draw = self.draw
        path = self._anchored(env, True)
        scope = {**env, **path.new}
        where = f" WHERE {self.expressions.where(scope, 0)}" if draw.chance(35) else ""
        if word != "COLLECT" and draw.chance(50):
            return f"{word} {{ {path.text}{where} }}"
        item = self.expressions.expression(kind, scope, 1)
        if draw.chance(15) and word != "COLLECT":
            return f"{word} {{ MATCH {path.text}{where} }}"
        distinct = "DISTINCT " if draw.chance(15) else ""
        end = f" ORDER BY v LIMIT {draw.integer(0, 3)}" if draw.chance(15) else ""
        if draw.chance(10):
            aggregate = f"count({item})" if kind == "int" else f"max({item})"
            return f"{word} {{ MATCH {path.text}{where} RETURN {aggregate} AS v }}"
        return f"{word} {{ MATCH {path.text}{where} RETURN {distinct}{item} AS v{end} }}"
