"""The catalogue as it is shown, out of the cache. What is sold never comes from here."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from uuid import UUID

import msgspec

from common.cache.cache import Cache
from common.cache.changes import Heard
from common.cache.lists import Lists
from common.cache.model import Answer, Change
from common.contracts.message import Message
from common.contracts.product import (
    CategoryDeleted,
    CategoryState,
    ProductDeleted,
    ProductState,
    StockChanged,
)
from common.postgres.database import Database, Transaction
from product.model.catalogue import Category
from product.repository import categories, kept
from product.repository.kept import Shown

STOCK_SECONDS = 4.5
"""With a tenth more or less: what can be bought is shown as it was five seconds ago at most."""
API = "/api/v1"
PRODUCTS = f"{API}/products"
CATEGORY = "category:"
"""Begins the key of one; a key by itself is a product's."""


class Catalogue:
    """Bodies that are ready to be sent. A missing product is asked for no twice: there may be one soon."""

    def __init__(
        self, db: Database, products: Cache, categories: Cache, lists: Lists, seconds: float
    ) -> None:
        self._db = db
        self._products = products
        self._categories = categories
        self._lists = lists
        self._seconds = seconds

    async def product(self, product_id: UUID) -> Answer | None:
        key = str(product_id)

        async def load() -> Answer | None:
            return (await self.reload([key])).get(key)

        return await self._products.read(key, load)

    async def reload(self, keys: Sequence[str]) -> Mapping[str, Answer]:
        """Products."""
        async with self._db.read() as tx:
            found = await kept.find(tx, [UUID(key) for key in keys])
        return {str(shown.product.id): _product(shown) for shown in found}

    async def marks(self, keys: Sequence[str]) -> Mapping[str, tuple[int, ...]]:
        """Of the products among them; categories are few, and left to end."""
        ids = [UUID(key) for key in keys if not key.startswith(CATEGORY)]
        async with self._db.read() as tx:
            return {str(product_id): mark for product_id, mark in (await kept.marks(tx, ids)).items()}

    async def category(self, category_id: UUID) -> Answer | None:
        async def load() -> Answer | None:
            async with self._db.read() as tx:
                found = await categories.find(tx, category_id)
            return self._category(found) if found else None

        return await self._categories.read(_of_category(category_id), load)

    async def page(
        self, path: str, query: bytes, read: Callable[[Transaction], Awaitable[msgspec.Struct]]
    ) -> Answer:
        """Of a list; the query is part of its name, as it came."""

        async def load() -> Answer:
            async with self._db.read() as tx:
                return Answer(msgspec.json.encode(await read(tx)), seconds=STOCK_SECONDS)

        page = await self._lists.read(_name(path, query), load)
        assert page is not None, "a page may be empty, and is a page"
        return page

    def ready(self, path: str, query: bytes) -> Answer | None:
        """What is in memory, of the routes of this service that most ask for."""
        if path == PRODUCTS:
            return self._lists.ready(_name(path, query))
        if not query and path.startswith(f"{PRODUCTS}/"):
            return self._products.ready(path[len(PRODUCTS) + 1 :])
        return None

    def _category(self, category: Category) -> Answer:
        return Answer(
            msgspec.json.encode(category),
            versions=(category.version,),
            seconds=self._seconds,
            etag=category.etag,
        )


def meaning(message: Message) -> Heard:
    """What of it a word of ours changes."""
    match message:
        case ProductState() | ProductDeleted():
            return Heard([Change(str(message.entity_id), 0, message.version)], lists=True)
        case CategoryState() | CategoryDeleted():
            return Heard([Change(_of_category(message.entity_id), 0, message.version)], lists=True)
        case StockChanged():
            return Heard([Change(str(message.entity_id), 1, message.version)])
        case _:
            return Heard([])


def _product(shown: Shown) -> Answer:
    return Answer(
        msgspec.json.encode(shown.product),
        versions=(shown.product.version, shown.level),
        seconds=STOCK_SECONDS,
        etag=shown.product.etag,
        mark=shown.mark,
    )


def _of_category(category_id: UUID) -> str:
    return f"{CATEGORY}{category_id}"


def _name(path: str, query: bytes) -> str:
    return f"{path}?{query.decode('latin-1')}"
