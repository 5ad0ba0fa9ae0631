"""What CREATE INDEX and CREATE CONSTRAINT declare: definitions for storage, or what is amiss."""

from __future__ import annotations

from typing import Final

from memoradb.core import limits
from memoradb.core.errors import SemanticError, UnsupportedFeature
from memoradb.core.property_type import PropertyType
from memoradb.core.values import Value
from memoradb.storage.view import Element, IndexDefinition, IndexKind

from ..syntax import ast as a
from ..syntax import ast_expr as e

_INDEX_KINDS: Final = {
    a.IndexKindName.RANGE: IndexKind.RANGE,
    a.IndexKindName.TEXT: IndexKind.TEXT,
    a.IndexKindName.POINT: IndexKind.POINT,
    a.IndexKindName.FULLTEXT: IndexKind.FULLTEXT,
    a.IndexKindName.VECTOR: IndexKind.VECTOR,
    a.IndexKindName.LOOKUP: IndexKind.LOOKUP,
}
_CONSTRAINT_KINDS: Final = {
    a.ConstraintKind.UNIQUE: IndexKind.UNIQUE,
    a.ConstraintKind.KEY: IndexKind.KEY,
    a.ConstraintKind.NOT_NULL: IndexKind.EXISTENCE,
    a.ConstraintKind.TYPED: IndexKind.TYPE,
}
_SEVERAL_KEYS: Final = (IndexKind.RANGE, IndexKind.UNIQUE, IndexKind.KEY, IndexKind.FULLTEXT)


def schema_name(name: str | e.Parameter | None, command: e.Syntax) -> str:
    """The name of an index or constraint, "" where none is given."""
    if isinstance(name, e.Parameter):
        raise UnsupportedFeature("The name of an index cannot be a parameter yet.", span=command.span)
    return name or ""


def index_definition(command: a.CreateIndex) -> IndexDefinition:
    """What CREATE INDEX declares."""
    kind = _INDEX_KINDS[command.kind]
    element = Element.RELATIONSHIP if command.on_relationships else Element.NODE
    name = schema_name(command.name, command)
    if kind is IndexKind.LOOKUP:
        return _lookup(command, name, element)
    keys = _keys(command.properties, command.variable)
    if not command.labels:
        raise SemanticError(
            f"A {kind.value} index is on a label or type.", span=command.span, hint="FOR (n:Label) ON (n.key)"
        )
    if len(command.labels) > 1 and kind is not IndexKind.FULLTEXT:
        raise SemanticError(
            f"A {kind.value} index has one label or type.", span=command.span, hint="FULLTEXT ones may have several."
        )
    if len(keys) > 1 and kind not in _SEVERAL_KEYS:
        raise SemanticError(
            f"A {kind.value} index has one property.", span=command.span, hint="RANGE ones may have several."
        )
    options = _constant(command.options)
    config = _index_config(options, command)
    if kind is IndexKind.VECTOR:
        return IndexDefinition(name, kind, element, command.labels, keys, _vector_options(config, command))
    if kind is IndexKind.FULLTEXT:
        analyzer = config.get("fulltext.analyzer", "english")
        return IndexDefinition(name, kind, element, command.labels, keys, (("analyzer", analyzer),))
    # A point index takes in whatever comes: extents, which others need beforehand, are read and not needed.
    unknown = [setting for setting in config if kind is not IndexKind.POINT or not setting.startswith("spatial.")]
    if unknown:
        raise _no_setting(f"A {kind.value} index", unknown, command)
    return IndexDefinition(name, kind, element, command.labels, keys)


def _no_setting(what: str, unknown: list[str], command: e.Syntax) -> SemanticError:
    return SemanticError(f"{what} has no setting `{min(unknown)}`.", span=command.span, hint="Leave OPTIONS out.")


def _lookup(command: a.CreateIndex, name: str, element: Element) -> IndexDefinition:
    if command.labels:
        raise SemanticError(
            "A LOOKUP index is on all nodes or all relationships.",
            span=command.span,
            hint="FOR (n) ON EACH labels(n), or FOR ()-[r]-() ON EACH type(r)",
        )
    return IndexDefinition(name, IndexKind.LOOKUP, element, (), ())


