"""The orchestrator's real work, from the bytes it is handed to the bytes that an unreliable stream stores."""

from collections.abc import Sequence
from itertools import chain, combinations
from typing import NamedTuple, cast
from unittest.mock import patch

from common.contracts.message import PurchaseMessage, subject
from common.messaging.codec import Codec, encode, words
from common.messaging.publisher import Outgoing, Publisher
from common.messaging.pull import Delivery
from common.messaging.streams import SPEAKERS
from orchestrator import worker
from orchestrator.purchase import PURCHASE
from orchestrator.saga import Saga
from tests.model.provider import at_once

CODEC = Codec(words(*SPEAKERS))


class Advance(NamedTuple):
    """What the stream has stored, whether that was everything, and whether the event is acknowledged."""

    stored: tuple[PurchaseMessage, ...]
    is_all: bool
    is_acknowledged: bool


class Stream:
    """Stores only the messages with these numbers."""

    def __init__(self, numbers: Sequence[int] | None) -> None:
        self.numbers = numbers
        self.offered: list[PurchaseMessage] = []

    async def publish(self, messages: Sequence[Outgoing]) -> list[bool]:
        for message in messages:
            word = CODEC.decode(message.payload)
            assert isinstance(word, PurchaseMessage)
            self.offered.append(word)
        return [self.stores(number) for number in range(len(messages))]

    def stores(self, number: int) -> bool:
        return self.numbers is None or number in self.numbers

    @property
    def stored(self) -> tuple[PurchaseMessage, ...]:
        return tuple(word for number, word in enumerate(self.offered) if self.stores(number))


def advances(event: PurchaseMessage, saga: Saga = PURCHASE) -> list[Advance]:
    """Every set of its outputs may be stored when the connection, or the process, goes away."""
    everything = _advance(event, None, saga)
    count = len(everything.stored)
    parts = chain.from_iterable(combinations(range(count), size) for size in range(count))
    return [everything, *(_advance(event, part, saga) for part in parts)]


def _advance(event: PurchaseMessage, numbers: Sequence[int] | None, saga: Saga) -> Advance:
    stream = Stream(numbers)
    with patch.object(worker, "PURCHASE", saga):
        work = worker.advancing(cast("Publisher", stream))
        try:
            at_once(work([delivery(event)]))
        except worker.NotPublished:
            is_acknowledged = False
        else:
            is_acknowledged = True
    return Advance(stream.stored, numbers is None, is_acknowledged)


def delivery(event: PurchaseMessage) -> Delivery:
    reply = "$JS.ACK.SHOP.orchestrator.1.1.1.0.0"
    return Delivery(subject(type(event)), reply, b"", encode(event))
