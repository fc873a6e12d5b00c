"""The work of a participant: inbox, state and outbox of a whole batch in one transaction."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from common.contracts.message import Message
from common.failpoints import failpoint
from common.messaging import dead_letters, inbox
from common.messaging.codec import Codec
from common.messaging.consumer import Park, Work
from common.messaging.outbox import Outbox
from common.messaging.pull import Delivery, Received
from common.postgres.database import Database, Transaction
from common.telemetry.context import hearing
from common.telemetry.messages import trace_of

Handler = Callable[[Transaction, Sequence[Message]], Awaitable[Sequence[Message]]]
"""Takes the new messages of a batch, mixed as they came; returns what is said about them."""


Traces = Mapping[str, str | None]

Again = Callable[[Transaction, "Stored"], Awaitable[None]]
"""Handles a dead letter once more, in the transaction that ends the letter."""

REMEMBERED = timedelta(days=6)
"""The inbox has partitions for at least as long; what is older only the handler itself knows (P5)."""


class Stored(NamedTuple):
    """A dead letter as it is tried again; `attempt` is a number that no other attempt has."""

    id: int
    attempt: int
    subject: str
    payload: bytes
    headers: Mapping[str, str]

    def header(self, name: str) -> str | None:
        return self.headers.get(name)


@dataclass(frozen=True)
class Transactional:
    """All or nothing: what was heard, what changed, what is said about it."""

    db: Database
    outbox: Outbox
    codec: Codec
    handler: Handler

    async def __call__(self, deliveries: Sequence[Received]) -> None:
        messages, traces = self._read(deliveries)
        with hearing(traces):
            async with self.db.begin() as tx:
                await self._handle(tx, await inbox.unseen(tx, messages), traces)
                failpoint("consumer.before_commit")
            failpoint("consumer.after_commit")

    async def again(self, tx: Transaction, letter: Stored) -> None:
        messages, traces = self._read([letter])
        with hearing(traces):
            if messages[0].dated > datetime.now(UTC).date() - REMEMBERED:
                messages = await inbox.unseen(tx, messages)
            await self._handle(tx, messages, traces)

    def _read(self, received: Sequence[Received]) -> tuple[list[Message], Traces]:
        messages = [self.codec.heard(each.subject, each.payload) for each in received]
        pairs = zip(messages, received, strict=True)
        return messages, {message.id: trace_of(each) for message, each in pairs}

    async def _handle(self, tx: Transaction, new: Sequence[Message], traces: Traces) -> None:
        if new:
            await self.outbox.put(tx, await self.handler(tx, new), traces)


def transactional(db: Database, outbox: Outbox, codec: Codec, handler: Handler) -> Work:
    return Transactional(db, outbox, codec, handler)


def again(work: Work) -> Again:
    """In the same transaction where the work has one; else beside it: such work may be done twice."""
    if isinstance(work, Transactional):
        return work.again

    async def beside(_: Transaction, letter: Stored) -> None:
        await work([letter])

    return beside


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
            error=error[: dead_letters.MOST_ERROR],
            headers=delivery.headers,
        )
        async with db.begin() as tx:
            await dead_letters.keep(tx, [letter])

    return Park(count, keep)
