"""The one table of what can be wrong with a statement: openCypher's kind, phase and detail, and the GQLSTATUS.

Kind, phase and detail are what the openCypher kit tests; the status is what GQL and Neo4j's drivers report for the same
fault. ``errors`` looks a new error up here, so that a detail has one status wherever it is raised. Statuses that GQL
does not know follow Neo4j's published list; where that has none either, the general one of the class stands.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple


class Fault(NamedTuple):
    """A row: what the kit calls the fault, and its status."""

    kind: str
    phase: str
    detail: str
    gqlstatus: str


_COMPILE: Final = "compile time"
_RUN: Final = "runtime"

FAULTS: Final = (
    # The text.
    Fault("SyntaxError", _COMPILE, "UnexpectedSyntax", "42I06"),
    Fault("SyntaxError", _COMPILE, "InvalidRelationshipPattern", "42I06"),
    Fault("SyntaxError", _COMPILE, "InvalidUnicodeCharacter", "42I06"),
    Fault("SyntaxError", _COMPILE, "InvalidUnicodeLiteral", "42I19"),
    Fault("SyntaxError", _COMPILE, "InvalidNumberLiteral", "42I07"),
    Fault("SyntaxError", _COMPILE, "IntegerOverflow", "22003"),
    Fault("SyntaxError", _COMPILE, "FloatingPointOverflow", "22003"),
    Fault("SyntaxError", _COMPILE, "UnsupportedFeature", "42N14"),
    Fault("SyntaxError", _COMPILE, "QueryTooComplex", "54001"),
    # Names.
    Fault("SyntaxError", _COMPILE, "UndefinedVariable", "42N62"),
    Fault("SyntaxError", _COMPILE, "VariableAlreadyBound", "42N59"),
    Fault("SyntaxError", _COMPILE, "VariableTypeConflict", "42N60"),
    Fault("SyntaxError", _COMPILE, "RelationshipUniquenessViolation", "42N68"),
    Fault("SyntaxError", _COMPILE, "ColumnNameConflict", "42N38"),
    Fault("SyntaxError", _COMPILE, "NoExpressionAlias", "42N21"),
    Fault("SyntaxError", _COMPILE, "NoVariablesInScope", "42I37"),
    Fault("SyntaxError", _COMPILE, "DifferentColumnsInUnion", "42N39"),
    Fault("SyntaxError", _COMPILE, "UnknownFunction", "42N48"),
    Fault("ProcedureError", _COMPILE, "ProcedureNotFound", "42N08"),
    Fault("SchemaError", _COMPILE, "IndexNotFound", "22N69"),
    Fault("SchemaError", _COMPILE, "ConstraintNotFound", "22N66"),
    # Clauses and what stands in them.
    Fault("SyntaxError", _COMPILE, "InvalidClauseComposition", "42N71"),
    Fault("SyntaxError", _COMPILE, "InvalidDelete", "42I26"),
    Fault("SyntaxError", _COMPILE, "InvalidParameterUse", "42N32"),
    Fault("SyntaxError", _COMPILE, "CreatingVarLength", "42I41"),
    Fault("SyntaxError", _COMPILE, "NoSingleRelationshipType", "42I14"),
    Fault("SyntaxError", _COMPILE, "RequiresDirectedRelationship", "42I06"),
    Fault("SyntaxError", _COMPILE, "NonConstantExpression", "42N28"),
    Fault("SyntaxError", _COMPILE, "NegativeIntegerArgument", "22N02"),
    Fault("SyntaxError", _RUN, "NegativeIntegerArgument", "22N02"),
    # Aggregates and arguments.
    Fault("SyntaxError", _COMPILE, "AmbiguousAggregationExpression", "42I18"),
    Fault("SyntaxError", _COMPILE, "InvalidAggregation", "42I24"),
    Fault("SyntaxError", _COMPILE, "NestedAggregation", "42I24"),
    Fault("SyntaxError", _COMPILE, "InvalidNumberOfArguments", "42I13"),
    Fault("SyntaxError", _COMPILE, "InvalidArgumentPassingMode", "42N36"),
    Fault("SyntaxError", _COMPILE, "InvalidArgumentType", "22NB1"),
    Fault("SyntaxError", _RUN, "InvalidArgumentType", "22NB1"),
    Fault("TypeError", _COMPILE, "InvalidArgumentType", "22NB1"),
    Fault("ParameterMissing", _COMPILE, "MissingParameter", "42N51"),
    # Values.
    Fault("TypeError", _RUN, "InvalidArgumentType", "22G03"),
    Fault("TypeError", _RUN, "InvalidArgumentValue", "22N01"),
    Fault("TypeError", _RUN, "InvalidParameterType", "22G03"),
    Fault("TypeError", _RUN, "InvalidPropertyType", "22N01"),
    Fault("TypeError", _RUN, "MapElementAccessByNonString", "22G03"),
    Fault("TypeError", _RUN, "PropertyAccessByNonString", "22G03"),
    Fault("ArgumentError", _RUN, "InvalidArgumentType", "22G03"),
    Fault("ArgumentError", _RUN, "InvalidArgumentValue", "22N05"),
    Fault("ArgumentError", _RUN, "NumberOutOfRange", "22N03"),
    Fault("ArgumentError", _RUN, "NegativeIntegerArgument", "22N02"),
    Fault("ArithmeticError", _RUN, "IntegerOverflow", "22003"),
    Fault("ArithmeticError", _RUN, "DivisionByZero", "22012"),
    # The graph.
    Fault("EntityNotFound", _RUN, "DeletedEntityAccess", "22000"),
    Fault("EntityNotFound", _RUN, "NodeNotFound", "22000"),
    Fault("EntityNotFound", _RUN, "IndexNotFound", "22N69"),
    Fault("SemanticError", _RUN, "MergeReadOwnWrites", "22N31"),
    Fault("SemanticError", _RUN, "CreateRelationshipWithNullNode", "22004"),
    Fault("ConstraintVerificationFailed", _RUN, "DeleteConnectedNode", "G1001"),
    Fault("ConstraintVerificationFailed", _RUN, "PropertyExistenceConstraintViolated", "22N77"),
    Fault("ConstraintVerificationFailed", _RUN, "PropertyTypeConstraintViolated", "22N78"),
    Fault("ConstraintVerificationFailed", _RUN, "UniqueConstraintViolated", "22N79"),
    Fault("ProcedureError", _RUN, "ProcedureCallFailed", "52N37"),
)
"""Every fault that the kit or we name."""

GQLSTATUS: Final[Mapping[tuple[str, str, str], str]] = {(f.kind, f.phase, f.detail): f.gqlstatus for f in FAULTS}
"""The status of a (kind, phase, detail)."""
