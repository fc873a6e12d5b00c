"""Events in, decide, publish all, acknowledge: a crash anywhere only repeats itself (protocol P7)."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime

import msgspec

from common import failpoints
from common.contracts.message import Message, subject
from common.contracts.purchase import LetterRetried, ParkMessage
from common.messaging.broker import Broker
from common.messaging.codec import Codec
from common.messaging.consumer import Consumer, Park, Work
from common.messaging.dead_letters import MOST_ERROR
from common.messaging.outbox import as_outgoing
from common.messaging.publisher import Publisher
from common.messaging.pull import Delivery, Received
from common.telemetry.messages import trace_of
from orchestrator.purchase import PURCHASE
from orchestrator.settings import OrchestratorSettings


class NotPublished(ConnectionError):
    """Not every message is known to be stored: the consumer holds the batch and tries again."""


def consumer(settings: OrchestratorSettings, broker: Broker) -> Consumer:
    publisher = Publisher(broker)
    return Consumer(
        broker,
        settings.service,
        advancing(publisher),
        parking(publisher),
        batch_size=settings.batch_size,
        retry_seconds=settings.message_retry_seconds,
    )


SAGA = Codec(PURCHASE.hears)
LETTERS = Codec([LetterRetried])


def heard(delivery: Received) -> Message:
    """The event; of a letter that somebody has retried, the one in it, which is like any other."""
    if delivery.subject != subject(LetterRetried):
        return SAGA.heard(delivery.subject, delivery.payload)
    letter = retried(delivery)
    return SAGA.heard(letter.retried_subject, letter.payload)


def retried(delivery: Received) -> LetterRetried:
    letter = LETTERS.heard(delivery.subject, delivery.payload)
    assert isinstance(letter, LetterRetried)
    return letter


def advancing(publisher: Publisher) -> Work:
    async def advance(deliveries: Sequence[Received]) -> None:
        events = [heard(delivery) for delivery in deliveries]
        traces = {event.id: trace_of(delivery) for event, delivery in zip(events, deliveries, strict=True)}
        outgoing = [as_outgoing(message, traces) for event in events for message in PURCHASE.decide(event)]
        if failpoints.is_armed("orchestrator.between_publishes"):
            await publisher.publish(outgoing[: len(outgoing) // 2])
            failpoints.failpoint("orchestrator.between_publishes")
        stored = await publisher.publish(outgoing)
        if not all(stored):
            raise NotPublished(f"{stored.count(False)} of {len(stored)}")
        failpoints.failpoint("orchestrator.before_ack")

    return advance


MOST_BYTES = 500_000
"""Of a payload that is parked: a message cannot be larger than a message."""

MOST_DELIVERIES = 20
"""Without a table a crash forgets the attempts: then only the stream's own count tells."""


def parking(publisher: Publisher) -> Park:
    """There is no table here: the purchase service keeps the orchestrator's dead letters (protocol 9)."""
    attempts = Counter[str]()

    async def attempt(delivery: Delivery) -> int:
        attempts[delivery.name] += 1
        return MOST_DELIVERIES if delivery.deliveries >= MOST_DELIVERIES else attempts[delivery.name]

    async def keep(delivery: Delivery, error: str) -> None:
        where, payload = inside(delivery)
        if len(payload) > MOST_BYTES:
            error = f"{error} (only the first {MOST_BYTES} of {len(payload)} bytes are kept)"
        letter = ParkMessage(
            cause_id=delivery.header("Nats-Msg-Id"),
            digest=hashlib.sha256(delivery.payload).hexdigest(),
            durable="orchestrator",
            parked_subject=where,
            payload=payload[:MOST_BYTES],
            deliveries=delivery.deliveries,
            error=error[-MOST_ERROR:],
            headers=delivery.headers,
            issued_on=datetime.now(UTC).date(),
        )
        if not all(await publisher.publish([as_outgoing(letter)])):
            raise NotPublished(letter.id)

    return Park(attempt, keep)


def inside(delivery: Received) -> tuple[str, bytes]:
    """Subject and payload of what could not be handled: of a letter that was retried, the letter's."""
    if delivery.subject == subject(LetterRetried):
        with suppress(msgspec.DecodeError):
            letter = retried(delivery)
            return letter.retried_subject, letter.payload
    return delivery.subject, delivery.payload
