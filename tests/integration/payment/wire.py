"""The other end of payment's messages: says commands, hears replies."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from nats.aio.msg import Msg

from common.contracts import payment
from common.contracts.message import Command, Reply
from common.messaging.broker import Broker, broker
from common.messaging.codec import Codec, words
from common.messaging.outbox import as_outgoing
from common.messaging.publisher import Publisher
from tests.integration.patience import put_on_stream
from tests.support import eventually

REPLIES = Codec(words(payment))


class Wire:
    def __init__(self, connection: Broker) -> None:
        self.publisher = Publisher(connection)
        self.heard: list[Reply] = []
        self.by_id: dict[str, Reply] = {}
        self.traces: dict[str, str] = {}

    async def say(self, *commands: Command, copy: int = 0, traceparent: str | None = None) -> None:
        """`copy` gets the same message past the stream's own deduplication."""
        outgoing = [as_outgoing(command)._replace(traceparent=traceparent) for command in commands]
        if copy:
            outgoing = [each._replace(message_id=f"{each.message_id}#{copy}") for each in outgoing]
        await put_on_stream(self.publisher, outgoing)

    async def reply(self, command: Command) -> Reply:
        reply_id = f"{command.id}:r"
        await eventually(lambda: reply_id in self.by_id)
        return self.by_id[reply_id]

    async def on_reply(self, message: Msg) -> None:
        reply = REPLIES.decode(message.data)
        assert isinstance(reply, Reply)
        self.heard.append(reply)
        self.by_id[reply.id] = reply
        self.traces[reply.id] = (message.headers or {}).get("traceparent", "")


@asynccontextmanager
async def wired(nats_url: str) -> AsyncIterator[Wire]:
    async with broker(nats_url, "test") as connection:
        wire = Wire(connection)
        client = await connection.ready()
        await client.subscribe("evt.payment.>", cb=wire.on_reply)
        yield wire
