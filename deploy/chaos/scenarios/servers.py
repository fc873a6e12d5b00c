"""Servers that die, go away and forget."""

import asyncio

from deploy.chaos import faults
from deploy.chaos.arena import Ground
from deploy.chaos.pictures import Pictures
from deploy.chaos.scenario import Stage, scenario
from deploy.embedded.nodes import Nodes

SERVERS = ("nats", "redis", "postgres", "s3", "smtp", "psp", "traefik")
CLUSTER = Ground("three brokers, six Redis servers", nodes=Nodes(nats=3, redis=6), wired=False)


@scenario()
async def kill_servers(stage: Stage) -> None:
    """kill -9 of every server and of the edge, one after the other, twice."""
    for server in SERVERS * 2:
        await faults.kill(stage.arena, server)
        await stage.calm(2.0)
    await faults.ready(stage.arena, SERVERS)


@scenario()
async def postgres_again_and_again(stage: Stage) -> None:
    """kill -9 of the database server with all its children, ten times, two to five seconds apart."""
    for _ in range(10):
        await faults.kill(stage.arena, "postgres")
        await stage.calm(stage.draw.uniform(2, 5))
    await faults.ready(stage.arena, ["postgres"])


@scenario()
async def broker_wiped(stage: Stage) -> None:
    """The broker loses its whole disk, twice, with codes on it that were not mailed yet."""
    for _ in range(2):
        async with faults.away(stage.arena, "mail"):
            await asyncio.gather(*(stage.traffic.shop.register() for _ in range(5)))
            await faults.wipe_broker(stage.arena)
        await stage.calm(8.0)


@scenario()
async def broker_away(stage: Stage) -> None:
    """Without a broker for 40 s, longer than the deadline: purchases are accepted, time out, and settle."""
    async with faults.away(stage.arena, "nats"):
        await stage.calm(40.0)


@scenario()
async def redis_away(stage: Stage) -> None:
    """Without Redis for 20 s, then frozen for 15 s: decisions still reach their customers."""
    async with faults.away(stage.arena, "redis"):
        await stage.calm(20.0)
    await stage.calm(3.0)
    async with faults.paused(stage.arena, "redis"):
        await stage.calm(15.0)


@scenario()
async def smtp_away(stage: Stage) -> None:
    """Without a mail server for 20 s: purchases complete, mails come later."""
    async with faults.away(stage.arena, "smtp"):
        await stage.calm(20.0)


@scenario()
async def object_store_away(stage: Stage) -> None:
    """Without an object store for 15 s, then it and media are killed: what was accepted can be seen."""
    async with Pictures(stage.traffic).uploading() as pictures:
        await stage.calm(2.0)
        async with faults.away(stage.arena, "s3"):
            await stage.calm(15.0)
        await stage.calm(2.0)
        await faults.kill(stage.arena, "s3")
        await stage.calm(2.0)
        await faults.kill(stage.arena, "media")
        await faults.ready(stage.arena, ["s3", "media"])
        await stage.calm(2.0)
    stage.notes |= await pictures.compared()


@scenario()
async def provider_scripts(stage: Stage) -> None:
    """Every script of the provider, which is also killed five times and goes away for 10 s."""
    for _ in range(5):
        await faults.kill(stage.arena, "psp")
        await stage.calm(2.0)
    async with faults.away(stage.arena, "psp"):
        await stage.calm(10.0)


@scenario(CLUSTER)
async def leaders_killed(stage: Stage) -> None:
    """kill -9 of the leading broker and a Redis master, three times; then a leader freezes, or is away."""
    for redis in ("redis", "redis-2", "redis-3"):
        await faults.kill(stage.arena, await faults.stream_leader(stage.arena), redis)
        await stage.calm(8.0)
    async with faults.paused(stage.arena, await faults.stream_leader(stage.arena)):
        await stage.calm(12.0)
    await stage.calm(5.0)
    async with faults.away(stage.arena, await faults.stream_leader(stage.arena)):
        await stage.calm(12.0)
    await faults.ready(stage.arena, stage.arena.stack.nodes.names("nats"))


@scenario(CLUSTER)
async def two_brokers_of_three(stage: Stage) -> None:
    """Two of three brokers stay away for 20 s: no majority, so nothing moves, and nothing is lost."""
    leader = await faults.stream_leader(stage.arena)
    others = [name for name in stage.arena.stack.nodes.names("nats") if name != leader]
    async with faults.away(stage.arena, leader, others[0]):
        await stage.calm(20.0)
    await asyncio.to_thread(stage.arena.stack.wait_ready, leader)
