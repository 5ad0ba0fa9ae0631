"""Token types decided by context, before the parser sees them.

A grammar that is LALR(1) cannot tell a parenthesised expression from a pattern, a list from a comprehension, or a
keyword from a name. With all tokens at hand and brackets matched, looking ahead is free:

* a reserved word is a name after a dot, in a label position, after AS, and as a map key;
* ``(`` opens a pattern (LPAT) when its content looks like a node and a relationship follows its match;
* ``[`` opens a list comprehension (LCOMP) before ``x IN``, a pattern comprehension (PCOMP) before a pattern with a bar;
* the last top-level ``|`` of a comprehension is its bar, others are "or" between labels (LOR);
* a dotted name before ``(`` is one function name (FNAME); ``any(x IN`` is a quantifier, ``reduce(a =`` a fold;
* ``EXISTS {`` is a subquery unless the braces hold a map projection;
* words of schema commands, SEARCH, LOAD CSV, IN TRANSACTIONS and GQL are keywords only there (``contextual``).
"""

from __future__ import annotations

from typing import Final

from memoradb.core.errors import MemQLSyntaxError, QueryTooComplex
from memoradb.core.limits import NESTING_DEPTH_MAX
from memoradb.core.spans import Span

from .contextual import refuse_conditional, tag_as_of, tag_clauses, tag_prefix, tag_schema
from .tokens import RESERVED, Token

_OPENING: Final = {"LPAR": "RPAR", "LSQB": "RSQB", "LBRACE": "RBRACE"}
_CLOSING: Final = {closing: opening for opening, closing in _OPENING.items()}
_PREFIX: Final = (None, "EXPLAIN", "PROFILE", "VERBOSE")
_SUBQUERIES: Final = frozenset(("EXISTS", "COUNT", "COLLECT"))
_QUANTIFIERS: Final = frozenset(("ANY", "ALL", "NONE", "SINGLE"))


