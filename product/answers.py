"""What the service answers when another asks."""

from common.contracts.product import Check, ProductCheck, ProductLookup, Sold
from common.messaging.answers import Endpoint, answering
from common.runtime import Runtime
from product.repository import products, sellers


def endpoints(held: Runtime) -> list[Endpoint]:
    async def check(question: ProductCheck) -> Check:
        async with held.db.read() as tx:
            return await products.check(tx, question.items)

    async def lookup(question: ProductLookup) -> list[Sold]:
        async with held.db.read() as tx:
            return await sellers.of(tx, question.product_ids)

    return [answering(ProductCheck, check), answering(ProductLookup, lookup)]
