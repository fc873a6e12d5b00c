"""Publishing to JetStream, pipelined: many messages on the way, each with its own deadline (J12)."""

import asyncio
import logging
from collections.abc import Sequence
from itertools import count
from typing import NamedTuple

import msgspec
import nats

from common.messaging.broker import Broker
from common.messaging.paths import HEADER as PATH
from common.messaging.wire import NOBODY, Wire, frame, status
from common.telemetry.messages import sending

log = logging.getLogger(__name__)

ACK_DEADLINE = 5.0
IN_FLIGHT = 256


class Outgoing(NamedTuple):
    """One message as it goes over the wire."""

    message_id: str
    subject: str
    payload: bytes
    correlation_id: str
    causation_id: str | None
    traceparent: str | None
    said: float = 0.0
    """Seconds since 1970; of what a crash left behind long ago, 0."""

    def headers(self) -> dict[str, str]:
        """Only ids of our own making: header values are not escaped (J16)."""
        headers = {"Nats-Msg-Id": self.message_id, "Correlation-Id": self.correlation_id}
        if self.causation_id:
            headers["Causation-Id"] = self.causation_id
        if self.traceparent:
            headers["traceparent"] = self.traceparent
        return headers


class _Error(msgspec.Struct):
    code: int
    description: str = ""


class _PubAck(msgspec.Struct):
    seq: int = 0
    error: _Error | None = None


_decode_ack = msgspec.json.Decoder(_PubAck).decode


class _Flight:
    """What leaves together, and which of it the stream has confirmed."""

    def __init__(self, count: int) -> None:
        self.stored = [False] * count
        self._unanswered = count
        self.over = asyncio.get_running_loop().create_future()

    def answer(self, place: int, *, is_stored: bool) -> None:
        self.stored[place] = is_stored
        self._unanswered -= 1
        if not self._unanswered:
            self.end()

    def end(self) -> None:
        if not self.over.done():
            self.over.set_result(None)


class Publisher:
    """Own inbox, one future per flight: nats-py's `publish_async` keeps a failed one for ever (#985)."""

    def __init__(self, broker: Broker) -> None:
        self.broker = broker
        self._prefix = f"{broker.inbox_prefix}.ack"
        self._tokens = count()
        self._waiting: dict[str, tuple[_Flight, int]] = {}
        self._subscribed = False
        broker.on_reconnect(self._forget)

    async def publish(self, messages: Sequence[Outgoing]) -> list[bool]:
        """True where the stream has stored the message, now or before; False where nobody knows."""
        with sending(messages) as sent:
            stored = await self._publish(messages)
            sent(stored)
        return stored

    async def _publish(self, messages: Sequence[Outgoing]) -> list[bool]:
        client = await self.broker.ready()
        if not self._subscribed:
            await client.hear(f"{self._prefix}.*", self._on_ack)
            self._subscribed = True
        stored: list[bool] = []
        for start in range(0, len(messages), IN_FLIGHT):
            stored += await self._publish_window(client, messages[start : start + IN_FLIGHT])
        return stored

    async def _publish_window(self, client: Wire, messages: Sequence[Outgoing]) -> list[bool]:
        flight = _Flight(len(messages))
        tokens = [f"{self._prefix}.{next(self._tokens)}" for _ in messages]
        self._waiting.update((token, (flight, place)) for place, token in enumerate(tokens))
        try:
            await client.send([*map(self._frame, messages, tokens)])
            async with asyncio.timeout(ACK_DEADLINE):
                await flight.over
        except TimeoutError:
            log.warning("%d acks did not come", flight.stored.count(False))
        except nats.errors.Error as error:  # the connection went away before
            log.warning("publishing broke off: %s", error or type(error).__name__)
        finally:
            for token in tokens:
                self._waiting.pop(token, None)
        self.broker.measures.published(messages, flight.stored)
        return flight.stored

    def _frame(self, message: Outgoing, token: str) -> bytes:
        headers = message.headers()
        if path := self.broker.paths.onward(message):
            headers[PATH] = path
        return frame(message.subject, message.payload, token, headers)

    def _on_ack(self, token: str, _: str, head: bytes, payload: bytes) -> None:
        flight, place = self._waiting.pop(token, (None, 0))
        if flight is None:
            return
        if status(head) == NOBODY:  # no stream listens: a wiped or starting broker
            flight.answer(place, is_stored=False)
            return
        answer = _decode_ack(payload)
        if answer.error:
            log.warning("the stream refused a message: %s", answer.error.description)
        flight.answer(place, is_stored=answer.error is None)

    def _forget(self) -> None:
        """Acks of before the reconnection will not come any more."""
        for flight, _ in self._waiting.values():
            flight.end()
