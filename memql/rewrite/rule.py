"""What a rewrite rule is.

A rule takes one logical node and returns an equivalent one, or the same object where it does not apply. It either
always helps or makes room for others; choices that depend on cost belong to ``optimize``. Its name is its
function's and its file's; ``tests/golden/plans`` shows where it fires and where it must not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeAlias

from memoradb.storage.view import Fact, IndexDefinition

from ..plan.nodes import LogicalNode


class RuleCatalog(Protocol):
    """What rules may ask of the graph."""

    def indexes(self) -> Sequence[IndexDefinition]:
        """All indexes."""
        ...

    def fact(self, fact: Fact) -> bool:
        """Whether a fact holds; a rule that uses it makes the plan rest on it."""
        ...


Rule: TypeAlias = Callable[[LogicalNode, RuleCatalog], LogicalNode]
