"""The provisioner as a program: a job that ends, before anybody is started who needs what it makes."""

import asyncio
import sys
from contextlib import suppress

import nats
from nats.js.errors import NotFoundError

from common.messaging.streams import CONSUMERS, STREAM
from tests.servers import Servers


async def test_once_ends_when_everything_is_there(servers: Servers) -> None:
    client = await nats.connect(servers.nats_url)
    js = client.jetstream()
    with suppress(NotFoundError):
        await js.delete_stream(STREAM)
    job = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "common.messaging.provisioner", "--once"),
        env={"NATS_URL": servers.nats_url, "STREAM_MAX_BYTES": "1000000"},
        stderr=asyncio.subprocess.DEVNULL,
    )
    async with asyncio.timeout(60):
        assert await job.wait() == 0
    there = {info.name for info in await js.consumers_info(STREAM)}
    assert there == {hears.durable for hears in CONSUMERS}
    await client.close()
