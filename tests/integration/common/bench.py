"""A database with the common tables, the broker, and a handler that writes down what it did."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import nats

from common.contracts import order
from common.contracts.message import Message, Purchase, PurchaseMessage
from common.ids import new_id
from common.messaging.broker import Broker
from common.messaging.codec import Codec, words
from common.messaging.consumer import Consumer
from common.messaging.outbox import Outbox
from common.messaging.publisher import Outgoing, Publisher
from common.messaging.streams import STREAM
from common.messaging.transactional import parking, transactional
from common.postgres.database import Database, Transaction


def command(attempt: int = 0) -> order.CreateOrder:
    context = Purchase(
        id=new_id(),
        attempt=attempt,
        account_id=new_id(),
        items=(),
        currency_code="VND",
        method="cash",
        installments=1,
        issued_on=datetime.now(UTC).date(),
        deadline_at=datetime.now(UTC),
    )
    return order.CreateOrder(purchase=context)


@dataclass
class Bench:
    """A database with the common tables, the broker, and what a handler of the test did."""

    db: Database
    broker: Broker
    publisher: Publisher
    effects: Counter[str] = field(default_factory=Counter)
    batches: list[int] = field(default_factory=list)

    async def publish(self, *payloads: bytes) -> None:
        messages = [
            Outgoing(str(new_id()), "cmd.order.create_order", body, "-", None, None) for body in payloads
        ]
        assert all(await self.publisher.publish(messages))

    async def handle(self, tx: Transaction, batch: Sequence[Message]) -> list[Message]:
        self.batches.append(len(batch))
        replies: list[Message] = []
        for message in batch:
            assert isinstance(message, PurchaseMessage)
            if message.purchase.method == "poison":
                raise ValueError("poison")
            tx.after_commit(lambda each=message.id: self.effects.update([each]))  # type: ignore[misc]
            replies.append(order.OrderCreated.following(message))
        return replies

    def consumer(self, outbox: Outbox, **changed: object) -> Consumer:
        work = transactional(self.db, outbox, Codec(words(order)), self.handle)
        park = parking(self.db, "order")
        return Consumer(self.broker, "order", work, park, batch_size=64, retry_seconds=0.02)

    async def rows(self, statement: str) -> int:
        async with self.db.read() as tx:
            count: int = await tx.value(statement)
            return count


@asynccontextmanager
async def consuming(consumer: Consumer) -> AsyncIterator[None]:
    running = asyncio.ensure_future(consumer.run())
    yield
    await consumer.stop()
    await asyncio.wait_for(running, 30)


async def redeliver_after(nats_url: str, seconds: float) -> None:
    """What nobody has acknowledged by then comes again."""
    client = await nats.connect(nats_url)
    js = client.jetstream()
    config = (await js.consumer_info(STREAM, "order")).config
    config.ack_wait = seconds
    await js.add_consumer(STREAM, config)
    await client.close()
