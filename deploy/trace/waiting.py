"""Who asks the broker for messages now, and how many wait for him."""

import asyncio
from collections.abc import Mapping

import nats
from nats.errors import Error as NatsError

from common.messaging.streams import CONSUMERS, STREAM
from deploy.trace.standing import Waiting

SECONDS = 3.0


async def waiting(url: str | None) -> Mapping[str, Waiting]:
    """By durable; empty when the broker does not answer."""
    if url is None:
        return {}
    try:
        async with asyncio.timeout(SECONDS):
            client = await nats.connect(url.split(","), allow_reconnect=False, error_cb=_ignored)
            try:
                js = client.jetstream(timeout=SECONDS)
                names = [hears.durable for hears in CONSUMERS]
                found = await asyncio.gather(*(js.consumer_info(STREAM, name) for name in names))
            finally:
                await client.close()
    except (NatsError, TimeoutError, OSError):
        return {}
    return {
        name: Waiting(each.num_waiting or 0, each.num_pending or 0, each.num_ack_pending or 0)
        for name, each in zip(names, found, strict=True)
    }


async def _ignored(_error: Exception) -> None:
    """Whoever waits for the answer hears of it."""
