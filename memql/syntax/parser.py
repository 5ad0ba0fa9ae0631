"""Lark, set up once: our tokens in, syntax nodes out.

The parser's tables take more than a second to compute and a tenth to load. They are kept in a file whose name holds
the grammar's hash: the wheel ships it in ``grammar/tables``; a checkout keeps it in the user's cache directory. Without
a place to keep them they are computed once a process.
"""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
import threading
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from memoradb.core.errors import MemQLSyntaxError, QueryTooComplex
from memoradb.core.limits import NESTING_DEPTH_MAX
from memoradb.core.spans import Span

from . import ast
from .lower import Lower
from .retag import retag
from .tokens import Token, tokenize

if TYPE_CHECKING:
    from lark import Lark

_WORDS: Final = {
    "IDENT": "a name",
    "FNAME": "a function",
    "STRING": "a string",
    "INT": "a number",
    "FLOAT": "a number",
    "PARAM": "a parameter",
    "LPAR": "`(`",
    "LPAT": "`(`",
    "RPAR": "`)`",
    "LSQB": "`[`",
    "LCOMP": "`[`",
    "PCOMP": "`[`",
    "RSQB": "`]`",
    "LBRACE": "`{`",
    "RBRACE": "`}`",
    "COMMA": "`,`",
    "COLON": "`:`",
    "DOT": "`.`",
    "EQ": "`=`",
    "BAR": "`|`",
    "LOR": "`|`",
    "SEMI": "the end",
    "$END": "the end",
}
_HIDDEN: Final = frozenset(("SUBQ", "QUANT", "REDUCE", "SHORTESTPATH", "LCOMP", "PCOMP", "LPAT", "AMP", "BANG"))
_OPERATORS: Final = frozenset(
    "OR XOR AND NE LT LE GT GE PLUS MINUS STAR SLASH PERCENT CARET IN STARTS ENDS CONTAINS REGEX CONCAT ISNULL "
    "ISNOTNULL ISTYPED DOTDOT".split()
)


class _State(threading.local):
    """Each thread parses with its own callbacks: they hold the text at hand."""

    lower: Lower | None = None
    lark: Lark | None = None


_state = _State()
_tables_lock = threading.Lock()
_tables: bytes | None = None


def _lexer_class() -> type:
    from lark.lexer import Lexer

    class TokenLexer(Lexer):
        """Hands Lark the tokens that were made before."""

        def __init__(self, lexer_conf: Any) -> None:
            pass

        def lex(self, lexer_state: Any, parser_state: Any = None) -> Iterator[Any]:  # pyright: ignore[reportIncompatibleMethodOverride]
            return iter(lexer_state)

    return TokenLexer


def grammar_text() -> str:
    """The grammar, as shipped."""
    return files("memoradb.grammar").joinpath("memql.lark").read_text("utf-8")


def tables_name() -> str:
    """File name of the saved tables: grammar, Lark and Python decide it."""
    import lark

    seed = f"{grammar_text()}|{lark.__version__}|{sys.version_info[:2]}|2"
    return f"memql-{hashlib.blake2b(seed.encode(), digest_size=8).hexdigest()}.tables"


def _cache_directory() -> Path:
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or tempfile.gettempdir()
    elif sys.platform == "darwin":
        base = os.path.expanduser("~/Library/Caches")
    else:
        base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Path(base) / "memoradb"


def build_tables() -> bytes:
    """Compute the parser's tables from the grammar, as bytes that ``load`` takes."""
    import io

    from lark import Lark

    parser = Lark(grammar_text(), parser="lalr", lexer="basic", maybe_placeholders=True, keep_all_tokens=True)
    out = io.BytesIO()
    parser.save(out)
    return out.getvalue()


def _load_tables() -> bytes:
    global _tables
    with _tables_lock:
        if _tables is not None:
            return _tables
        name = tables_name()
        shipped = files("memoradb.grammar").joinpath("tables").joinpath(name)
        kept = _cache_directory() / name
        if shipped.is_file():
            _tables = shipped.read_bytes()
        elif kept.is_file():
            _tables = kept.read_bytes()
        else:
            _tables = build_tables()
            _keep(kept, _tables)
        return _tables


