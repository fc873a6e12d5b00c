"""The work of a participant: inbox, state and outbox of a whole batch in one transaction."""

from collections.abc import Awaitable, Callable, Sequence

from common import telemetry
from common.contracts.message import Message
from common.failpoints import failpoint
from common.messaging import dead_letters, inbox
from common.messaging.codec import Codec
from common.messaging.consumer import Park, Work
from common.messaging.outbox import Outbox
from common.messaging.pull import Delivery
from common.postgres.database import Database, Transaction

Handler = Callable[[Transaction, Sequence[Message]], Awaitable[Sequence[Message]]]
"""Takes the new messages of a batch, mixed as they came; returns what is said about them."""


def transactional(db: Database, outbox: Outbox, codec: Codec, handler: Handler) -> Work:
    """All or nothing: what was heard, what changed, what is said about it."""

    async def work(deliveries: Sequence[Delivery]) -> None:
        messages = [codec.heard(delivery.subject, delivery.payload) for delivery in deliveries]
        traces = {
            message.id: delivery.header("traceparent")
            for message, delivery in zip(messages, deliveries, strict=True)
        }
        with telemetry.hearing(traces):
            async with db.begin() as tx:
                if new := await inbox.unseen(tx, messages):
                    await outbox.put(tx, await handler(tx, new), traces)
                failpoint("consumer.before_commit")
            failpoint("consumer.after_commit")

    return work


def parking(db: Database, durable: str) -> Park:
    """Dead letters go to a table of the service that could not handle them, lone attempts to another."""

    async def count(delivery: Delivery) -> int:
        async with db.read() as tx:
            return await dead_letters.suspect(tx, delivery.name)

    async def keep(delivery: Delivery, error: str) -> None:
        letter = dead_letters.Letter(
            message_id=delivery.header("Nats-Msg-Id"),
            durable=durable,
            subject=delivery.subject,
            payload=delivery.payload,
            deliveries=delivery.deliveries,
            error=error,
        )
        async with db.begin() as tx:
            await dead_letters.keep(tx, [letter])

    return Park(count, keep)
