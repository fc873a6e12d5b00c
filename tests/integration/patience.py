"""Patience with servers on a busy machine, for tests that are about something else."""

from collections.abc import Sequence

import pytest
from redis.asyncio import from_url

from common.cache import store
from common.limits import tries
from common.messaging.publisher import Outgoing, Publisher
from common.redis import PATIENCE
from tests.support import eventually


def patient(patched: pytest.MonkeyPatch) -> None:
    """A busy machine is no outage, in which nothing is kept, and each process counts by itself."""
    for adapter in (store, tries):
        patched.setattr(adapter, "ANSWER_SECONDS", 30.0)
    for each in ("socket_timeout", "socket_connect_timeout"):
        patched.setitem(PATIENCE, each, 30)


async def forget_everything(redis_url: str) -> None:
    """Whoever makes waits long leaves none of them to the next test."""
    async with from_url(redis_url) as client:
        await client.flushall()


async def put_on_stream(publisher: Publisher, outgoing: Sequence[Outgoing]) -> None:
    """Returns when all are: an ack may come too late, and the stream drops a repetition."""

    async def are_stored() -> bool:
        return all(await publisher.publish(outgoing))

    await eventually(are_stored)
