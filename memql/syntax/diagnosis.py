"""Why a text is no statement, said so that its writer learns from it.

The parser stops at a token that its state has no action for. From that state the terminals that it would have taken
are worked out, put into words, and compared with what stands there: a misspelt keyword, a reserved word as a name, a
habit from SQL or another language.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Final

from memoradb.core.errors import MemQLSyntaxError
from memoradb.core.spans import Span, shortened

from .suggest import closest, did_you_mean_keyword
from .tables import END, Tables
from .tokens import OPERATORS, RESERVED, Token

_OPERATORS: Final = frozenset(
    "OR XOR AND EQ NE LT LE GT GE PLUS MINUS STAR SLASH PERCENT CARET IN STARTS ENDS CONTAINS REGEX CONCAT "
    "ISNULL ISNOTNULL ISTYPED ISLABELED".split()
)
_BEHIND_OPERAND: Final = _OPERATORS | {"DOT", "LSQB", "COLON", "LBRACE", "AMP", "LOR"}
_EXPRESSION: Final = frozenset(
    "IDENT PARAM INT FLOAT STRING TRUE FALSE NULL LPAR LPAT LSQB LBRACE FNAME CASE LCOMP PCOMP QUANT REDUCE SUBQ "
    "SHORTESTPATH NOT MINUS PLUS".split()
)
_LABEL: Final = frozenset("IDENT BANG PERCENT DOLLAR DOLLARANY LPAR".split())
_CLAUSES: Final = frozenset(
    "MATCH OPTIONAL UNWIND WITH RETURN CREATE INSERT MERGE SET REMOVE DELETE DETACH FOREACH CALL LOAD LET FILTER FOR "
    "FINISH".split()
)
_STATEMENTS: Final = frozenset("SHOW DROP".split())
_PAGE: Final = frozenset("ORDER SKIP OFFSET LIMIT".split())
_PATH: Final = frozenset("ANY ALL SHORTEST WALK TRAIL ACYCLIC SIMPLE DIFFERENT REPEATABLE SHORTESTPATH".split())
_SYMBOLS: Final = {kind: f"`{text}`" for text, kind in OPERATORS.items()}
_WORDS: Final = {
    **_SYMBOLS,
    "IDENT": "a name",
    "FNAME": "a function",
    "STRING": "a string",
    "INT": "a whole number",
    "FLOAT": "a number",
    "PARAM": "a parameter",
    "LPAT": "`(`",
    "LCOMP": "`[`",
    "PCOMP": "`[`",
    "LOR": "`|`",
    "TYPE_END": "`>`",
    "SEMI": "the end",
    END: "the end",
    "ORDER": "ORDER BY",
    "ASOF": "AS OF",
    "STARTS": "STARTS WITH",
    "ENDS": "ENDS WITH",
    "SUBQ": "EXISTS",
    "SHORTESTPATH": "shortestPath",
    "DOLLARANY": "`$any`",
}
_WORDS_MAX: Final = 9

_FOREIGN: Final = {
    "SELECT": "MemQL reads with MATCH and answers with RETURN: MATCH (n:Person) RETURN n.name.",
    "UPDATE": "MemQL changes what MATCH found with SET: MATCH (n:Person) SET n.age = 30.",
    "GROUP": "There is no GROUP BY: an aggregate groups by the other items of its RETURN or WITH.",
    "HAVING": "Conditions on aggregates follow a WITH: WITH n.city AS city, count(*) AS c WHERE c > 1.",
    "JOIN": "Patterns join: MATCH (a)-[:KNOWS]->(b).",
    "LIKE": "Strings are compared by STARTS WITH, ENDS WITH, CONTAINS, and by =~ for regular expressions.",
    "BETWEEN": "Comparisons chain: 1 <= n.x <= 10.",
    "ELIF": "CASE takes several branches: CASE WHEN ... THEN ... WHEN ... THEN ... ELSE ... END.",
    "FROM": "MemQL reads with MATCH: MATCH (n:Person).",
    "INTO": "MemQL writes with CREATE: CREATE (:Person {name: 'Ada'}).",
    "VALUES": "MemQL writes with CREATE: CREATE (:Person {name: 'Ada'}).",
    "START": "START is gone from Cypher: MATCH with a condition finds the first nodes.",
}


def accepted(stack: Sequence[int], tables: Tables) -> set[str]:
    """The terminals that the automaton would take with these states on its stack: each is tried, nothing is built."""
    return {terminal for terminal in tables.actions[stack[-1]] if _takes(stack, tables, terminal)}


def _takes(stack: Sequence[int], tables: Tables, terminal: str) -> bool:
    states = list(stack)
    while True:
        action = tables.actions[states[-1]].get(terminal)
        if action is None:
            return False
        if action >= 0:
            return True
        rule = tables.rules[-1 - action]
        if rule.length:
            del states[-rule.length :]
        states.append(tables.gotos[states[-1]][rule.origin])
        if terminal == END and states[-1] == tables.end:
            return True


def in_words(expected: Collection[str]) -> str:
    """Terminals as a person says them, at most nine: "an operator, `,` or the end"."""
    rest = set(expected)
    words: list[str] = []
    if {"INT", "STRING", "CASE"} <= rest:
        words.append("an expression")
        rest -= _EXPRESSION
    if len(rest & _OPERATORS) > 5:
        words.append("an operator")
        rest -= _BEHIND_OPERAND
    if {"BANG", "PERCENT"} <= rest:
        words.append("a label")
        rest -= _LABEL
    if {"MATCH", "RETURN", "UNWIND"} <= rest:
        words.append("a clause")
        rest -= _CLAUSES | _STATEMENTS | _PAGE | {"EXPLAIN", "PROFILE", "VERBOSE", "ASOF", "SEARCH"}
    if len(rest & _PATH) > 2:
        rest -= _PATH
    words += sorted({_WORDS.get(kind, kind) for kind in rest}, key=_order)
    if len(words) > _WORDS_MAX:
        return ""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}" if words else ""


def _order(word: str) -> tuple[int, str]:
    """Names first, then symbols, then keywords, the end last."""
    if word == "the end":
        return 3, word
    return (0 if word.startswith("a ") else 1 if word.startswith("`") else 2), word


def unexpected(text: str, tokens: Sequence[Token], token: Any, expected: set[str]) -> MemQLSyntaxError:
    """The error for a statement whose parse stopped at ``token``, or at its end where that is none of ours."""
    if not tokens:
        return MemQLSyntaxError(
            "There is no statement here.", span=Span(0, 0), hint="Write one, such as RETURN 1.", gqlstatus="42I03"
        )
    words = in_words(expected)
    hint = f"Expected {words}." if words else None
    if not isinstance(token, Token):
        end = tokens[-1].end_pos
        return MemQLSyntaxError("The statement ends too early.", span=Span(end, end), hint=hint, gqlstatus="42N45")
    place = next((i for i, t in enumerate(tokens) if t is token), 0)
    where = Span(token.start_pos, token.end_pos)
    if token.type == "SEMI" or (place and tokens[place - 1].type == "SEMI"):
        return MemQLSyntaxError(
            "One statement at a time.",
            span=where,
            hint="Run the statements one after the other.",
            gqlstatus="42I15",
        )
    detail = "InvalidRelationshipPattern" if _in_relationship(tokens, place) else "UnexpectedSyntax"
    status = "42I49" if token.type == "BANG" and text.startswith("!=", token.start_pos) else None
    hint = _habit(text, tokens, place, expected) or hint
    return MemQLSyntaxError(
        f"Unexpected `{shortened(token.value)}`.", span=where, hint=hint, detail=detail, gqlstatus=status
    )


def _in_relationship(tokens: Sequence[Token], place: int) -> bool:
    """Whether the error stands in a relationship's brackets or arrow."""
    if place < 1:
        return False
    before = tokens[place - 1].type
    if before == "STAR" and tokens[place].type == "MINUS":
        return True
    return before == "MINUS" and tokens[place - 2].type in ("MINUS", "RSQB", "RPAR") and tokens[place].type != "LPAR"


