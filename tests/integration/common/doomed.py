"""`python -m tests.integration.common.doomed`: a consumer of order's in a process that messages kill."""

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from common.contracts import order
from common.contracts.message import Message, PurchaseMessage
from common.messaging.broker import broker
from common.messaging.codec import Codec, words
from common.messaging.consumer import Consumer
from common.messaging.outbox import Outbox
from common.messaging.pull import Puller
from common.messaging.transactional import parking, transactional
from common.postgres.database import Database, Transaction

KILLS, KILLS_ONCE, FAILS = "kills", "kills once", "fails"
"""As methods of payment."""

HELD = 128
"""So many others has a process in hand, at least, when it is killed once."""


def budget_is_left() -> bool:
    """For one death: the file is gone afterwards."""
    budget = Path(os.environ["BUDGET"])
    is_left = budget.exists()
    budget.unlink(missing_ok=True)
    return is_left


def others(puller: Puller) -> int:
    """In hand, but for the message that kills."""
    return puller._in_hand - 1 + len(puller.waiting)


def die(puller: Puller) -> NoReturn:
    """How many it takes along, and how many it has asked for, is a line of the file."""
    with Path(os.environ["DEATHS"]).open("a") as deaths:
        deaths.write(f"{others(puller)} {puller._missing}\n")
    os._exit(9)


async def handle(puller: Puller, batch: Sequence[Message]) -> list[Message]:
    """Every effect is an answer, whose row says when."""
    replies: list[Message] = []
    for message in batch:
        assert isinstance(message, PurchaseMessage)
        if message.purchase.method == KILLS:
            die(puller)
        if message.purchase.method == KILLS_ONCE and budget_is_left():
            while others(puller) < HELD:  # noqa: ASYNC110  # a batch is asked for ahead
                await asyncio.sleep(0.01)
            die(puller)
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
        consumer: Consumer

        async def handler(_: Transaction, batch: Sequence[Message]) -> list[Message]:
            return await handle(consumer.puller, batch)

        work = transactional(db, Outbox(lambda _: None), Codec(words(order)), handler)
        park = parking(db, "order")
        consumer = Consumer(connection, "order", work, park, batch_size=256, retry_seconds=0.2)
        await consumer.run()


if __name__ == "__main__":
    asyncio.run(main())