class Retagger:
    """One statement's tokens; ``types`` is what they will be."""

    def __init__(self, tokens: list[Token]) -> None:
        self.tokens = tokens
        self.types: list[str | None] = [t.type for t in tokens]
        self.match, self.parent = self._brackets()
        self._begin: int | None = None

    def _brackets(self) -> tuple[list[int], list[int]]:
        count = len(self.types)
        match, parent, stack = [-1] * count, [-1] * count, []
        for i, kind in enumerate(self.types):
            parent[i] = stack[-1] if stack else -1
            if kind in _OPENING:
                stack.append(i)
                if len(stack) > NESTING_DEPTH_MAX:
                    token = self.tokens[i]
                    raise QueryTooComplex(
                        f"Brackets are nested deeper than {NESTING_DEPTH_MAX} levels.",
                        limit="NESTING_DEPTH_MAX",
                        value=NESTING_DEPTH_MAX,
                        span=Span(token.start_pos, token.end_pos),
                    )
            elif kind in _CLOSING:
                if stack and self.types[stack[-1]] == _CLOSING[kind]:
                    opening = stack.pop()
                    match[opening], match[i], parent[i] = i, opening, parent[opening]
        return match, parent

    def type(self, i: int) -> str | None:
        """The type at ``i``, None outside the statement."""
        return self.types[i] if 0 <= i < len(self.types) else None

    def start(self) -> int:
        """Where the statement itself begins: after CYPHER, EXPLAIN or PROFILE with VERBOSE, and after AS OF."""
        if self._begin is not None:
            return self._begin
        return next((i for i, kind in enumerate(self.types) if kind not in _PREFIX), 0)

    def begin(self, i: int) -> None:
        """The statement begins at ``i``: what stands before it has been read."""
        self._begin = i

    def before(self, i: int) -> str | None:
        """The type of the token before ``i``, past those that were joined to another."""
        i -= 1
        while i >= 0 and self.types[i] is None:
            i -= 1
        return self.type(i)

    def word(self, i: int) -> str:
        """The text at ``i`` in capitals; empty for anything but a plain word."""
        if not 0 <= i < len(self.tokens):
            return ""
        value = self.tokens[i].value
        return value.upper() if value[0].isalpha() or value[0] == "_" else ""

    def _is_name(self, i: int) -> bool:
        return bool(self.word(i)) or (0 <= i < len(self.tokens) and self.tokens[i].value[0] == "`")

    # --- passes

    def run(self) -> list[Token]:
        """All passes; tokens whose type is None have been joined to their neighbours."""
        tag_prefix(self)
        self._names()
        self._operators()
        tag_as_of(self)
        refuse_conditional(self)
        tag_schema(self)
        tag_clauses(self)
        self._patterns()
        self._brackets_and_functions()
        self._bars()
        out = []
        for token, kind in zip(self.tokens, self.types, strict=True):
            if kind is not None:
                token.type = kind
                out.append(token)
        return out

    def _map_key(self, i: int) -> bool:
        """Whether the word at ``i`` is a key in braces: ``{key:`` or ``, key:``."""
        return (
            self.type(i + 1) == "COLON"
            and self.type(i - 1) in ("LBRACE", "COMMA")
            and self.type(self.parent[i]) == "LBRACE"
        )

    def _names(self) -> None:
        types = self.types
        for i, kind in enumerate(types):
            if kind in RESERVED and self._is_name(i):
                before = self.type(i - 1)
                if (
                    before in ("DOT", "AS")
                    or self._map_key(i)
                    or (before == "COLON" and not self._map_key(i - 2))
                    or before in ("AMP", "BANG")
                    or (
                        before == "BAR"
                        and self._in_type_list(i)
                        and self.type(i + 1) in ("RSQB", "BAR", "STAR", "RPAR")
                    )
                ):
                    types[i] = "IDENT"

    def _in_type_list(self, i: int) -> bool:
        """Whether ``i`` stands in the brackets of a relationship."""
        opening = self.parent[i]
        return self.type(opening) == "LSQB" and self.type(opening - 1) == "MINUS"

    def _operators(self) -> None:
        """Words of one operator become one token: IS NULL, STARTS WITH."""
        types = self.types
        for i, kind in enumerate(types):
            if kind == "IS":
                self._type_brackets(i)
                if self.type(i + 1) == "NULL":
                    types[i], types[i + 1] = "ISNULL", None
                    self.join(i, i + 1)
                elif self.type(i + 1) == "NOT" and self.type(i + 2) == "NULL":
                    types[i], types[i + 1], types[i + 2] = "ISNOTNULL", None, None
                    self.join(i, i + 2)
                elif self.type(i + 1) == "DCOLON" or self.word(i + 1) == "TYPED":
                    types[i], types[i + 1] = "ISTYPED", None
                    self.join(i, i + 1)
                elif self.type(i + 1) == "NOT" and (self.type(i + 2) == "DCOLON" or self.word(i + 2) == "TYPED"):
                    types[i], types[i + 1], types[i + 2] = "ISTYPED", None, None
                    self.join(i, i + 2)
                elif self.word(i + 1) == "LABELED":
                    types[i], types[i + 1] = "ISLABELED", None
                    self.join(i, i + 1)
                elif self.type(i + 1) == "NOT" and self.word(i + 2) == "LABELED":
                    types[i], types[i + 1], types[i + 2] = "ISLABELED", None, None
                    self.join(i, i + 2)
                elif self._is_label(i):
                    types[i] = "COLON"
            elif kind in ("STARTS", "ENDS") and self.type(i + 1) == "WITH":
                types[i + 1] = None
                self.join(i, i + 1)
            elif kind == "UNION" and self.word(i + 1) == "ALL":
                types[i + 1] = "ALL"

    def _type_brackets(self, i: int) -> None:
        """``LIST<LIST<INTEGER>>`` after IS: its closing brackets are no "greater than"."""
        first = i + 1 + (self.type(i + 1) == "NOT")
        if self.type(first) != "DCOLON" and self.word(first) != "TYPED":
            return
        depth = 0
        for j in range(first + 1, len(self.types)):
            kind = self.types[j]
            if kind == "LT":
                depth += 1
            elif kind == "GT" and depth:
                depth -= 1
                self.types[j] = "TYPE_END"
                if not depth and self.type(j + 1) not in ("BAR", "LOR"):
                    return
            elif kind in ("BAR", "LOR") and any(self.word(k) == "REQUIRE" for k in range(i)):
                continue  # the alternatives of a constraint
            elif kind not in ("IDENT", "NOT", "NULL"):
                return

    def _is_label(self, i: int) -> bool:
        """Whether the IS at ``i`` is GQL's colon: ``(n IS Person)``, ``-[IS KNOWS]->``."""
        opening = i - 1 if self.type(i - 1) in ("LPAR", "LSQB") else i - 2
        return self.type(opening) in ("LPAR", "LSQB") and self.type(i + 1) in ("IDENT", "BANG", "PERCENT", "LPAR")

    def join(self, first: int, last: int) -> None:
        """The token at ``first`` takes in those up to ``last``."""
        token = self.tokens[first]
        token.value = " ".join(self.tokens[i].value for i in range(first, last + 1))
        token.end_pos = self.tokens[last].end_pos

    # --- patterns

    def node_like(self, i: int) -> bool:
        """Whether the parenthesis at ``i`` could hold a node pattern."""
        end = self.match[i]
        if end < 0:
            return False
        k = i + 1
        if k == end:
            return True
        if self.type(k) in ("LPAR", "LPAT"):
            return self.opens_pattern(k)
        if self.type(k) == "IDENT":
            k += 1
        return k == end or self.type(k) in ("COLON", "LBRACE", "PARAM", "WHERE")

    def opens_pattern(self, i: int) -> bool:
        """Whether the parenthesis at ``i`` is a node that a relationship follows."""
        if self.type(i) not in ("LPAR", "LPAT") or not self.node_like(i):
            return False
        after = self.match[i] + 1
        if self.type(after) == "LT":
            after += 1
            left = True
        else:
            left = False
        if self.type(after) != "MINUS":
            return False
        after += 1
        if self.type(after) == "LSQB":
            after = self.match[after] + 1
            if after <= 0 or self.type(after) != "MINUS":
                return False
        elif self.type(after) != "MINUS":
            return False
        after += 1
        following = self.type(after)
        return following in ("LPAR", "LPAT", "GT", "PLUS", "STAR", "LBRACE") or left

    def _patterns(self) -> None:
        for i, kind in enumerate(self.types):
            if kind == "LPAR" and self.opens_pattern(i):
                self.types[i] = "LPAT"

    # --- brackets and functions

    def _brackets_and_functions(self) -> None:
        types = self.types
        for i in range(len(types)):
            kind = types[i]
            if kind == "LSQB":
                self._square(i)
            elif kind == "LBRACE":
                before = self.word(i - 1)
                if self.type(i - 1) == "IDENT" and before in _SUBQUERIES and not self._holds_projection(i):
                    types[i - 1] = "SUBQ"
            elif kind == "PARAM" and self.tokens[i].value[1:].upper() in ("ANY", "ALL") and self.type(i + 1) == "LPAR":
                types[i] = "DOLLARANY"  # nowhere else does a parenthesis follow a parameter
            elif kind in ("LPAR", "LPAT") and self.type(i - 1) == "IDENT" and self.match[i] >= 0:
                self._function(i)

    def _holds_projection(self, i: int) -> bool:
        """Whether the braces at ``i`` hold a map or map projection: ``count {x: 1}`` after a variable or label."""
        following = self.type(i + 1)
        return following in ("RBRACE", "DOT") or (
            following in ("IDENT", "STRING") and self.type(i + 2) in ("COLON", "COMMA", "RBRACE")
        )

    def _square(self, i: int) -> None:
        before = self.type(i - 1)
        if before == "MINUS" and self.type(self.match[i] + 1) == "MINUS" and self.type(i - 2) in ("RPAR", "LT"):
            return
        if before in ("IDENT", "RPAR", "RSQB", "PARAM", "RBRACE", "STRING"):
            return
        if self.type(i + 1) == "IDENT" and self.type(i + 2) == "IN":
            self.types[i] = "LCOMP"
            return
        opens = self.type(i + 1) == "LPAT" or (
            self.type(i + 1) == "IDENT" and self.type(i + 2) == "EQ" and self.type(i + 3) == "LPAT"
        )
        if opens and any(self.types[k] == "BAR" and self.parent[k] == i for k in range(i, self.match[i])):
            self.types[i] = "PCOMP"

    def _function(self, i: int) -> None:
        word = self.word(i - 1)
        if self.type(i - 2) == "DOT":
            word = ""
        if word in _QUANTIFIERS and self.type(i + 1) == "IDENT" and self.type(i + 2) == "IN":
            self.types[i - 1] = "QUANT"
        elif word == "REDUCE" and self.type(i + 1) == "IDENT" and self.type(i + 2) == "EQ":
            self.types[i - 1] = "REDUCE"
        elif word in ("SHORTESTPATH", "ALLSHORTESTPATHS"):
            self.types[i - 1] = "SHORTESTPATH"
        else:
            first = i - 1
            while self.type(first - 1) == "DOT" and self.type(first - 2) == "IDENT":
                first -= 2
            if self.type(first - 1) == "DOT":
                return
            self._join_name(first, i - 1)
            self.types[first] = "FNAME"
            self.types[i] = "LPAR"  # also where `f() - -(x)` has the look of a pattern
            for k in range(first + 1, i):
                self.types[k] = None

    def _join_name(self, first: int, last: int) -> None:
        token = self.tokens[first]
        token.value = "".join(name_of(t) for t in self.tokens[first : last + 1])
        token.end_pos = self.tokens[last].end_pos

    # --- bars

    def _bars(self) -> None:
        types = self.types
        for opening, kind in enumerate(types):
            if kind in ("LCOMP", "PCOMP") and self.match[opening] > 0:
                bars = [
                    k
                    for k in range(opening + 1, self.match[opening])
                    if types[k] == "BAR" and self.parent[k] == opening
                ]
                for k in bars[:-1]:
                    types[k] = "LOR"
                if bars:
                    types[bars[-1]] = "PBAR"
            elif kind in ("REDUCE", "FOREACH") and self.type(opening + 1) in ("LPAR", "LPAT"):
                for k in range(opening + 2, self.match[opening + 1]):
                    if types[k] == "BAR" and self.parent[k] == opening + 1:
                        types[k] = "PBAR"
                        break
        for i, kind in enumerate(types):
            if kind == "BAR":
                types[i] = "LOR"
            elif kind == "PBAR":
                types[i] = "BAR"


def name_of(token: Token) -> str:
    """The name that a token writes: without backticks, doubled ones single."""
    value = token.value
    return value[1:-1].replace("``", "`") if value[0] == "`" else value


def retag(tokens: list[Token]) -> list[Token]:
    """The tokens that the parser sees."""
    _check_brackets(tokens)
    return Retagger(tokens).run()


def _check_brackets(tokens: list[Token]) -> None:
    stack: list[Token] = []
    for token in tokens:
        if token.type in _OPENING:
            stack.append(token)
        elif token.type in _CLOSING:
            span = Span(token.start_pos, token.end_pos)
            if not stack:
                raise MemQLSyntaxError(f"This `{token.value}` closes nothing.", span=span)
            opened = stack.pop()
            if _OPENING[opened.type] != token.type:
                raise MemQLSyntaxError(f"`{token.value}` does not close the `{opened.value}` before it.", span=span)
    if stack:
        span = Span(stack[-1].start_pos, stack[-1].end_pos)
        raise MemQLSyntaxError(f"This `{stack[-1].value}` is never closed.", span=span)
