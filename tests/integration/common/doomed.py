"""`python -m tests.integration.common.doomed`: a consumer of order's in a process that messages kill."""

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path

from common.contracts import order
from common.contracts.message import Message, PurchaseMessage
from common.messaging.broker import broker
from common.messaging.codec import Codec, words
from common.messaging.consumer import Consumer
from common.messaging.outbox import Outbox
from common.messaging.transactional import parking, transactional
from common.postgres.database import Database, Transaction

KILLS, KILLS_ONCE, FAILS = "kills", "kills once", "fails"
"""As methods of payment."""


def budget_is_left() -> bool:
    """For one death: the file is gone afterwards."""
    budget = Path(os.environ["BUDGET"])
    is_left = budget.exists()
    budget.unlink(missing_ok=True)
    return is_left


async def handle(_: Transaction, batch: Sequence[Message]) -> list[Message]:
    """Every effect is an answer, whose row says when."""
    replies: list[Message] = []
    for message in batch:
        assert isinstance(message, PurchaseMessage)
        if message.purchase.method == KILLS:
            os._exit(9)
        if message.purchase.method == KILLS_ONCE and budget_is_left():
            await asyncio.sleep(0.5)  # the batch that is asked for ahead has come
            os._exit(9)
        if message.purchase.method == FAILS:
            raise ValueError("not this one")
        replies.append(order.OrderCreated.following(message))
    return replies


async def main() -> None:
    url = os.environ["DATABASE_URL"]
    async with (
        broker(os.environ["NATS_URL"], "order") as connection,
        Database.connect(url, size=4, name="doomed") as db,
    ):
        work = transactional(db, Outbox(lambda _: None), Codec(words(order)), handle)
        await Consumer(
            connection, "order", work, parking(db, "order"), batch_size=256, retry_seconds=0.2
        ).run()


if __name__ == "__main__":
    asyncio.run(main())
