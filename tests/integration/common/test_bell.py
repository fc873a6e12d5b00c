"""A bell is left when its listener is cancelled, whatever the client of Redis does with that."""

import asyncio
from contextlib import suppress

import pytest

from common.redis import Bell
from tests.servers import Servers


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize("heard", [0, 1])
async def test_a_cancellation_that_was_forgotten_ends_the_listener(servers: Servers, heard: int) -> None:
    """As `asyncio.wait_for` does it: before it listens, and between two rings."""
    bell = Bell(servers.redis_url, "test", cluster=False)
    subscribed = asyncio.Event()

    async def forgets() -> None:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(0)

    async def listen() -> None:
        if not heard:
            await forgets()
        async with bell.listening() as rings:
            subscribed.set()
            async for _ in rings:
                await forgets()

    listener = asyncio.create_task(listen())
    if heard:
        await subscribed.wait()
        await bell.ring(b"!")
    done, _ = await asyncio.wait({listener}, timeout=30)
    assert done
    assert listener.cancelled()
    await bell.aclose()
