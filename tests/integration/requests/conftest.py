import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import nats
import pytest

from common.messaging.broker import broker
from tests.integration.requests.wire import Bench, Patient


@pytest.fixture
async def bench(nats_url: str) -> AsyncIterator[Bench]:
    async with AsyncExitStack() as until:
        asking = await until.enter_async_context(broker(nats_url, "asker"))
        await asking.ready()
        plain = await nats.connect(nats_url)
        until.push_async_callback(plain.close)
        made = Bench(nats_url, Patient(asking), plain, until)
        yield made
        for replica in made.replicas:
            replica.running.cancel()
        await asyncio.gather(*(replica.running for replica in made.replicas), return_exceptions=True)