def constraint_definition(command: a.CreateConstraint) -> IndexDefinition:
    """What CREATE CONSTRAINT declares."""
    kind = _CONSTRAINT_KINDS[command.kind]
    element = Element.RELATIONSHIP if command.on_relationship else Element.NODE
    keys = _keys(command.properties, command.variable)
    name = schema_name(command.name, command)
    if len(keys) > 1 and kind not in _SEVERAL_KEYS:
        raise SemanticError(
            f"{command.kind.value} is required of one property.",
            span=command.span,
            hint="Create a constraint for each property.",
        )
    config = _index_config(_constant(command.options), command)
    if config:
        raise _no_setting("A constraint", list(config), command)
    options: tuple[tuple[str, Value], ...] = ()
    if kind is IndexKind.TYPE:
        try:
            options = (("type", str(PropertyType.parse(command.type or ""))),)
        except ValueError as error:
            raise SemanticError(
                f"No property can have the type {command.type}: {error}.",
                span=command.span,
                hint="INTEGER, FLOAT, STRING, BOOLEAN, DATE, POINT, LIST<STRING NOT NULL>, ... are types.",
            ) from None
    return IndexDefinition(name, kind, element, (command.label,), keys, options)


def _keys(properties: tuple[e.Expression, ...], variable: e.Variable) -> tuple[str, ...]:
    keys: list[str] = []
    for item in properties:
        if not isinstance(item, e.Property) or item.subject != variable:
            raise SemanticError(
                f"An index is on properties of `{variable.name}`.", span=item.span, hint=f"Write {variable.name}.key."
            )
        if item.key in keys:
            raise SemanticError(f"The property `{item.key}` is there twice.", span=item.span)
        keys.append(item.key)
    return tuple(keys)


def _constant(expr: e.Expression | None) -> Value:
    """The value of a constant option."""
    match expr:
        case None:
            return {}
        case e.Literal(value):
            return value
        case e.MapLiteral(entries):
            return {k: _constant(v) for k, v in entries}
        case e.ListLiteral(items):
            return [_constant(i) for i in items]
        case e.Unary("-", operand):
            value = _constant(operand)
            return -value if type(value) in (int, float) else value
        case _:
            raise SemanticError("Options of an index are constants.", span=expr.span)


def _index_config(options: Value, command: a.CreateIndex | a.CreateConstraint) -> dict[str, Value]:
    config = options.get("indexConfig", {}) if isinstance(options, dict) else None
    if not isinstance(config, dict):
        span = command.span if command.options is None else command.options.span
        raise SemanticError("The options of an index are a map.", span=span, hint="OPTIONS {indexConfig: {...}}")
    return config


def _vector_options(config: dict[str, Value], command: a.CreateIndex) -> tuple[tuple[str, Value], ...]:
    dimensions = config.get("vector.dimensions")
    similarity = str(config.get("vector.similarity_function", "cosine")).lower()
    if type(dimensions) is not int or not 1 <= dimensions <= limits.VECTOR_DIMENSIONS_MAX:
        raise SemanticError(
            f"A vector index needs `vector.dimensions` between 1 and {limits.VECTOR_DIMENSIONS_MAX}.",
            span=command.span,
            hint="OPTIONS {indexConfig: {`vector.dimensions`: 384, `vector.similarity_function`: 'cosine'}}",
        )
    if similarity not in ("cosine", "euclidean"):
        raise SemanticError(
            f"`vector.similarity_function` is 'cosine' or 'euclidean', not {similarity!r}.", span=command.span
        )
    found: list[tuple[str, Value]] = [("dimensions", dimensions), ("similarity", similarity)]
    for option, key in (("vector.hnsw.m", "m"), ("vector.hnsw.ef_construction", "ef_construction")):
        if option in config:
            value = config[option]
            if type(value) is not int or not 2 <= value <= 512:
                raise SemanticError(f"`{option}` is a whole number between 2 and 512.", span=command.span)
            found.append((key, value))
    return tuple(found)
