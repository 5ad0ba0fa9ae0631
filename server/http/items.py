"""The routes of the simple API below ``/api/v1``."""

from __future__ import annotations

from memoradb.core.errors import ArgumentError, EntityNotFound
from memoradb.core.values import INTEGER_MAX

from ..items import Items
from ..session import SessionCore
from .base import DIGITS_MAX, Handler


class ItemHandler(Handler):
    """A handler with the simple API at hand."""

    items: Items

    def initialize(self, core: SessionCore, items: Items | None = None) -> None:
        super().initialize(core)
        assert items is not None
        self.items = items


def identity_of(text: str) -> int:
    """The id in a path; EntityNotFound where no node can have it."""
    if len(text) > DIGITS_MAX or int(text) > INTEGER_MAX:
        raise EntityNotFound(f"There is no node {text[: 2 * DIGITS_MAX]}.", detail="NodeNotFound")
    return int(text)


class NodesHandler(ItemHandler):
    """POST /api/v1/nodes."""

    async def post(self) -> None:
        body = self.body()
        self.answer(await self.core.call(lambda: self.items.insert_node(body)), 201)


class NodeHandler(ItemHandler):
    """GET /api/v1/nodes/:id."""

    async def get(self, identity: str) -> None:
        self.answer(await self.core.call(lambda: self.items.node(identity_of(identity))))


class RelatedHandler(ItemHandler):
    """GET /api/v1/nodes/:id/related?depth=2."""

    async def get(self, identity: str) -> None:
        depth = self.count("depth", 1)
        self.answer(await self.core.call(lambda: self.items.query_related(identity_of(identity), depth)))


class EdgesHandler(ItemHandler):
    """POST /api/v1/edges."""

    async def post(self) -> None:
        body = self.body()
        self.answer(await self.core.call(lambda: self.items.insert_edge(body)), 201)


class VectorsHandler(ItemHandler):
    """POST /api/v1/vectors."""

    async def post(self) -> None:
        body = self.body()
        self.answer(await self.core.call(lambda: self.items.insert_vector(body)), 201)


class SimilarHandler(ItemHandler):
    """GET /api/v1/vectors/:id/similar?top_k=10."""

    async def get(self, identity: str) -> None:
        top_k = self.count("top_k", 10)
        self.answer(await self.core.call(lambda: self.items.query_similar(identity_of(identity), top_k)))


class BatchHandler(ItemHandler):
    """POST /api/v1/batch."""

    async def post(self) -> None:
        body = self.body()
        self.answer(await self.core.call(lambda: self.items.batch(body)), 201)


class HybridHandler(ItemHandler):
    """POST /api/v1/query/hybrid."""

    async def post(self) -> None:
        body = self.body()
        identity = body.get("node_id")
        if type(identity) is not int:
            raise ArgumentError("`node_id` must be a whole number.")
        depth, top_k = body.get("depth", 2), body.get("top_k", 5)
        self.answer(await self.core.call(lambda: self.items.query_hybrid(identity, depth, top_k)))
