"""Publishing to JetStream, pipelined: many messages on the way, each with its own deadline (J12)."""

import asyncio
import logging
from collections.abc import Sequence
from itertools import count
from typing import NamedTuple

import msgspec
import nats
from nats.aio.client import Client
from nats.aio.msg import Msg

from common.messaging.broker import Broker
from common.messaging.paths import HEADER as PATH
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


class Publisher:
    """Own inbox, one future per message: nats-py's `publish_async` keeps a failed one for ever (#985)."""

    def __init__(self, broker: Broker) -> None:
        self.broker = broker
        self._prefix = f"{broker.inbox_prefix}.ack"
        self._tokens = count()
        self._waiting: dict[str, asyncio.Future[bool]] = {}
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
            await client.subscribe(f"{self._prefix}.*", cb=self._on_ack)
            self._subscribed = True
        stored: list[bool] = []
        for start in range(0, len(messages), IN_FLIGHT):
            stored += await self._publish_window(client, messages[start : start + IN_FLIGHT])
        return stored

    async def _publish_window(self, client: Client, messages: Sequence[Outgoing]) -> list[bool]:
        loop = asyncio.get_running_loop()
        acks: dict[str, asyncio.Future[bool]] = {}
        try:
            for message in messages:
                token = f"{self._prefix}.{next(self._tokens)}"
                acks[token] = self._waiting[token] = loop.create_future()
                headers = message.headers()
                if path := self.broker.paths.onward(message):
                    headers[PATH] = path
                await client.publish(message.subject, message.payload, token, headers)
            await asyncio.wait(acks.values(), timeout=ACK_DEADLINE)
        except nats.errors.Error as error:  # the connection went away in the middle
            log.warning("publishing broke off: %s", error or type(error).__name__)
        finally:
            for token in acks:
                self._waiting.pop(token, None)
        answers = [ack.done() and not ack.cancelled() and ack.result() for ack in acks.values()]
        answers += [False] * (len(messages) - len(answers))
        self.broker.measures.published(messages, answers)
        return answers

    async def _on_ack(self, ack: Msg) -> None:
        waiting = self._waiting.get(ack.subject)
        if waiting is None or waiting.done():
            return
        if (
            ack.headers and ack.headers.get("Status") == "503"
        ):  # no stream listens: a wiped or starting broker
            waiting.set_result(False)
            return
        answer = _decode_ack(ack.data)
        if answer.error:
            log.warning("the stream refused a message: %s", answer.error.description)
        waiting.set_result(answer.error is None)

    def _forget(self) -> None:
        """Acks of before the reconnection will not come any more."""
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_result(False)
