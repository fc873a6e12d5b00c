"""A shop of which everything can be taken away, and what it says of itself meanwhile."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import nats

from common.messaging.streams import STREAM
from deploy.docs.degraded import Away
from deploy.embedded.layout import SERVICES
from tests.e2e.asking import People
from tests.servers import Servers

SERVERS = {
    Away.NATS: "nats",
    Away.REDIS: "redis",
    Away.S3: "s3",
    Away.SMTP: "smtp",
    Away.DATABASE: "postgres",
}


class Degraded:
    """The shop, its people, and what every route answers when nothing is away."""

    def __init__(self, people: People, servers: Servers) -> None:
        self.people = people
        self.shop = people.shop
        self.servers = servers
        self.usual: dict[str, int] = {}

    @asynccontextmanager
    async def without(self, away: Away, what: str) -> AsyncIterator[None]:
        if away is Away.SERVICE:
            for part in self.shop.parts[what]:
                await part.stop()
        elif away is Away.PROVIDER:
            await asyncio.to_thread(self.shop.psp.stop)
        else:
            await asyncio.to_thread(self.servers.stop_process, what)
        try:
            yield
        finally:
            if away is Away.SERVICE:
                for part in self.shop.parts[what]:
                    await part.start()
            elif away is Away.PROVIDER:
                await asyncio.to_thread(self.shop.psp.start)
            else:
                await asyncio.to_thread(self.servers.start_process, what)

    async def ready(self, service: str, number: int = 0) -> tuple[int, dict[str, object], str]:
        """Status, the checks that are not well, and the word for it."""
        port = self.shop.parts[service][number].settings.port
        async with self.shop.shop.session.get(f"http://127.0.0.1:{port}/readyz") as response:
            report = await response.json()
        bad = {name: each for name, each in report["checks"].items() if not each["ok"]}
        return response.status, bad, report["status"]

    async def has_heard(self) -> bool:
        """Whether all that was said of the catalogue has reached the caches."""
        client = await nats.connect(self.servers.nats_url)
        try:
            consumer = await client.jetstream().consumer_info(STREAM, "product_cache")
            return not consumer.num_pending and not consumer.num_ack_pending
        finally:
            await client.close()

    async def is_well(self) -> bool:
        return all([(await self.ready(service))[2] == "ok" for service in SERVICES])
