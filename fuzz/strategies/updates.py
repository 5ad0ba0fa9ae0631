"""Updating clauses whose effect does not depend on the order of rows.

Two rows may update the same element, so a SET reads nothing but the element it writes, parameters and constants; and no
update looks at the graph around, where it might see what it did for the row before.
"""

from __future__ import annotations

from .drawing import Draw
from .expressions import Env, Expressions
from .values import Kind
from .vocabulary import KEYS, LABELS, TYPES

_KEYS = ("x", "y", "s", "b", "l")


class Updates:
    """Draws updating clauses."""

    def __init__(self, draw: Draw, expressions: Expressions) -> None:
        self.draw = draw
        self.expressions = expressions

    def clause(self, env: dict[str, Kind]) -> str:
        """One clause; ``env`` gains what it makes."""
        draw = self.draw
        elements = [n for n, k in env.items() if k in ("node", "rel")]
        makers = [(4, self._create), (4, self._merge)]
        if elements:
            makers += [(5, self._set), (2, self._remove), (2, self._delete)]
        makers.append((2, self._foreach))
        self.expressions.reading = False
        try:
            return draw.weighted(tuple(makers))(env)
        finally:
            self.expressions.reading = True

    # --- CREATE and MERGE

    def _create(self, env: dict[str, Kind]) -> str:
        draw = self.draw
        parts = []
        for _ in range(1 if draw.chance(80) else 2):
            hops = draw.weighted(((3, 0), (3, 1), (1, 2)))
            text = self._new_node(env, hops > 0)
            for _ in range(hops):
                name = self.expressions.name("r") if draw.chance(40) else ""
                detail = self._map(env) if draw.chance(40) else ""
                left, right = draw.choice((("-", "->"), ("<-", "-")))
                text += f"{left}[{name}:{draw.choice(TYPES)}{detail}]{right}{self._new_node(env, True)}"
                if name:
                    env[name] = "rel"
            if draw.chance(10):
                path = self.expressions.name("p")
                text = f"{path} = {text}"
                env[path] = "path"
            parts.append(text)
        return f"CREATE {', '.join(parts)}"

    def _new_node(self, env: dict[str, Kind], held: bool) -> str:
        draw = self.draw
        nodes = [n for n, k in env.items() if k == "node"]
        if held and nodes and draw.chance(60):
            return f"({draw.choice(nodes)})"
        detail = self._map(env) if draw.chance(60) else ""
        labels = "".join(f":{x}" for x in draw.some((*LABELS, "New"), 2))
        name = ""
        if draw.chance(60):
            name = self.expressions.name("n")
            env[name] = "node"
        return f"({name}{labels}{detail})"

    def _map(self, env: Env) -> str:
        entries = [f"{key}: {self.expressions.expression(KEYS[key], env, 1)}" for key in self.draw.some(_KEYS, 2)]
        return f" {{{', '.join(entries)}}}" if entries else ""

    def _merge(self, env: dict[str, Kind]) -> str:
        """One node by a property, or a relationship between nodes."""
        draw = self.draw
        nodes = [n for n, k in env.items() if k == "node"]
        if len(nodes) > 0 and draw.chance(50):
            start, end = draw.choice(nodes), draw.choice(nodes)
            target = f"({end})" if draw.chance(70) else f"(:{draw.choice(LABELS)} {{x: {draw.integer(0, 2)}}})"
            left, right = draw.choice((("-", "->"), ("-", "-"), ("<-", "-")))
            name = self.expressions.name("r")
            detail = f" {{x: {draw.integer(0, 2)}}}" if draw.chance(30) else ""
            text = f"MERGE ({start}){left}[{name}:{draw.choice(TYPES)}{detail}]{right}{target}"
            env[name] = "rel"
        else:
            value = self.expressions.expression("int", env, 1)
            value = f"coalesce({value}, 0)" if not draw.chance(6) else value
            name = self.expressions.name("n")
            text = f"MERGE ({name}:{draw.choice((*LABELS, 'New'))} {{{draw.choice('xy')}: {value}}})"
            env[name] = "node"
        if draw.chance(35):
            text += f" ON CREATE SET {name}.s = {self.expressions.expression('str', {}, 1)}"
        if draw.chance(35):
            text += f" ON MATCH SET {name}.y = coalesce({name}.y, 0) + 1"
        return text

    # --- SET, REMOVE, DELETE, FOREACH

    def _set(self, env: dict[str, Kind]) -> str:
        draw = self.draw
        name = draw.choice([n for n, k in env.items() if k in ("node", "rel")])
        items = [self._set_item(name, env[name]) for _ in range(draw.integer(1, 2))]
        return f"SET {', '.join(items)}"

    def _set_item(self, name: str, kind: Kind) -> str:
        draw = self.draw
        own: dict[str, Kind] = {name: kind}
        match draw.integer(0, 9):
            case 0 | 1 | 2 | 3:
                key = draw.choice(_KEYS)
                value = self.expressions.expression(KEYS[key], own, 1) if draw.chance(85) else "null"
                return f"{name}.{key} = {value}" if draw.chance(90) else f"{name}['{key}'] = {value}"
            case 4:
                return f"{name}.y = coalesce({name}.y, 0) + 1"
            case 5:
                return f"{name} += {{x: {self.expressions.expression('int', own, 1)}, s: null}}"
            case 6:
                return f"{name} = {{x: {self.expressions.expression('int', own, 1)}, b: true}}"
            case 7:
                return f"{name} {draw.choice(('=', '+='))} properties({name})"
            case _:
                if kind != "node":
                    return f"{name}.x = {draw.integer(0, 3)}"
                return f"{name}:{draw.choice(('A', 'B', 'A:C', 'New'))}"

    def _remove(self, env: dict[str, Kind]) -> str:
        draw = self.draw
        name = draw.choice([n for n, k in env.items() if k in ("node", "rel")])
        if env[name] == "node" and draw.chance(50):
            return f"REMOVE {name}:{draw.choice(('A', 'B', 'A:B'))}"
        return f"REMOVE {name}.{draw.choice(_KEYS)}"

    def _delete(self, env: dict[str, Kind]) -> str:
        """Deleted variables mostly leave the scope, so that little reads them afterwards."""
        draw = self.draw
        name = draw.choice([n for n, k in env.items() if k in ("node", "rel")])
        word = "DETACH DELETE" if env[name] == "node" and draw.chance(85) else "DELETE"
        if not draw.chance(4):
            kinds = ("rel", "list of rel", "path", "node", "list of node")
            for other in [n for n, k in env.items() if k in kinds]:
                del env[other]
        return f"{word} {name}"

    def _foreach(self, env: dict[str, Kind]) -> str:
        draw = self.draw
        item = self.expressions.name("f")
        source = self.expressions.expression("list of int", env, 1)
        nodes = [n for n, k in env.items() if k == "node"]
        inner = [
            f"CREATE (:{draw.choice(LABELS)} {{x: {item}}})",
            f"MERGE (:{draw.choice(LABELS)} {{y: coalesce({item}, 0)}})",
        ]
        if nodes:
            subject = draw.choice(nodes)
            inner += [f"SET {subject}.y = coalesce({subject}.y, 0) + 1", f"CREATE ({subject})-[:T {{x: {item}}}]->()"]
        return f"FOREACH ({item} IN {source} | {draw.choice(inner)})"
