"""Words that are keywords only in their places: schema commands, SEARCH, LOAD CSV, IN TRANSACTIONS, GQL's clauses.

Everywhere else they are names, so that ``MATCH (index:Filter {count: 1})`` stays a query. Each function looks at the
whole row of tokens and changes the types of those that stand in such a place. What is MemQL but has no syntax node yet
is refused here, by its name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from memoradb.core.errors import MemQLSyntaxError, UnsupportedFeature
from memoradb.core.spans import Span

if TYPE_CHECKING:
    from .retag import Retagger

_SCHEMA: Final = frozenset(
    "INDEX CONSTRAINT RANGE TEXT POINT FULLTEXT VECTOR LOOKUP IF EXISTS EACH OPTIONS REQUIRE UNIQUE KEY FOR "
    "NODE RELATIONSHIP INDEXES CONSTRAINTS PROCEDURES FUNCTIONS PROCEDURE FUNCTION".split()
)
_INDEX_KINDS: Final = frozenset("RANGE TEXT POINT FULLTEXT VECTOR LOOKUP INDEX CONSTRAINT".split())
_PLURALS: Final = {"PROCEDURE": "PROCEDURES", "FUNCTION": "FUNCTIONS", "INDEX": "INDEXES", "CONSTRAINT": "CONSTRAINTS"}
_PATH_MODES: Final = frozenset("WALK TRAIL ACYCLIC SIMPLE".split())
_NOT_A_NAME_AFTER: Final = frozenset(("DOT", "AS", "COLON", "COMMA", "DOLLAR", "AMP", "BANG", "BAR", "YIELD"))
_ENDS_OPERAND: Final = frozenset(
    "IDENT INT FLOAT STRING PARAM RPAR RSQB RBRACE NULL TRUE FALSE END TYPE_END ISNULL ISNOTNULL STAR ASC DESC".split()
)
_BEFORE_PATH: Final = frozenset("MATCH CREATE INSERT MERGE COMMA EQ RELATIONSHIPS ELEMENTS ANY ALL LBRACE".split())
_BEGIN: Final = frozenset("SHOW DROP LET FILTER FOR FINISH INSERT LOAD USE EXPLAIN PROFILE".split())
_CLAUSES: Final = frozenset("MATCH OPTIONAL WITH UNWIND RETURN CREATE MERGE CALL DELETE DETACH SET REMOVE".split())


def tag_prefix(row: Retagger) -> None:
    """``CYPHER 25`` goes; EXPLAIN and PROFILE are keywords as first words, VERBOSE behind them: no clause begins so."""
    i = 0
    if row.word(0) == "CYPHER":
        while row.word(i) == "CYPHER" or (i and row.type(i) in ("INT", "FLOAT")):
            row.types[i] = None
            i += 1
    if row.word(i) in ("EXPLAIN", "PROFILE") and row.type(i) == "IDENT":
        row.types[i] = row.word(i)
        if row.word(i + 1) == "VERBOSE" and row.type(i + 1) == "IDENT":
            row.types[i + 1] = "VERBOSE"


def tag_as_of(row: Retagger) -> None:
    """``AS OF datetime('...')`` and ``AS OF TRANSACTION 7`` before a statement: AS begins none otherwise."""
    start = row.start()
    if row.type(start) != "AS" or row.word(start + 1) != "OF":
        return
    row.types[start], row.types[start + 1] = "ASOF", None
    row.join(start, start + 1)
    first = start + 2
    if row.word(first) == "TRANSACTION" and row.type(first + 1) not in ("LPAR", "DOT"):
        row.types[first] = "TRANSACTION"
        first += 1
    # A statement follows the moment: it begins outside brackets, at a word that an operand stands before.
    for i in range(first + 1, len(row.types)):
        if row.parent[i] < 0 and row.type(i - 1) != "STAR" and _behind_operand(row, i) and _may_begin(row, i):
            if row.word(i) in ("EXPLAIN", "PROFILE"):
                token = row.tokens[i]
                raise MemQLSyntaxError(
                    f"{row.word(i)} comes before AS OF.",
                    span=Span(token.start_pos, token.end_pos),
                    hint=f"Write {row.word(i)} AS OF ...",
                )
            row.begin(i)
            return
    row.begin(len(row.types))


def _may_begin(row: Retagger, i: int) -> bool:
    return row.type(i) in _CLAUSES or row.type(i) == "FOREACH" or (row.type(i) == "IDENT" and row.word(i) in _BEGIN)


# --- schema commands


def tag_schema(row: Retagger) -> None:
    """CREATE, DROP and SHOW of indexes and constraints."""
    types = row.types
    start = row.start()
    first, second = row.word(start), row.word(start + 1)
    if first == "SHOW":
        types[start] = "SHOW"
        for i in range(start + 1, min(start + 3, len(types))):
            word = _PLURALS.get(row.word(i), row.word(i))
            if word in _PLURALS.values():
                types[i] = word
                break
        return
    if first == "DROP" and second in ("INDEX", "CONSTRAINT"):
        types[start] = "DROP"
    elif not (first == "CREATE" and second in _INDEX_KINDS and row.type(start + 1) == "IDENT"):
        return
    for i in range(start + 1, len(types)):
        word = row.word(i)
        if types[i] == "IDENT" and word in _SCHEMA and row.parent[i] < 0 and row.type(i - 1) != "DOT":
            # The name of an index may be any of these words but for the ones that follow it.
            named = row.word(i - 1) in ("INDEX", "CONSTRAINT") and word not in ("FOR", "IF")
            types[i] = "IDENT" if named else word
        elif types[i] == "BAR":
            types[i] = "LOR"
        elif types[i] == "ISTYPED":
            # REQUIRE n.k IS :: T : the grammar of constraints spells IS and :: apart.
            types[i], types[i + 1] = "IS", "DCOLON"
        elif types[i] == "ISNOTNULL":
            types[i], types[i + 1], types[i + 2] = "IS", "NOT", "NULL"


# --- clauses and patterns


def tag_clauses(row: Retagger) -> None:
    """SEARCH, LOAD CSV, IN TRANSACTIONS, LET, FILTER, FOR, FINISH, INSERT, OFFSET, path selectors and modes."""
    types = row.types
    for i, kind in enumerate(types):
        if kind != "IDENT" or row.type(i - 1) == "DOT":
            continue
        word = row.word(i)
        tag = _TAGS.get(word)
        if tag is not None:
            tag(row, i, word)


def _search(row: Retagger, i: int, _: str) -> None:
    """``SEARCH n IN (VECTOR INDEX i FOR ...) SCORE AS s``."""
    if not (
        row.type(i + 2) == "IN"
        and row.type(i + 3) == "LPAR"
        and row.word(i + 4) in ("VECTOR", "FULLTEXT")
        and row.word(i + 5) == "INDEX"
    ):
        return
    types = row.types
    types[i], types[i + 4], types[i + 5] = "SEARCH", row.word(i + 4), "INDEX"
    end = row.match[i + 3]
    for j in range(i + 6, end if end > 0 else len(types)):
        if types[j] == "IDENT" and row.word(j) == "FOR" and row.parent[j] == i + 3:
            types[j] = "FOR"
            break
    if end > 0 and row.word(end + 1) == "SCORE" and row.type(end + 2) == "AS":
        types[end + 1] = "SCORE"


def _load(row: Retagger, i: int, _: str) -> None:
    """``LOAD CSV WITH HEADERS FROM url AS row FIELDTERMINATOR ';'``."""
    if row.word(i + 1) != "CSV":
        return
    types = row.types
    types[i], types[i + 1] = "LOAD", "CSV"
    j = i + 2
    if row.type(j) == "WITH" and row.word(j + 1) == "HEADERS":
        types[j + 1] = "HEADERS"
        j += 2
    if row.word(j) == "FROM":
        types[j] = "FROM"
    # The terminator follows the variable, and that the only AS outside brackets.
    while j < len(types) and not (types[j] == "AS" and row.parent[j] == row.parent[i]):
        j += 1
    if row.word(j + 2) == "FIELDTERMINATOR" and row.type(j + 3) == "STRING":
        types[j + 2] = "FIELDTERMINATOR"


def _transactions(row: Retagger, i: int, _: str) -> None:
    """``} IN 4 CONCURRENT TRANSACTIONS OF 10 ROWS ON ERROR CONTINUE REPORT STATUS AS s``."""
    if not any(row.type(j) == "IN" and row.type(j - 1) == "RBRACE" for j in range(max(0, i - 4), i)):
        return
    types = row.types
    types[i] = "TRANSACTIONS"
    if row.word(i - 1) == "CONCURRENT":
        types[i - 1] = "CONCURRENT"
    for j in range(i + 1, len(types)):
        word = row.word(j)
        if types[j] in _CLAUSES or types[j] == "RBRACE":
            return
        if types[j] != "IDENT":
            continue
        if word in ("OF", "ROWS", "ROW", "ERROR", "CONTINUE", "BREAK", "FAIL"):
            types[j] = "ROWS" if word == "ROW" else word
        elif word == "REPORT" and row.word(j + 1) == "STATUS":
            types[j], types[j + 1] = "REPORT", "STATUS"


def _begins_clause(row: Retagger, i: int) -> bool:
    """Whether a word at ``i`` stands where a clause may begin: first, after ``{``, or right behind an operand."""
    return i == row.start() or row.before(i) in ("LBRACE", "UNION", "ALL") or _behind_operand(row, i)


def _behind_operand(row: Retagger, i: int) -> bool:
    """Whether an operand ends right before ``i``; a wildcard label does, where a modulo does not."""
    before = row.before(i)
    wildcard = before == "PERCENT" and row.type(i - 2) in ("COLON", "BANG", "AMP", "BAR", "ISLABELED")
    return wildcard or before in _ENDS_OPERAND


def _let(row: Retagger, i: int, word: str) -> None:
    if row.type(i + 1) == "IDENT" and row.type(i + 2) == "EQ" and row.type(i - 1) not in _NOT_A_NAME_AFTER:
        row.types[i] = word


def _filter(row: Retagger, i: int, word: str) -> None:
    if _begins_clause(row, i) and not _is_key(row, i) and row.type(i + 1) not in ("COMMA", "RPAR", "SEMI", None):
        row.types[i] = word


def _for(row: Retagger, i: int, word: str) -> None:
    if row.type(i + 1) == "IDENT" and row.type(i + 2) == "IN" and _begins_clause(row, i):
        row.types[i] = word


def _finish(row: Retagger, i: int, word: str) -> None:
    if _begins_clause(row, i) and row.type(i - 1) != "LBRACE" and row.type(i + 1) in (None, "SEMI", "RBRACE", "UNION"):
        row.types[i] = word


def _insert(row: Retagger, i: int, word: str) -> None:
    if _begins_clause(row, i) and (row.type(i + 1) == "LPAR" or row.type(i + 2) == "EQ"):
        row.types[i] = word


def _offset(row: Retagger, i: int, word: str) -> None:
    if row.before(i) in _ENDS_OPERAND and row.type(i + 1) in ("INT", "PARAM", "IDENT", "LPAR"):
        row.types[i] = word


def _is_key(row: Retagger, i: int) -> bool:
    return row.type(i - 1) == "LBRACE" and row.type(i + 1) in ("COLON", "COMMA", "RBRACE")


def _selector(row: Retagger, i: int, word: str) -> None:
    """ANY, ALL, SHORTEST before a path: where one may begin, and before ``(`` or SHORTEST."""
    if row.type(i - 1) not in _BEFORE_PATH:
        return
    j = i + 1
    if row.type(j) == "INT":
        j += 1
    if row.word(j) in ("PATH", "PATHS"):
        row.types[j] = None
        j += 1
    if row.word(j) in ("GROUPS", "GROUP"):
        row.types[j] = "GROUPS"
        j += 1
    if row.word(j) == "SHORTEST" and word != "SHORTEST":
        row.types[i] = word
    elif row.type(j) == "LPAR" and row.node_like(j):
        # In a list of expressions `any(x)` is a function: only a relationship behind makes it a path there.
        if row.type(i - 1) == "MATCH" or j > i + 1 or word == "SHORTEST" or row.opens_pattern(j):
            row.types[i] = word
    elif row.word(j) in _PATH_MODES:
        row.types[i] = word


def _path_mode(row: Retagger, i: int, word: str) -> None:
    j = i + 1
    if row.word(j) in ("PATH", "PATHS"):
        j += 1
    if row.type(j) != "LPAR" or not row.node_like(j):
        return
    before = row.type(i - 1)
    sure = before in ("MATCH", "RELATIONSHIPS", "ELEMENTS", "ANY", "ALL", "SHORTEST", "GROUPS")
    if sure or ((before in _BEFORE_PATH or before == "INT") and row.opens_pattern(j)):
        row.types[i] = word
        if j > i + 1:
            row.types[i + 1] = None


def _match_mode(row: Retagger, i: int, word: str) -> None:
    if row.type(i - 1) != "MATCH":
        return
    following = row.word(i + 1)
    if word == "DIFFERENT" and following in ("RELATIONSHIP", "RELATIONSHIPS"):
        row.types[i], row.types[i + 1] = word, "RELATIONSHIPS"
    elif word == "REPEATABLE" and following in ("ELEMENT", "ELEMENTS"):
        row.types[i], row.types[i + 1] = word, "ELEMENTS"


# --- known, and refused


def _refuse(row: Retagger, i: int, what: str, hint: str | None = None) -> None:
    token = row.tokens[i]
    raise UnsupportedFeature(f"{what} is not supported yet.", span=Span(token.start_pos, token.end_pos), hint=hint)


def _next(row: Retagger, i: int, _: str) -> None:
    if row.before(i) in _ENDS_OPERAND and row.type(i + 1) in _CLAUSES:
        _refuse(row, i, "NEXT", "Go on with WITH, or run the statements one after the other.")


def _use(row: Retagger, i: int, _: str) -> None:
    if i == row.start() and row.type(i + 1) == "IDENT":
        _refuse(row, i, "USE", "A database holds one graph; open or connect to the one that you mean.")


def _using(row: Retagger, i: int, _: str) -> None:
    if row.word(i + 1) in ("INDEX", "SCAN", "JOIN", "RANGE", "TEXT", "POINT") and row.type(i - 1) in _ENDS_OPERAND:
        _refuse(row, i, "A planner hint", "Leave it out: the planner chooses by statistics, and EXPLAIN shows what.")
    if row.word(i + 1) == "PERIODIC":
        _refuse(row, i, "USING PERIODIC COMMIT", "CALL { ... } IN TRANSACTIONS took its place in Cypher.")


def _normalized(row: Retagger, i: int, _: str) -> None:
    if "IS" in (row.type(i - 1), row.type(i - 2), row.type(i - 3)):
        _refuse(row, i, "IS NORMALIZED")


def refuse_conditional(row: Retagger) -> None:
    """``WHEN ... THEN { } ELSE { }`` as a query."""
    if row.type(row.start()) == "WHEN":
        _refuse(row, row.start(), "A query that begins with WHEN", "CASE chooses between values.")


_TAGS: Final = {
    "SEARCH": _search,
    "LOAD": _load,
    "TRANSACTIONS": _transactions,
    "LET": _let,
    "FILTER": _filter,
    "FOR": _for,
    "FINISH": _finish,
    "INSERT": _insert,
    "OFFSET": _offset,
    "SHORTEST": _selector,
    "ANY": _selector,
    "ALL": _selector,
    "WALK": _path_mode,
    "TRAIL": _path_mode,
    "ACYCLIC": _path_mode,
    "SIMPLE": _path_mode,
    "DIFFERENT": _match_mode,
    "REPEATABLE": _match_mode,
    "NEXT": _next,
    "USE": _use,
    "USING": _using,
    "NORMALIZED": _normalized,
}

CONTEXTUAL: Final = frozenset(
    "EXPLAIN PROFILE VERBOSE CYPHER SHOW DROP INDEX CONSTRAINT IF FOR OPTIONS REQUIRE SCORE CSV HEADERS FROM "
    "FIELDTERMINATOR "
    "CONCURRENT TRANSACTION OF ROWS ROW ERROR CONTINUE BREAK FAIL REPORT STATUS TYPED LABELED GROUPS GROUP PATH PATHS "
    "NONE SINGLE REDUCE EXISTS COUNT COLLECT SHORTESTPATH ALLSHORTESTPATHS RELATIONSHIPS ELEMENTS "
    "VECTOR FULLTEXT RANGE TEXT POINT LOOKUP".split()
) | frozenset(_TAGS)
"""Words that are keywords in some place: as names they are safe between backticks."""
