"""MemQL functions that this layer brings: ``ai.embed(text)``."""

from __future__ import annotations

from memoradb.core.errors import TypeMismatch
from memoradb.core.values import Value
from memoradb.memql.bind.types import Type
from memoradb.memql.functions.registry import FunctionDefinition, FunctionRegistry


def _embed(text: Value) -> Value:
    # Imported when first used: opening a database loads no embedder.
    from .embed.hashed import embed

    if not isinstance(text, str):
        raise TypeMismatch(f"ai.embed() takes a string, not {type(text).__name__}.")
    return embed(text)


def register_functions(registry: FunctionRegistry) -> None:
    """Add this layer's functions to a database's registry."""
    registry.register(
        FunctionDefinition(
            name="ai.embed",
            parameters=(Type.STRING | Type.NULL,),
            required=1,
            variadic=False,
            result=Type.LIST | Type.NULL,
            null_propagates=True,
            evaluate=_embed,
            needs_context=False,
            volatile=False,
            aggregate=False,
            description="The text's vector by the built-in embedder: lexical, 256 dimensions, length 1.",
        )
    )
