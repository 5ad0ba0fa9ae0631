"""What a client sends as a statement, made sure to be text: the first thing that is looked at."""

from __future__ import annotations

from memoradb.core.errors import MemQLSyntaxError, QueryTooComplex, TypeMismatch
from memoradb.core.limits import QUERY_TEXT_MAX
from memoradb.core.spans import Span


def statement_text(text: object) -> str:
    """``text`` as a string that can be stored and sent: UTF-8 bytes decoded, its length and characters checked.

    Raises:
        TypeMismatch: neither str nor bytes.
        MemQLSyntaxError: bytes that are not UTF-8, or half of a surrogate pair; with the place.
        QueryTooComplex: longer than a statement may be.
    """
    if isinstance(text, (bytes, bytearray, memoryview)):
        text = _decoded(bytes(text))
    if not isinstance(text, str):
        raise TypeMismatch(
            f"A statement is a string, not a Python {type(text).__name__}.", hint='Write execute("RETURN 1").'
        )
    if len(text) > QUERY_TEXT_MAX:
        raise QueryTooComplex(
            f"A statement has at most {QUERY_TEXT_MAX:,} characters; this one has {len(text):,}.",
            limit="QUERY_TEXT_MAX",
            value=QUERY_TEXT_MAX,
            hint="Pass data as parameters: UNWIND $rows AS row CREATE (n) SET n = row.",
        )
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError as error:
            code = ord(text[error.start])
            raise MemQLSyntaxError(
                f"U+{code:04X} is half of a surrogate pair, no character.",
                span=Span(error.start, error.start + 1),
                hint="The text was decoded wrongly before it came here.",
                detail="InvalidUnicodeCharacter",
            ).located(text) from None
    return text


def _decoded(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        shown = data[: error.start].decode()
        text = f"{shown}\ufffd{data[error.end :].decode(errors='replace')}"
        raise MemQLSyntaxError(
            f"The byte 0x{data[error.start]:02X} at offset {error.start} is not UTF-8.",
            span=Span(len(shown), len(shown) + 1),
            hint="Send the statement as UTF-8.",
            detail="InvalidUnicodeCharacter",
        ).located(text) from None
