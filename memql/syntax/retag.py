"""Token types decided by context, before the parser sees them.

A grammar that is LALR(1) cannot tell a parenthesised expression from a pattern, a list from a comprehension, or a
keyword from a name. With all tokens at hand and brackets matched, looking ahead is free:

* a reserved word is a name after a dot, in a label position, after AS, and as a map key;
* ``(`` opens a pattern (LPAT) when its content looks like a node and a relationship follows its match;
* ``[`` opens a list comprehension (LCOMP) before ``x IN``, a pattern comprehension (PCOMP) before a pattern with a bar;
* the last top-level ``|`` of a comprehension is its bar, others are "or" between labels (LOR);
* a dotted name before ``(`` is one function name (FNAME); ``any(x IN`` is a quantifier, ``reduce(a =`` a fold;
* ``EXISTS {`` is a subquery unless the braces hold a map projection;
* words of schema commands, SEARCH, LOAD CSV and IN TRANSACTIONS are keywords only there.
"""

from __future__ import annotations

from typing import Final

from memoradb.core.errors import MemQLSyntaxError, QueryTooComplex
from memoradb.core.limits import NESTING_DEPTH_MAX
from memoradb.core.spans import Span

from .tokens import RESERVED, Token

_OPENING: Final = {"LPAR": "RPAR", "LSQB": "RSQB", "LBRACE": "RBRACE"}
_CLOSING: Final = {closing: opening for opening, closing in _OPENING.items()}
_SUBQUERIES: Final = frozenset(("EXISTS", "COUNT", "COLLECT"))
_QUANTIFIERS: Final = frozenset(("ANY", "ALL", "NONE", "SINGLE"))
_SCHEMA: Final = frozenset(
    "INDEX CONSTRAINT RANGE TEXT POINT FULLTEXT VECTOR LOOKUP IF EXISTS EACH OPTIONS REQUIRE UNIQUE KEY TYPED FOR "
    "NODE RELATIONSHIP INDEXES CONSTRAINTS PROCEDURES FUNCTIONS PROCEDURE FUNCTION".split()
)
_INDEX_KINDS: Final = frozenset("RANGE TEXT POINT FULLTEXT VECTOR LOOKUP INDEX CONSTRAINT".split())
_PLURALS: Final = {"PROCEDURE": "PROCEDURES", "FUNCTION": "FUNCTIONS", "INDEX": "INDEXES", "CONSTRAINT": "CONSTRAINTS"}


