"""Wires that are cut, frozen, slow and torn."""

from deploy.chaos import faults
from deploy.chaos.scenario import Stage, scenario

ONE_BY_ONE = 1.0


@scenario()
async def wires_cut(stage: Stage) -> None:
    """Every wire between a service and a server is cut for a second, one after the other."""
    for link in stage.arena.links:
        async with faults.weather(stage.arena, "cut", [link]):
            await stage.calm(ONE_BY_ONE)
        await stage.calm(0.5)


@scenario()
async def wires_torn(stage: Stage) -> None:
    """Connections are reset in the middle of messages: one wire twice a second, all of them every ten."""
    for number, link in enumerate(stage.draw.sample(stage.arena.links, len(stage.arena.links)), start=1):
        faults.torn(stage.arena, [link])
        await stage.calm(0.5)
        if number % 10 == 0:
            faults.torn(stage.arena, stage.arena.links)
            await stage.calm(2.0)


@scenario()
async def servers_cut_off(stage: Stage) -> None:
    """All wires to one server are cut for 5 s, for every server in turn."""
    for server in ("postgres", "nats", "redis", "psp", "smtp", "s3"):
        async with faults.weather(stage.arena, "cut", stage.arena.wires(server=server)):
            await stage.calm(5.0)
        await stage.calm(2.0)


@scenario()
async def black_holes(stage: Stage) -> None:
    """Half-open connections: for 15 s nothing passes to the broker, the database, the provider or Redis."""
    for server in ("nats", "postgres", "psp", "redis"):
        async with faults.weather(stage.arena, "frozen", stage.arena.wires(server=server)):
            await stage.calm(15.0)
        await stage.calm(3.0)


@scenario(rate=0.5)
async def slow_wires(stage: Stage) -> None:
    """Up to 200 ms one way on every wire for 20 s."""
    async with faults.weather(stage.arena, "slow", stage.arena.links):
        await stage.calm(20.0)
