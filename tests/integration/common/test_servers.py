import nats
import redis.asyncio as redis

from common.messaging.streams import CONSUMERS, STREAM
from tests.servers import Servers


async def test_the_provisioned_stream_has_a_durable_for_every_service(nats_url: str) -> None:
    client = await nats.connect(nats_url)
    names = {info.name for info in await client.jetstream().consumers_info(STREAM)}
    await client.close()
    assert names == {hears.durable for hears in CONSUMERS}


async def test_redis_answers(servers: Servers) -> None:
    async with redis.from_url(servers.redis_url) as client:
        assert await client.ping()