class Retagger:
    """One statement's tokens; ``types`` is what they will be."""

    def __init__(self, tokens: list[Token]) -> None:
        self.tokens = tokens
        self.types: list[str | None] = [t.type for t in tokens]
        self.match, self.parent = self._brackets()

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
        self._prefix()
        self._names()
        self._operators()
        self._schema()
        self._special_clauses()
        self._patterns()
        self._brackets_and_functions()
        self._bars()
        out = []
        for token, kind in zip(self.tokens, self.types, strict=True):
            if kind is not None:
                token.type = kind
                out.append(token)
        return out

    def _prefix(self) -> None:
        i = 0
        if self.word(0) == "CYPHER":
            while self.word(i) == "CYPHER" or (i and self.type(i) in ("INT", "FLOAT")):
                self.types[i] = None
                i += 1
        if self.word(i) in ("EXPLAIN", "PROFILE") and self.type(i) == "IDENT":
            self.types[i] = self.word(i)

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
                if self.type(i + 1) == "NULL":
                    types[i], types[i + 1] = "ISNULL", None
                    self._join(i, i + 1)
                elif self.type(i + 1) == "NOT" and self.type(i + 2) == "NULL":
                    types[i], types[i + 1], types[i + 2] = "ISNOTNULL", None, None
                    self._join(i, i + 2)
                elif self.type(i + 1) == "DCOLON" or self.word(i + 1) == "TYPED":
                    types[i], types[i + 1] = "ISTYPED", None
                    self._join(i, i + 1)
                elif self.type(i + 1) == "NOT" and (self.type(i + 2) == "DCOLON" or self.word(i + 2) == "TYPED"):
                    types[i], types[i + 1], types[i + 2] = "ISTYPED", None, None
                    self._join(i, i + 2)
            elif kind in ("STARTS", "ENDS") and self.type(i + 1) == "WITH":
                types[i + 1] = None
                self._join(i, i + 1)
            elif kind == "UNION" and self.word(i + 1) == "ALL":
                types[i + 1] = "ALL"

    def _join(self, first: int, last: int) -> None:
        token = self.tokens[first]
        token.value = " ".join(self.tokens[i].value for i in range(first, last + 1))
        token.end_pos = self.tokens[last].end_pos

    def _schema(self) -> None:
        start = next((i for i, kind in enumerate(self.types) if kind not in (None, "EXPLAIN", "PROFILE")), 0)
        first, second = self.word(start), self.word(start + 1)
        if first == "SHOW":
            self.types[start] = "SHOW"
            for i in range(start + 1, min(start + 3, len(self.types))):
                word = _PLURALS.get(self.word(i), self.word(i))
                if word in _PLURALS.values():
                    self.types[i] = word
                    break
            return
        if first == "DROP" and second in ("INDEX", "CONSTRAINT"):
            self.types[start] = "DROP"
        elif not (first == "CREATE" and second in _INDEX_KINDS and self.type(start + 1) == "IDENT"):
            return
        for i in range(start + 1, len(self.types)):
            word = self.word(i)
            if self.types[i] == "IDENT" and word in _SCHEMA and self.parent[i] < 0:
                # The name of an index may be any of these words but for the ones that follow it.
                named = self.word(i - 1) in ("INDEX", "CONSTRAINT") and word not in ("FOR", "IF")
                self.types[i] = "IDENT" if named else word
            elif self.types[i] == "BAR":
                self.types[i] = "LOR"
            elif self.types[i] == "ISTYPED":
                # REQUIRE n.k IS :: T : the grammar of constraints spells IS and :: apart.
                self.types[i] = "IS"
                self.types[i + 1] = "DCOLON"
            elif self.types[i] == "ISNOTNULL":
                self.types[i], self.types[i + 1], self.types[i + 2] = "IS", "NOT", "NULL"

    def _special_clauses(self) -> None:
        types = self.types
        for i, kind in enumerate(types):
            if kind != "IDENT":
                continue
            word = self.word(i)
            if word == "SEARCH" and self.type(i + 2) == "IN" and self.word(i + 4) in ("VECTOR", "FULLTEXT"):
                if self.type(i + 3) == "LPAR" and self.word(i + 5) == "INDEX":
                    self._search(i)
            elif word == "LOAD" and self.word(i + 1) == "CSV":
                types[i], types[i + 1] = "LOAD", "CSV"
                if self.type(i + 2) == "WITH" and self.word(i + 3) == "HEADERS":
                    types[i + 3] = "HEADERS"
                for j in range(i + 2, len(types)):
                    if self.word(j) in ("FROM", "FIELDTERMINATOR") and types[j] == "IDENT":
                        types[j] = self.word(j)
            elif word == "TRANSACTIONS" and self._closes_subquery(i):
                types[i] = "TRANSACTIONS"
                if self.word(i - 1) == "CONCURRENT":
                    types[i - 1] = "CONCURRENT"
                self._rows(i + 1)
            elif word in ("SHORTEST", "ANY", "ALL") and self._selects_path(i):
                types[i] = word

    def _search(self, i: int) -> None:
        self.types[i] = "SEARCH"
        self.types[i + 4], self.types[i + 5] = self.word(i + 4), "INDEX"
        end = self.match[i + 3]
        for j in range(i + 6, end if end > 0 else len(self.types)):
            if self.types[j] == "IDENT" and self.word(j) == "FOR" and self.parent[j] == i + 3:
                self.types[j] = "FOR"
                break
        if end > 0 and self.word(end + 1) == "SCORE" and self.type(end + 2) == "AS":
            self.types[end + 1] = "SCORE"

    def _closes_subquery(self, i: int) -> bool:
        return any(self.type(j) == "IN" and self.type(j - 1) == "RBRACE" for j in range(max(0, i - 4), i))

    def _rows(self, i: int) -> None:
        for j in range(i, min(i + 12, len(self.types))):
            word = self.word(j)
            if self.types[j] == "IDENT" and word in ("OF", "ROWS", "ROW", "ERROR", "CONTINUE", "BREAK", "FAIL"):
                self.types[j] = "ROWS" if word == "ROW" else word

    def _selects_path(self, i: int) -> bool:
        """Whether a selector word stands before a path: after MATCH, a comma or ``=`` and before ``(`` or SHORTEST."""
        if self.type(i - 1) not in ("MATCH", "COMMA", "EQ") and self.word(i - 1) not in ("ANY", "ALL"):
            return False
        following = i + 1
        if self.type(following) == "INT":
            following += 1
        if self.word(following) in ("GROUPS", "GROUP"):
            self.types[following] = "GROUPS"
            following += 1
        if self.word(following) == "SHORTEST":
            return True
        return self.word(i) in ("SHORTEST", "ANY") and self.type(following) == "LPAR" and self._node_like(following)

    # --- patterns

    def _node_like(self, i: int) -> bool:
        """Whether the parenthesis at ``i`` could hold a node pattern."""
        end = self.match[i]
        if end < 0:
            return False
        k = i + 1
        if k == end:
            return True
        if self.type(k) in ("LPAR", "LPAT"):
            return self._opens_pattern(k)
        if self.type(k) == "IDENT":
            k += 1
        return k == end or self.type(k) in ("COLON", "LBRACE", "PARAM", "WHERE")

    def _opens_pattern(self, i: int) -> bool:
        """Whether the parenthesis at ``i`` is a node that a relationship follows."""
        if self.type(i) not in ("LPAR", "LPAT") or not self._node_like(i):
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
            if kind == "LPAR" and self._opens_pattern(i):
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
            elif kind in ("LPAR", "LPAT") and self.type(i - 1) == "IDENT" and self.match[i] >= 0:
                self._function(i)

    def _holds_projection(self, i: int) -> bool:
        following = self.type(i + 1)
        return following in ("RBRACE", "DOT") or (
            following == "IDENT" and self.type(i + 2) in ("COLON", "COMMA", "RBRACE")
        )

    def _square(self, i: int) -> None:
        before = self.type(i - 1)
        if before == "MINUS" and self.type(self.match[i] + 1) == "MINUS" and self.type(i - 2) in ("RPAR", "LT"):
            return
        if before in ("IDENT", "RPAR", "RSQB", "PARAM", "RBRACE", "STRING") and self.type(i + 2) != "IN":
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
            elif kind in ("REDUCE", "FOREACH") and self.match[opening + 1] > 0:
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
