"""WITH and RETURN: items, aggregates, DISTINCT, ORDER BY, SKIP, LIMIT."""

from __future__ import annotations

from .drawing import Draw
from .expressions import ELEMENTS, Env, Expressions
from .values import Kind

_AGGREGATES: tuple[tuple[str, Kind, Kind], ...] = (
    ("count({})", "any", "int"),
    ("count(*)", "any", "int"),
    ("count(DISTINCT {})", "any", "int"),
    ("sum({})", "int", "int"),
    ("sum({})", "float", "float"),
    ("sum(DISTINCT {})", "int", "int"),
    ("sum({})", "duration", "duration"),
    ("avg({})", "num", "float"),
    ("avg(DISTINCT {})", "int", "float"),
    ("min({})", "any", "any"),
    ("max({})", "any", "any"),
    ("min({})", "str", "str"),
    ("max(DISTINCT {})", "int", "int"),
    ("collect({})", "int", "list of int"),
    ("collect(DISTINCT {})", "str", "list of str"),
    ("size(collect({}))", "any", "int"),
    ("percentileCont({}, 0.5)", "num", "float"),
    ("percentileDisc({}, 0.25)", "int", "int"),
    ("stDev({})", "num", "float"),
    ("stDevP({})", "int", "float"),
)


class Projections:
    """Draws projections."""

    def __init__(self, draw: Draw, expressions: Expressions) -> None:
        self.draw = draw
        self.expressions = expressions
        self.cutting = True
        """Whether SKIP and LIMIT may stand: not after a write, since new elements sort by arbitrary ids."""

    def plain_items(self, env: Env) -> str:
        """One to three items without aggregates, each with a name."""
        items = []
        for _ in range(self.draw.integer(1, 3)):
            items.append(f"{self._value(env)[0]} AS {self.expressions.name('c')}")
        return ", ".join(items)

    def returning(self, env: Env) -> str:
        """RETURN and all that may follow it."""
        draw = self.draw
        if env and draw.chance(8):
            names = sorted(env)
            return f"RETURN {'DISTINCT ' if draw.chance(20) else ''}*{self._page(names, names, env)}"
        items, named, grouped = self._items(env, aliased=False)
        distinct = draw.chance(15)
        visible = named if grouped or distinct else {**env, **named}
        shown = [name for name, _ in items]
        text = ", ".join(written for _, written in items)
        return f"RETURN {'DISTINCT ' if distinct else ''}{text}{self._page(shown, list(named), visible)}"

    def passing(self, env: Env) -> tuple[str, dict[str, Kind], float]:
        """(WITH and its WHERE, the names after it, how many rows come of one)."""
        draw = self.draw
        if env and draw.chance(15):
            where = f" WHERE {self.expressions.where(env, 1)}" if draw.chance(50) else ""
            return f"WITH *{where}", dict(env), 1.0
        items, named, grouped = self._items(env, aliased=True)
        distinct = draw.chance(15)
        text = f"WITH {'DISTINCT ' if distinct else ''}{', '.join(written for _, written in items)}"
        visible = named if grouped or distinct else {**env, **named}
        page = self._page([name for name, _ in items], list(named), visible)
        text += page
        if draw.chance(20):
            text += f" WHERE {self.expressions.where(visible, 1)}"
        return text, named, 0.3 if grouped else 0.5 if "LIMIT" in page else 1.0

    # --- parts

    def _value(self, env: Env) -> tuple[str, Kind]:
        draw = self.draw
        names = list(env)
        if names and draw.chance(25):
            name = draw.choice(names)
            return name, env[name]
        if draw.chance(10):
            return self.expressions.about(env) or self.expressions.volatile()
        if draw.chance(2):
            return self.expressions.volatile()
        kind = draw.choice(("int", "str", "any", "any", "bool", "float", "mixed", "map", "list of int"))
        if kind == "mixed":
            return self.expressions.mixed(env), "any"
        return self.expressions.expression(kind, env, 2), kind

    def _items(self, env: Env, aliased: bool) -> tuple[list[tuple[str, str]], dict[str, Kind], bool]:
        """((column, text) of each item, kinds of the columns that have names, whether any aggregates)."""
        draw = self.draw
        items: list[tuple[str, str]] = []
        named: dict[str, Kind] = {}
        aggregating = draw.chance(30)
        if aliased:
            for name in draw.some([n for n in env if env[n] in ELEMENTS or env[n] == "path"], 2):
                items.append((name, name))
                named[name] = env[name]
        for _ in range(draw.integer(0 if aggregating and draw.chance(40) else 1, 2)):
            text, kind = self._value(env)
            if text in env:
                if text in named:
                    continue
                if not draw.chance(30):
                    items.append((text, text))
                    named[text] = kind
                    continue
            if not aliased and draw.chance(10) and text not in [n for n, _ in items]:
                items.append((text, text))
                continue
            name = self.expressions.name("c")
            items.append((name, f"{text} AS {name}"))
            named[name] = kind
        if aggregating:
            for _ in range(draw.integer(1, 2)):
                name = self.expressions.name("g")
                text, kind = self._aggregate(env, named, items)
                items.append((name, f"{text} AS {name}"))
                named[name] = kind
        if not items:
            items.append(("one", "1 AS one"))
            named["one"] = "int"
        return items, named, aggregating

    def _aggregate(self, env: Env, named: dict[str, Kind], items: list[tuple[str, str]]) -> tuple[str, Kind]:
        draw = self.draw
        form, of, kind = draw.choice(_AGGREGATES)
        call = form.format(self.expressions.expression(of, env, 1))
        keys = [name for name, written in items if name == written and named.get(name) == "int"]
        if kind == "int" and draw.chance(20):
            other = draw.choice(keys) if keys and draw.chance(60) else str(draw.integer(1, 3))
            return f"{call} {draw.choice('+-*')} {other}", "int"
        return call, kind

    def _page(self, shown: list[str], names: list[str], visible: Env) -> str:
        """ORDER BY, SKIP and LIMIT. What is cut is nearly always ordered by all that is shown, so that it is sure."""
        draw = self.draw
        if not names or not draw.chance(30):
            return f" LIMIT {draw.integer(0, 8)}" if self.cutting and draw.chance(1) else ""
        total = len(names) == len(shown)
        cut = self.cutting and total and draw.chance(55)
        keys = []
        if not cut or draw.chance(30):
            scope = {n: k for n, k in visible.items() if n.isidentifier()}
            keys.append(self.expressions.expression(draw.choice(("int", "any", "str", "float")), scope, 1))
        if cut or draw.chance(60):
            keys.extend(names if draw.chance(70) else reversed(names))
        keys = keys or names[:1]
        text = " ORDER BY " + ", ".join(f"{key}{draw.choice(('', ' DESC', ' ASC', ' DESC'))}" for key in keys)
        if not cut:
            return text
        if draw.chance(15):
            text += f" SKIP {draw.choice(('1', '0', '2', '$p'))}"
        if draw.chance(75):
            text += f" LIMIT {draw.choice(('3', '1', '2', '5', '4', '1', '3', '2', '4', '5', '0', '$p', '1 + 1'))}"
        return text
