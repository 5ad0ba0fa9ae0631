"""Expressions of a wanted kind, as text: every operator, function family and form that an expression may have.

Kinds keep nearly all of them free of errors, so that queries return rows; a *wild* generator ignores kinds now and
then, for the errors that must agree too. Parentheses are left out where the grammar's tiers allow it, so that
precedence is tested.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from .drawing import Draw
from .values import VALUES, Kind, literal_text
from .vocabulary import COMPONENTS, FUNCTIONS, ID_KEY, KEYS, LABELS, MIXED_KEY, PARAMETERS, WORDS

if TYPE_CHECKING:
    from .patterns import Patterns

Env = Mapping[str, Kind]
"""Variables in sight with their kinds."""

SCALARS: Final = ("int", "str", "bool", "float")
LISTS: Final = ("list of int", "list of str", "list of float")
TEMPORALS: Final = ("date", "localdatetime", "datetime", "localtime", "time")
ELEMENTS: Final = ("node", "rel")
ORDERED: Final = (
    "int",
    "float",
    "str",
    "bool",
    "date",
    "localdatetime",
    "datetime",
    "localtime",
    "time",
    "list of int",
)
ANY: Final = (*SCALARS, *LISTS, *TEMPORALS, "duration", "point", "map", "list of bool")


class Expressions:
    """Draws expressions. ``patterns`` is set by the query generator: subqueries and pattern forms need it."""

    patterns: Patterns

    def __init__(self, draw: Draw, wild: bool = False) -> None:
        self.draw = draw
        self._wild = wild
        self._fresh = 0
        self.reading = True
        """Whether what is drawn may look at the graph around: not where an update's own effects would show in it."""
        self._makers: dict[Kind, tuple[tuple[int, Callable[[Kind, Env, int], str]], ...]] = {
            "int": ((4, self._arithmetic), (4, self._call), (2, self._component), (1, self._count), (1, self._reduce)),
            "float": ((3, self._arithmetic), (6, self._call)),
            "str": ((2, self._joined), (6, self._call)),
            "bool": ((1, self._call), (12, self._condition)),
            "date": ((2, self._call), (1, self._shifted)),
            "localtime": ((2, self._call), (1, self._shifted)),
            "time": ((2, self._call), (1, self._shifted)),
            "localdatetime": ((2, self._call), (1, self._shifted)),
            "datetime": ((2, self._call), (1, self._shifted)),
            "duration": ((2, self._call), (2, self._scaled)),
            "map": ((1, self._call), (1, self._map), (2, self._map_projection)),
        }

    def name(self, stem: str) -> str:
        """A name that this query has not used."""
        self._fresh += 1
        return f"{stem}{self._fresh}"

    # --- entry points

    def expression(self, kind: Kind, env: Env, depth: int = 2) -> str:
        """An expression of ``kind``; ``any``, ``list``, ``num``, ``scalar`` stand for several."""
        draw = self.draw
        match kind:
            case "num":
                kind = draw.choice(("int", "float"))
            case "scalar":
                kind = draw.choice(SCALARS)
            case "list":
                kind = draw.choice((*LISTS, "list of node", "list of rel") if draw.chance(20) else LISTS)
            case "any":
                kind = draw.choice(ANY)
            case "property":
                return self._property(None, env) or f"{{a: {draw.integer(0, 9)}}}.a"
        if kind in WORDS:
            return draw.choice(WORDS[kind])
        if self._wild and draw.chance(6):
            kind = draw.choice((*ANY, "node", "list of node"))
        if depth <= 0 or draw.chance(25):
            return self._leaf(kind, env)
        if draw.chance(12):
            return self._wrapped(kind, env, depth)
        makers = self._makers.get(kind)
        if makers is not None:
            return draw.weighted(makers)(kind, env, depth)
        if kind.startswith("list of "):
            return self._list(kind, env, depth)
        return self._call(kind, env, depth) if FUNCTIONS.get(kind) and draw.chance(30) else self._leaf(kind, env)

    def predicate(self, env: Env, depth: int = 2, patterns: bool = True) -> str:
        """A condition; ``patterns``: a pattern may stand as one."""
        draw = self.draw
        if depth > 0 and draw.chance(35):
            left, right = self.predicate(env, depth - 1, patterns), self.predicate(env, depth - 1, patterns)
            match draw.integer(0, 5):
                case 0 | 1:
                    return f"{left} AND {right}"
                case 2 | 3:
                    return f"({left} OR {right})"
                case 4:
                    return f"({left} XOR {right})"
                case _:
                    return f"NOT ({left})" if draw.chance(50) else f"(NOT {left} OR {right})"
        if patterns and self.reading and draw.chance(8) and (pattern := self.patterns.predicate(env)) is not None:
            return pattern
        return self._condition("bool", env, depth)

    def where(self, env: Env, depth: int = 2, patterns: bool = True) -> str:
        """A condition for WHERE: most are made to hold on many rows, lest few queries return any."""
        condition = self.predicate(env, depth, patterns)
        match self.draw.weighted(((12, 0), (25, 1), (25, 2), (38, 3))):
            case 0:
                return condition
            case 1:
                return f"coalesce({self.predicate(env, depth, False)}, true)"
            case 2:
                return f"NOT coalesce({self.predicate(env, depth, False)}, false)"
            case _:
                return f"{condition} OR ({self.mixed(env)}) IS NOT NULL"

    # --- leaves

    def _leaf(self, kind: Kind, env: Env) -> str:
        draw = self.draw
        held = [name for name, of in env.items() if of == kind]
        if held and draw.chance(50 if kind not in ELEMENTS else 95):
            return draw.choice(held)
        if draw.chance(55) and (found := self._property(kind, env)) is not None:
            return found
        given = [name for name, of in PARAMETERS.items() if of == kind]
        if given and draw.chance(12):
            return f"${draw.choice(given)}"
        if kind in VALUES:
            return literal_text(draw, kind) if not draw.chance(4) else "null"
        if kind.startswith("list of "):
            inner = kind.removeprefix("list of ")
            return f"[{self._leaf(inner, env)}]" if draw.chance(50) else "[]"
        return held[0] if held else "null"

    def _property(self, kind: Kind | None, env: Env) -> str | None:
        """``variable.key`` where ``key`` holds values of ``kind`` (any key for None)."""
        elements = [name for name, of in env.items() if of in ELEMENTS]
        keys = [key for key, of in KEYS.items() if kind is None or of == kind]
        if not elements or not keys:
            return None
        element, key = self.draw.choice(elements), self.draw.choice(keys)
        if kind == "int" and self.draw.chance(8):
            key = ID_KEY
        if kind is None and self.draw.chance(20):
            key = MIXED_KEY
        if self.draw.chance(8):
            return f"{element}['{key}']"
        return f"property({element}, '{key}')" if self.draw.chance(3) else f"{element}.{key}"

    def mixed(self, env: Env) -> str:
        """A value whose type only running shows."""
        return self._property(None, env) or self.expression("any", env, 1)

    def about(self, env: Env) -> tuple[str, Kind] | None:
        """A function of a path, relationship or node in sight, with its kind; None where there are none."""
        draw = self.draw
        forms: list[tuple[str, Kind]] = []
        for name, kind in env.items():
            if kind == "path":
                calls = ("nodes", "relationships", "rels")
                forms += [(f"length({name})", "int"), *((f"size({call}({name}))", "int") for call in calls)]
                forms += [
                    (f"nodes({name})", "list of node"),
                    (f"head(nodes({name}))", "node"),
                    (f"{draw.choice(calls[1:])}({name})", "list of rel"),
                ]
            elif kind == "rel":
                forms += [(f"startNode({name})", "node"), (f"endNode({name})", "node"), (f"type({name})", "str")]
                forms += [(f"size(keys({name}))", "int"), (f"properties({name})", "map")]
            elif kind == "node":
                forms += [(f"size(labels({name}))", "int"), (f"'x' IN keys({name})", "bool")]
        return draw.choice(forms) if forms else None

    def volatile(self) -> tuple[str, Kind]:
        """What differs each time, wrapped so that the answer does not."""
        return self.draw.choice((("rand() < 1", "bool"), ("size(randomUUID())", "int"), ("timestamp() > 0", "bool")))

    # --- any kind

    def _wrapped(self, kind: Kind, env: Env, depth: int) -> str:
        """Forms that give a value of whatever kind stands inside."""
        draw, inner = self.draw, lambda: self.expression(kind, env, depth - 1)
        match draw.integer(0, 6):
            case 0:
                return f"coalesce({inner()}, {inner()})"
            case 1:
                return f"CASE WHEN {self.predicate(env, 0)} THEN {inner()} ELSE {inner()} END"
            case 2:
                subject = draw.choice(SCALARS)
                tested = self.expression(subject, env, depth - 1)
                branches = " ".join(
                    f"WHEN {self.expression(subject, env, 0)} THEN {inner()}" for _ in range(draw.integer(1, 2))
                )
                other = f" ELSE {inner()}" if draw.chance(60) else ""
                return f"CASE {tested} {branches}{other} END"
            case 3:
                return f"[{inner()}, {inner()}][{draw.integer(0, 1)}]"
            case 4:
                return f"{{a: {inner()}, b: 1}}.a" if draw.chance(60) else f"{{a: {inner()}}}['a']"
            case 5:
                return f"nullIf({inner()}, {inner()})"
            case _:
                return f"{draw.choice(('head', 'last'))}([{inner()}, {inner()}])"

    def _call(self, kind: Kind, env: Env, depth: int) -> str:
        calls = FUNCTIONS.get(kind)
        if not calls:
            return self._leaf(kind, env)
        name, kinds = self.draw.choice(calls)
        if kinds and not all(self._possible(k, env) for k in kinds):
            return self._leaf(kind, env)
        if kinds == ("now",):
            return self._clock(name)
        return f"{name}({', '.join(self.expression(k, env, depth - 1) for k in kinds)})"

    def _possible(self, kind: Kind, env: Env) -> bool:
        """Whether anything of ``kind`` but null can be had: elements and paths come from variables only."""
        if kind.removeprefix("list of ") in ("node", "rel", "path"):
            return any(of.removeprefix("list of ") == kind.removeprefix("list of ") for of in env.values())
        return True

    def _clock(self, name: str) -> str:
        zone = "'Europe/Stockholm'" if "." in name and self.draw.chance(30) else ""
        return f"{name}({zone})"

    # --- numbers, strings, temporal values

    def _arithmetic(self, kind: Kind, env: Env, depth: int) -> str:
        draw = self.draw
        left = self.expression(kind, env, depth - 1)
        if draw.chance(10):
            return f"-({left})" if draw.chance(70) else f"+({left})"
        if kind == "int" and draw.chance(25):
            divisor = draw.choice(("2", "3", "-2", "7")) if draw.chance(93) else self.expression("int", env, 0)
            return f"({left}) {draw.choice('/%')} {divisor}"
        if kind == "float" and draw.chance(35):
            right = self.expression("num", env, depth - 1)
            return f"({left}) {draw.choice('/%^')} ({right})"
        right = self.expression("num" if kind == "float" else kind, env, depth - 1)
        return f"{left} {draw.choice('+-*')} {right}" if draw.chance(40) else f"({left} {draw.choice('+-*')} {right})"

    def _component(self, kind: Kind, env: Env, depth: int) -> str:
        of = self.draw.choice((*TEMPORALS, "duration"))
        return f"({self.expression(of, env, depth - 1)}).{self.draw.choice(COMPONENTS[of])}"

    def _count(self, kind: Kind, env: Env, depth: int) -> str:
        if not self.reading:
            return self._leaf(kind, env)
        if self.draw.chance(30):
            found = self.patterns.comprehension("int", env)
            return f"size({found})"
        return self.patterns.subquery("COUNT", env)

    def _reduce(self, kind: Kind, env: Env, depth: int) -> str:
        total, item = self.name("acc"), self.name("i")
        inner = {**env, total: "int", item: "int"}
        source = self.expression("list of int", env, depth - 1)
        step = self.draw.choice((f"{total} + {item}", f"{total} - {item}", f"coalesce({total}, 0) + 1"))
        if self.draw.chance(20):
            step = f"CASE WHEN {self.predicate(inner, 0, False)} THEN {step} ELSE {total} END"
        return f"reduce({total} = {self.expression('int', env, 0)}, {item} IN {source} | {step})"

    def _joined(self, kind: Kind, env: Env, depth: int) -> str:
        left = self.expression("str", env, depth - 1)
        if self.draw.chance(30):
            return f"{left} + ({self.expression('scalar', env, depth - 1)})"
        return f"{left} {self.draw.choice(('+', '||'))} {self.expression('str', env, depth - 1)}"

    def _shifted(self, kind: Kind, env: Env, depth: int) -> str:
        shift = self.expression("duration", env, depth - 1)
        return f"({self.expression(kind, env, depth - 1)}) {self.draw.choice('+-')} ({shift})"

    def _scaled(self, kind: Kind, env: Env, depth: int) -> str:
        left = self.expression("duration", env, depth - 1)
        match self.draw.integer(0, 3):
            case 0:
                return f"({left}) {self.draw.choice('+-')} ({self.expression('duration', env, depth - 1)})"
            case 1:
                return f"({left}) * {self.draw.choice(('2', '-1', '0.5', '3'))}"
            case 2:
                return f"({left}) / {self.draw.choice(('2', '-3', '0.5'))}"
            case _:
                return f"-({left})"

    # --- conditions

    def _condition(self, kind: Kind, env: Env, depth: int) -> str:
        draw = self.draw
        match draw.integer(0, 13 if depth > 0 else 9):
            case 0 | 1 | 2:
                of = draw.choice(ORDERED)
                left, right = self.expression(of, env, depth - 1), self.expression(of, env, depth - 1)
                return f"({left} {draw.choice(('=', '<>', '<', '<=', '>', '>='))} {right})"
            case 3:
                left, right = self.mixed(env), self.mixed(env)
                return f"({left} {draw.choice(('<', '=', '<>', '>=', '<=', '>'))} {right})"
            case 4:
                a, b, c = (self.expression("num", env, depth - 1) for _ in range(3))
                return f"({a} <= {b} {draw.choice(('<', '=', '>='))} {c})"
            case 5:
                return f"({self.mixed(env)}) IS {draw.choice(('NOT NULL', 'NULL'))}"
            case 6:
                of = draw.choice(SCALARS)
                return f"({self.expression(of, env, depth - 1)} IN {self.expression(f'list of {of}', env, depth - 1)})"
            case 7:
                return f"({self.mixed(env)} IN [{self.mixed(env)}, {self.expression('scalar', env, 0)}, null])"
            case 8:
                left, right = self.expression("str", env, depth - 1), self.expression("str", env, 0)
                if draw.chance(25):
                    pattern = draw.choice(("'.*a.*'", "'[ab]+'", "'(?i)AB?'", "''"))
                    return f"({left} =~ {pattern})"
                return f"({left} {draw.choice(('STARTS WITH', 'ENDS WITH', 'CONTAINS'))} {right})"
            case 9:
                test = self._identity(env) if draw.chance(25) else self._labels(env)
                return test or self._leaf("bool", env)
            case 10 | 11:
                return self._quantifier(env, depth)
            case 12:
                return self.patterns.subquery("EXISTS", env) if self.reading else self._leaf("bool", env)
            case _:
                return self._leaf("bool", env) if draw.chance(50) else self._call("bool", env, depth)

    def _identity(self, env: Env) -> str | None:
        """Ids are compared, never shown: those of new elements are arbitrary."""
        elements = [name for name, of in env.items() if of in ELEMENTS]
        if not elements:
            return None
        left, right = self.draw.choice(elements), self.draw.choice(elements)
        call = self.draw.choice(("id", "elementId"))
        if env[left] != env[right] or self.draw.chance(30):
            return f"({left} = {right})"
        return f"({call}({left}) {self.draw.choice(('=', '<>'))} {call}({right}))"

    def _labels(self, env: Env) -> str | None:
        draw = self.draw
        nodes = [name for name, of in env.items() if of == "node"]
        if not nodes:
            return None
        label = draw.choice(LABELS)
        other = draw.choice(LABELS)
        test = draw.choice((label, f"{label}:{other}", f"{label}|{other}", f"!{label}", f"{label}&!{other}", "%"))
        if draw.chance(30):
            return f"('{label}' IN labels({draw.choice(nodes)}))"
        return f"({draw.choice(nodes)}:{test})"

    def _quantifier(self, env: Env, depth: int) -> str:
        draw = self.draw
        of = draw.choice(("int", "str", "int", "node", "rel"))
        source = self.expression(f"list of {of}", env, depth - 1)
        item = self.name("v")
        inner = {**env, item: of}
        word = draw.choice(("any", "all", "none", "single"))
        return f"{word}({item} IN {source} WHERE {self.predicate(inner, depth - 1, False)})"

    # --- lists and maps

    def _list(self, kind: Kind, env: Env, depth: int) -> str:
        draw = self.draw
        inner = kind.removeprefix("list of ")
        match draw.integer(0, 9):
            case 0 | 1:
                return f"[{', '.join(self.expression(inner, env, depth - 1) for _ in range(draw.integer(0, 3)))}]"
            case 2 | 3:
                return self._comprehension(inner, env, depth)
            case 4:
                low, high = draw.choice(("", "0", "1", "-2")), draw.choice(("", "1", "2", "-1"))
                return f"({self.expression(kind, env, depth - 1)})[{low}..{high}]"
            case 5:
                right = inner if draw.chance(40) else kind
                return f"({self.expression(kind, env, depth - 1)} + {self.expression(right, env, depth - 1)})"
            case 6:
                return f"({self.expression(kind, env, depth - 1)} || {self.expression(kind, env, depth - 1)})"
            case 7 if self.reading:
                return self.patterns.comprehension(inner, env)
            case 8 if self.reading:
                return self.patterns.subquery("COLLECT", env, inner)
            case _:
                return self._call(kind, env, depth)

    def _comprehension(self, inner: Kind, env: Env, depth: int) -> str:
        draw = self.draw
        of = draw.choice((inner, "int", "str"))
        shadowed = [name for name, kind in env.items() if kind == of]
        item = draw.choice(shadowed) if shadowed and draw.chance(4) else self.name("v")
        source = self.expression(f"list of {of}", env, depth - 1)
        scope = {**env, item: of}
        where = f" WHERE {self.predicate(scope, depth - 1, False)}" if draw.chance(50) else ""
        if of == inner and draw.chance(30):
            return f"[{item} IN {source}{where}]"
        return f"[{item} IN {source}{where} | {self.expression(inner, scope, depth - 1)}]"

    def _map(self, kind: Kind, env: Env, depth: int) -> str:
        entries = [f"{key}: {self.expression('any', env, depth - 1)}" for key in self.draw.some(("a", "b", "c"), 3)]
        return "{" + ", ".join(entries) + "}"

    def _map_projection(self, kind: Kind, env: Env, depth: int) -> str:
        draw = self.draw
        subjects = [name for name, of in env.items() if of in (*ELEMENTS, "map")]
        if not subjects:
            return self._map(kind, env, depth)
        parts = draw.some((".x", ".s", ".*", f"z: {self.expression('scalar', env, depth - 1)}"), 3)
        others = [name for name, of in env.items() if of in SCALARS]
        if others and draw.chance(30):
            parts.append(draw.choice(others))
        return f"{draw.choice(subjects)} {{{', '.join(parts)}}}"
