"""What a statement's writer should know although the statement runs: likely mistakes, slow forms, old forms.

A ``Remark`` is what the compiler finds, with a span; a ``Notification`` is what a client sees, with a position. Codes,
categories and GQLSTATUS are those that Neo4j's drivers know.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, NamedTuple

from memoradb.core.spans import Position, Span


class _Kind(NamedTuple):
    code: str
    gqlstatus: str
    severity: str
    category: str
    title: str


class NotificationKind(Enum):
    """Every kind of notification."""

    CARTESIAN_PRODUCT = _Kind(
        "Neo.ClientNotification.Statement.CartesianProduct",
        "03N90",
        "INFORMATION",
        "PERFORMANCE",
        "Patterns that nothing joins",
    )
    UNBOUNDED_PATTERN = _Kind(
        "Neo.ClientNotification.Statement.UnboundedVariableLengthPattern",
        "03N91",
        "INFORMATION",
        "PERFORMANCE",
        "A path of any length",
    )
    MISSING_INDEX = _Kind(
        "Neo.ClientNotification.Statement.NoApplicableIndex",
        "03N93",
        "INFORMATION",
        "PERFORMANCE",
        "An index would help",
    )
    UNKNOWN_LABEL = _Kind(
        "Neo.ClientNotification.Statement.UnknownLabelWarning",
        "01N50",
        "WARNING",
        "UNRECOGNIZED",
        "A label that no node has",
    )
    UNKNOWN_RELATIONSHIP_TYPE = _Kind(
        "Neo.ClientNotification.Statement.UnknownRelationshipTypeWarning",
        "01N51",
        "WARNING",
        "UNRECOGNIZED",
        "A type that no relationship has",
    )
    UNKNOWN_PROPERTY_KEY = _Kind(
        "Neo.ClientNotification.Statement.UnknownPropertyKeyWarning",
        "01N52",
        "WARNING",
        "UNRECOGNIZED",
        "A property that nothing has",
    )
    DEPRECATED = _Kind(
        "Neo.ClientNotification.Statement.FeatureDeprecationWarning",
        "01N01",
        "WARNING",
        "DEPRECATION",
        "An old form",
    )


@dataclass(frozen=True, slots=True)
class Remark:
    """A notification in the making.

    ``name``: what is not known; the remark falls away once the graph has it. ``quoted``: parts of the statement that
    stand for the ``{}`` of the description, in each text as it is written there.
    """

    kind: NotificationKind
    description: str
    span: Span
    name: str | None = None
    quoted: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True)
class Notification:
    """One entry of ``summary.notifications``. ``position`` is None where the statement as a whole is meant."""

    code: str
    gqlstatus: str
    severity: str
    category: str
    title: str
    description: str
    position: Position | None = None

    @classmethod
    def of(cls, remark: Remark, position: Position | None, quoted: Sequence[str] = ()) -> Notification:
        """What a client sees of a remark; ``quoted`` are the texts of its quoted spans."""
        description = remark.description.format(*quoted) if remark.quoted else remark.description
        return cls(*remark.kind.value, description, position)

    def to_dict(self) -> dict[str, Any]:
        """What protocols send."""
        position = self.position
        return {
            "code": self.code,
            "gqlstatus": self.gqlstatus,
            "severity": self.severity,
            "category": self.category,
            "title": self.title,
            "description": self.description,
            "position": None
            if position is None
            else {"offset": position.offset, "line": position.line, "column": position.column},
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Notification:
        """What ``to_dict`` sent."""
        position = fields.get("position")
        texts = (str(fields.get(k, "")) for k in ("code", "gqlstatus", "severity", "category", "title", "description"))
        return cls(*texts, position=None if position is None else Position(**position))
