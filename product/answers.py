"""What the service answers when another asks."""

from common.contracts.product import Check, ProductCheck
from common.messaging.answers import Endpoint, answering
from common.runtime import Runtime
from product.repository import products


def endpoints(held: Runtime) -> list[Endpoint]:
    async def check(question: ProductCheck) -> Check:
        async with held.db.read() as tx:
            return await products.check(tx, question.items)

    return [answering(ProductCheck, check)]
