"""Redis stopped or frozen: right answers, soon."""

import asyncio
import time

import msgspec
import pytest
from redis.asyncio import Redis

from common.cache import store
from common.cache.changes import Heard
from common.cache.model import Change
from common.cache.store import ANSWER_SECONDS, Away
from tests.integration.cache.processes import Process, Table, new_space, silent_server
from tests.servers import Servers
from tests.support import eventually, free_port


async def test_a_stopped_redis_costs_nothing_but_reads() -> None:
    process = Process(f"redis://product:x@127.0.0.1:{free_port()}/0", new_space())
    table = Table(1)
    began = time.monotonic()
    for version in range(1, 51):
        table.version = version
        assert await process.read(table) == b"v%d" % version
    assert time.monotonic() - began < store.ANSWER_SECONDS / 2, "nobody waits for it"
    assert process.counts.away == 50
    with pytest.raises(Away):
        await process.store.answers()
    await process.aclose()


@pytest.mark.usefixtures("impatient")
async def test_a_frozen_redis_is_waited_for_once() -> None:
    """Then it is left alone, but for a look every two seconds."""
    table = Table(1)

    async def is_waited_for_once(process: Process) -> bool:
        began = time.monotonic()
        await asyncio.gather(*(process.read(table, str(number)) for number in range(20)))
        return time.monotonic() - began < 2 * ANSWER_SECONDS

    async with silent_server() as url:
        for _ in range(5):  # on a busy machine some waits are longer
            process = Process(url, new_space())
            if is_once := await is_waited_for_once(process):
                break
            await process.aclose()
        assert is_once
        began = time.monotonic()
        for number in range(100):
            assert await process.read(table, str(number)) == b"v1"
        assert time.monotonic() - began < 20 * ANSWER_SECONDS, "not a hundred of it"
        with pytest.raises(Away):
            await process.store.answers()
        await process.aclose()


async def test_a_word_is_not_taken_for_heard_while_redis_is_away() -> None:
    """The consumer holds its batch, as it does for a database."""
    process = Process(f"redis://product:x@127.0.0.1:{free_port()}/0", new_space())
    with pytest.raises(OSError, match="Redis"):
        await process.store.raise_fences([Change("a", 0, 2)])
    await process.aclose()


async def test_who_listens_forgets_after_a_loss_what_it_kept_and_hears_again(servers: Servers) -> None:
    space = new_space()
    process = Process(servers.redis_url_of("product"), space, mib=1)
    listening = asyncio.ensure_future(process.changes.listen())
    async with Redis.from_url(servers.redis_url) as admin:

        async def is_heard() -> bool:
            [(_, listeners)] = await admin.pubsub_numsub(f"{space}:changes")
            return bool(listeners == 1)

        await eventually(is_heard)
        await process.read(Table(1))
        assert process.cache.ready("a")
        await admin.client_kill_filter(_type="pubsub")
        await eventually(lambda: process.cache.ready("a") is None)
        await eventually(is_heard)
        await process.read(Table(1))
        await process.bell.ring(msgspec.json.encode(Heard([Change("a", 0, 2)])))
        await eventually(lambda: process.cache.ready("a") is None)
        await process.read(Table(2))
        await process.bell.ring(b"as another release may ring")
        await eventually(lambda: process.cache.ready("a") is None)
        assert not listening.done()
    listening.cancel()
    await process.aclose()
