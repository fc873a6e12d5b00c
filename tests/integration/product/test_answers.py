"""Questions to whole processes that come and go."""

import asyncio
from contextlib import AsyncExitStack

from common.contracts.product import ProductCheck, Wish
from common.ids import new_id
from common.messaging.broker import broker
from common.messaging.codec import encode
from common.messaging.requests import Requests
from tests.integration.product.conftest import Shop
from tests.support import eventually

QUESTION = encode(ProductCheck(items=[Wish(product_id=new_id(), quantity=1)]))


async def test_a_process_that_is_stopped_gently_leaves_no_question_unanswered(shop: Shop) -> None:
    """Each is asked once, so that none is saved by asking again."""
    async with AsyncExitStack() as leaving, broker(shop.nats_url, "asker") as connection:
        client = await connection.ready()
        requests = Requests(connection)
        await shop.start()
        first = Shop(shop.url, shop.servers, shop.issuer, leaving)
        await first.start()

        async def listed(count: int) -> bool:
            return len(await requests.survey("$SRV.PING.product", timeout=0.3)) == count

        await eventually(lambda: listed(2))
        stopped, answered = asyncio.Event(), [0] * 5

        async def ask(number: int) -> None:
            while not stopped.is_set():
                answer = await client.request("product.check", QUESTION, timeout=30)
                answered[number] += answer.headers is None

        asking = [asyncio.ensure_future(ask(number)) for number in range(5)]
        await leaving.aclose()
        await eventually(lambda: listed(1))
        await eventually(lambda: min(answered) > 0)
        stopped.set()
        await asyncio.gather(*asking)
