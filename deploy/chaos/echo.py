"""Says again what others have said: the same messages, several times, in another order, under new ids."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import nats
from nats.aio.client import Client
from nats.aio.msg import Msg

from deploy.chaos.arena import Arena
from deploy.client import until

MARK = "Echo"


@dataclass
class Echo:
    """The stream knows the copies by other ids, so that it drops none: the receivers have to."""

    client: Client
    draw: random.Random
    within: float
    share: float
    heard: int = 0
    said: int = 0
    open: int = 0

    async def hear(self, message: Msg) -> None:
        headers = message.headers or {}
        if MARK in headers or "Nats-Msg-Id" not in headers or self.draw.random() > self.share:
            return
        self.heard += 1
        for number in range(self.draw.randint(1, 4)):
            self.open += 1
            delay = self.draw.uniform(0, self.within)
            asyncio.get_running_loop().call_later(delay, self._say, message, headers, number)

    def _say(self, message: Msg, headers: dict[str, str], number: int) -> None:
        again = headers | {"Nats-Msg-Id": f"{headers['Nats-Msg-Id']}#{number}", MARK: "1"}
        saying = asyncio.ensure_future(self.client.publish(message.subject, message.data, headers=again))
        saying.add_done_callback(self._done)

    async def is_silent(self) -> bool | None:
        return not self.open or None

    def _done(self, _: "asyncio.Future[None]") -> None:
        self.open -= 1
        self.said += 1


@asynccontextmanager
async def echoing(
    arena: Arena, draw: random.Random, *, within: float, share: float = 1.0
) -> AsyncIterator[Echo]:
    """Of a share of all messages, one to four copies each within so many seconds; leaving waits for them."""
    client = await nats.connect(arena.stack.nats_url.split(","))
    echo = Echo(client, draw, within, share)
    listening = [await client.subscribe(subject, cb=echo.hear) for subject in ("cmd.>", "evt.>")]
    async with arena.timeline.lasting(f"copies within {within:.0f} s", ()):
        yield echo
        for subscription in listening:
            await subscription.unsubscribe()
        await until(echo.is_silent, seconds=2 * within + 10)
    await client.flush()
    await client.close()
