"""Patience with Redis, for tests of what is kept and counted there; `tests/integration/cache` has outages."""

import pytest
from redis.asyncio import from_url

from common.cache import store
from common.limits import tries
from common.redis import PATIENCE


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