def _keep(path: Path, data: bytes) -> None:
    """Write the tables beside others, whole or not at all; a cache that cannot be written is only slower."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
            file.write(data)
        os.replace(file.name, path)
    except OSError:
        return


def _parser() -> tuple[Any, Lower]:
    if _state.lark is None or _state.lower is None:
        import io

        from lark import Lark
        from lark.lexer import LexerThread

        lower = Lower()
        lark = Lark.__new__(Lark)
        lark._load(io.BytesIO(_load_tables()), transformer=lower)  # pyright: ignore[reportPrivateUsage]
        _state.lark, _state.lower = lark, lower
        del LexerThread
    return _state.lark, _state.lower


def _run(tokens: list[Token], text: str, start: str) -> Any:
    from lark.exceptions import UnexpectedInput, VisitError

    lark, lower = _parser()
    lower.text = text
    engine = lark.parser.parser
    try:
        return engine.parse(_Stream(tokens, len(text)), start)
    except UnexpectedInput as error:
        raise _unexpected(error, tokens, text) from None
    except VisitError as error:
        raise error.orig_exc from None
    except RecursionError:
        raise QueryTooComplex(
            "The statement nests too deep.", limit="NESTING_DEPTH_MAX", value=NESTING_DEPTH_MAX
        ) from None


class _Stream:
    """What Lark's parser asks of a lexer: tokens one by one, and the last one for errors."""

    def __init__(self, tokens: list[Token], end: int) -> None:
        self._tokens = tokens
        self.state = self
        self.last_token: Any = tokens[-1] if tokens else None

    def lex(self, parser_state: Any) -> Iterator[Token]:
        return iter(self._tokens)


def _unexpected(error: Any, tokens: list[Token], text: str) -> MemQLSyntaxError:
    token = getattr(error, "token", None)
    expected: set[str] = set(getattr(error, "expected", None) or getattr(error, "accepts", None) or ())
    words = _expected_words(expected)
    if token is None or token.type == "$END" or not isinstance(token, Token):
        end = len(text.rstrip())
        where, what = Span(max(0, end - 1), end), "The statement ends too early."
        if not tokens:
            return MemQLSyntaxError("There is no statement here.", span=Span(0, 0), hint="Write one, such as RETURN 1.")
    else:
        where = Span(token.start_pos, token.end_pos)
        what = f"Unexpected `{token.value}`."
        if token.type == "BANG" and text.startswith("!=", token.start_pos):
            return MemQLSyntaxError(what, span=where, hint="Write `<>` for not equal.")
        if token.type == "SEMI" or _after_semicolon(tokens, token):
            return MemQLSyntaxError(
                "One statement at a time.", span=where, hint="Run the statements one after the other."
            )
    detail = "InvalidRelationshipPattern" if _in_relationship(tokens, token) else "UnexpectedSyntax"
    hint = f"Expected {words}." if words else None
    from .suggest import did_you_mean_keyword

    if isinstance(token, Token) and token.type == "IDENT":
        guess = did_you_mean_keyword(token.value, expected)
        if guess:
            hint = guess
    return MemQLSyntaxError(what, span=where, hint=hint, detail=detail)


def _after_semicolon(tokens: list[Token], token: Token) -> bool:
    place = next((i for i, t in enumerate(tokens) if t is token), 0)
    return place > 0 and tokens[place - 1].type == "SEMI"


def _in_relationship(tokens: list[Token], token: Any) -> bool:
    """Whether the error stands in a relationship's brackets or arrow."""
    place = next((i for i, t in enumerate(tokens) if t is token), -1)
    if place < 1:
        return False
    before = tokens[place - 1].type
    if before == "STAR" and tokens[place].type == "MINUS":
        return True
    return before == "MINUS" and tokens[place - 2].type in ("MINUS", "RSQB", "RPAR") and tokens[place].type != "LPAR"


def _expected_words(expected: set[str]) -> str:
    words: list[str] = []
    for kind in sorted(expected):
        if kind in _HIDDEN or kind in _OPERATORS:
            continue
        words.append(_WORDS.get(kind, kind.upper()))
    if expected & _OPERATORS and len(expected & _OPERATORS) > 5:
        words.append("an operator")
    words = list(dict.fromkeys(words))
    if not words or len(words) > 12:
        return ""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


def parse(text: str) -> ast.Statement:
    """One statement's syntax tree.

    Raises:
        MemQLSyntaxError: the text is no statement; located.
        QueryTooComplex: too long or nested too deep.
    """
    try:
        return _run(retag(tokenize(text)), text, "start")
    except (MemQLSyntaxError, QueryTooComplex) as error:
        raise error.located(text) from None


def split_statements(text: str) -> list[str]:
    """The statements of a script, cut at semicolons outside strings and comments."""
    statements, start = [], 0
    for token in tokenize(text):
        if token.type == "SEMI":
            statements.append(text[start : token.start_pos].strip())
            start = token.end_pos
    statements.append(text[start:].strip())
    return [s for s in statements if s]
