"""Whose a product is: from what product has said, and when it has not yet, by asking."""

from uuid import UUID

from common.contracts.product import ProductLookup
from common.messaging.requests import Requests
from common.postgres.database import Database
from media.repository import products
from media.repository.products import Told

BEFORE_ANY_WORD = 0
"""The version of an answer: whatever product says counts for more."""


class Sellers:
    def __init__(self, db: Database, requests: Requests) -> None:
        self.db = db
        self.requests = requests

    async def of(self, product_id: UUID) -> UUID | None:
        """None for a product that is not, or no longer, sold. Raises Unavailable or TimeoutError."""
        async with self.db.read() as tx:
            known = await products.find(tx, product_id)
        if known:
            return None if known.deleted else known.seller_id
        for answer in await self.requests.ask(ProductLookup(product_ids=[product_id])):
            async with self.db.begin() as tx:
                await products.keep(tx, [Told(answer.id, answer.seller_id, BEFORE_ANY_WORD, deleted=False)])
            return answer.seller_id
        return None