def _habit(text: str, tokens: Sequence[Token], place: int, expected: set[str]) -> str | None:
    """What was meant, where what stands there shows it."""
    token = tokens[place]
    before = tokens[place - 1] if place else None
    kind, word = token.type, token.value.upper()
    adjacent = before is not None and before.end_pos == token.start_pos
    if kind == "BANG" and text.startswith("!=", token.start_pos):
        return "Write <> for not equal."
    if kind == "EQ" and adjacent and before is not None and before.type == "EQ":
        return "Write = for equal, once."
    if kind == "EQ" and text.startswith("=>", token.start_pos):
        return "An arrow is written --> or -[...]->."
    if kind == "STRING" and adjacent and before is not None and before.type == "STRING":
        return "A quote inside a string is written \\' or stands between quotes of the other kind."
    if kind == "ON" and before is not None and before.type == "INDEX":
        return "Write CREATE INDEX FOR (n:Person) ON (n.name)."
    if kind == "AMP" and text.startswith("&&", token.start_pos):
        return "Write AND."
    if kind == "BANG":
        return "Write NOT."
    if kind == "EQ" and "COLON" in expected and "IDENT" not in expected:
        return "In a map a colon stands between key and value: {name: 'Ada'}."
    if kind == "GT" and before is not None and before.type in ("MINUS", "RSQB"):
        return "An arrow is written --> or -[...]->."
    if kind == "COMMA" and before is not None and _parenthesised_list(tokens, place):
        return "A list stands in square brackets: [1, 2]."
    if word in ("IS",) or (before is not None and before.type == "IS"):
        return "After IS come NULL, NOT NULL, :: with a type, or LABELED with a label."
    if kind in ("IDENT", "FNAME"):
        return did_you_mean_keyword(token.value, expected, _WORDS) or _FOREIGN.get(word)
    # In capitals it was meant as the keyword, and something before it is missing.
    if kind in RESERVED and "IDENT" in expected and kind != "NULL" and token.value != word:
        if closest(word, expected) is None:
            return f"{word} is a reserved word: as a name it stands between backticks, `{token.value}`."
    return None


def _parenthesised_list(tokens: Sequence[Token], place: int) -> bool:
    """Whether a comma stands in parentheses that follow IN."""
    depth = 0
    for i in range(place - 1, 0, -1):
        kind = tokens[i].type
        if kind == "RPAR":
            depth += 1
        elif kind in ("LPAR", "LPAT"):
            if depth == 0:
                return tokens[i - 1].type == "IN"
            depth -= 1
    return False
