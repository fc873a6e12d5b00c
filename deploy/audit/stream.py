"""What the stream still has about one purchase; the orchestrator's words are nowhere else.

There is no index by purchase. Its first word is found by time, by halving, and then all are read, to a bound.
"""

import asyncio
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

import nats
from nats.errors import Error as NatsError
from nats.js import JetStreamContext
from nats.js.api import RawStreamMsg
from nats.js.errors import NotFoundError

from common.messaging.streams import STREAM

AT_ONCE = 100
MOST_READ = 20_000
SECONDS = 5.0
MARGIN = timedelta(seconds=2)


class Streamed(NamedTuple):
    """One message, as the stream keeps it."""

    id: str
    subject: str
    seq: int
    at: datetime


async def about(url: str, purchase: str, begin: datetime, end: datetime) -> list[Streamed]:
    """In their order. Raises OSError when the broker does not answer."""
    try:
        async with asyncio.timeout(4 * SECONDS):
            client = await nats.connect(
                url.split(","), connect_timeout=int(SECONDS), allow_reconnect=False, error_cb=ignored
            )
            try:
                return await _read(client.jetstream(timeout=SECONDS), purchase, begin - MARGIN, end + MARGIN)
            finally:
                await client.close()
    except (NatsError, TimeoutError) as error:
        raise OSError(f"the stream cannot be read: {error or type(error).__name__}") from error


async def ignored(_error: Exception) -> None:
    """Whoever waits for the answer hears of it."""


async def _read(js: JetStreamContext, purchase: str, begin: datetime, end: datetime) -> list[Streamed]:
    state = (await js.stream_info(STREAM)).state
    seq = await first_since(js, begin, state.first_seq, state.last_seq + 1)
    last = min(state.last_seq, seq + MOST_READ)
    found: list[Streamed] = []
    while seq <= last:
        page = [message for message in await some(js, seq, min(last, seq + AT_ONCE - 1)) if message]
        found += of_purchase(page, purchase)
        if page and page[-1].time and page[-1].time > end:
            break
        seq += AT_ONCE
    return found


async def first_since(js: JetStreamContext, moment: datetime, low: int, high: int) -> int:
    """The least number whose message is not older."""
    while low < high:
        middle = (low + high) // 2
        message = await one(js, middle)
        if message is None or (message.time and message.time < moment):
            low = middle + 1
        else:
            high = middle
    return low


async def some(js: JetStreamContext, first: int, last: int) -> list[RawStreamMsg | None]:
    return await asyncio.gather(*(one(js, seq) for seq in range(first, last + 1)))


async def one(js: JetStreamContext, seq: int) -> RawStreamMsg | None:
    try:
        return await js.get_msg(STREAM, seq)
    except NotFoundError:
        return None


def of_purchase(page: list[RawStreamMsg], purchase: str) -> Iterator[Streamed]:
    for message in page:
        name = str((message.headers or {}).get("Nats-Msg-Id", ""))
        if name.split(":")[1:2] == [purchase] and message.time and message.subject:
            yield Streamed(name, message.subject, message.seq or 0, message.time)
