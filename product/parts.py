"""What the API and the worker of one product process share."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from common.cache.caching import Caching
from common.cache.changes import Changes
from common.cache.filter import Filter
from common.cache.keeper import Keeper, Page
from common.cache.kinds import KINDS
from common.cache.lists import Lists
from common.cache.memory import Memory
from common.cache.refresh import Refresh
from common.contracts.message import Message
from common.contracts.product import ProductCreated
from common.postgres.database import Database
from common.runtime import Runtime
from common.standing.known import Known
from product.repository import kept
from product.settings import ProductSettings
from product.views import Catalogue, meaning

MIB = 1024**2


@dataclass(frozen=True)
class Parts:
    runtime: Runtime
    known: Known
    caches: Caching
    catalogue: Catalogue
    changes: Changes
    refresh: Refresh
    keeper: Keeper | None
    """Of the filter of ids, where there is one."""

    async def add_ids(self, messages: Sequence[Message]) -> None:
        """New ids, the quick way."""
        if self.keeper is not None:
            await self.keeper.add([each.entity_id for each in messages if isinstance(each, ProductCreated)])


def assemble(settings: ProductSettings, held: Runtime, caches: Caching) -> Parts:
    memory, pages = (
        Memory(most_bytes=settings.memory_mib * MIB // 2, seconds=settings.memory_seconds) for _ in range(2)
    )
    kind = KINDS.get(settings.id_filter)
    ids = Filter(caches.store, kind)
    products = caches.cache("product", memory, coalesced=True, excludes=lambda key: ids.excludes(UUID(key)))
    categories = caches.cache("category", memory, coalesced=True)
    lists = Lists(caches.cache("list", Memory(), coalesced=True), caches.store, pages)
    changes = caches.changes(meaning, memory, lists)
    held.outbox.on_commit(changes.committed)
    catalogue = Catalogue(held.db, products, categories, lists, settings.cache_seconds)
    return Parts(
        runtime=held,
        known=Known(held.db, token_seconds=settings.access_seconds),
        caches=caches,
        catalogue=catalogue,
        changes=changes,
        refresh=Refresh(memory, products.counts, catalogue.marks, catalogue.reload),
        keeper=Keeper(caches.store, kind, _ids(held.db)) if kind else None,
    )


def _ids(db: Database) -> Page:
    async def page(after: UUID, limit: int) -> Sequence[UUID]:
        async with db.read() as tx:
            return await kept.ids(tx, after, limit)

    return page
