"""Something random goes wrong every 5 to 40 seconds, for as long as somebody wants to watch."""

import asyncio
from collections.abc import Awaitable, Callable

from deploy.chaos import faults
from deploy.chaos.arena import Ground
from deploy.chaos.echo import echoing
from deploy.chaos.scenario import Scenario, Stage
from deploy.embedded.layout import SERVICES

PAUSE = (5.0, 40.0)
SERVERS = ("postgres", "nats", "redis", "smtp", "psp", "s3")

Nemesis = Callable[[Stage], Awaitable[None]]


async def kill_service(stage: Stage) -> None:
    await faults.kill(stage.arena, stage.draw.choice(SERVICES))


async def kill_several(stage: Stage) -> None:
    await faults.kill(stage.arena, *stage.draw.sample(SERVICES, 3))


async def kill_all(stage: Stage) -> None:
    await faults.kill(stage.arena, *SERVICES)


async def kill_server(stage: Stage) -> None:
    await faults.kill(stage.arena, stage.draw.choice((*SERVERS, "traefik")))


async def kill_everything(stage: Stage) -> None:
    await faults.kill_everything(stage.arena)


async def pause_service(stage: Stage) -> None:
    async with faults.paused(stage.arena, stage.draw.choice(SERVICES)):
        await stage.calm(stage.draw.uniform(1, 10))


async def pause_server(stage: Stage) -> None:
    async with faults.paused(stage.arena, stage.draw.choice(SERVERS)):
        await stage.calm(stage.draw.uniform(1, 6))


async def server_away(stage: Stage) -> None:
    async with faults.away(stage.arena, stage.draw.choice(SERVERS)):
        await stage.calm(stage.draw.uniform(1, 8))


async def restart_service(stage: Stage) -> None:
    async with faults.away(stage.arena, stage.draw.choice(SERVICES)):
        pass


async def cut_wire(stage: Stage) -> None:
    async with faults.weather(stage.arena, "cut", [stage.draw.choice(stage.arena.links)]):
        await stage.calm(stage.draw.uniform(1, 8))


async def freeze_wire(stage: Stage) -> None:
    async with faults.weather(stage.arena, "frozen", [stage.draw.choice(stage.arena.links)]):
        await stage.calm(stage.draw.uniform(2, 12))


async def slow_wires(stage: Stage) -> None:
    server = stage.draw.choice(SERVERS)
    async with faults.weather(stage.arena, "slow", stage.arena.wires(server=server), delay=0.1):
        await stage.calm(stage.draw.uniform(3, 8))


async def tear_wires(stage: Stage) -> None:
    faults.torn(stage.arena, stage.draw.sample(stage.arena.links, 5))


async def wipe_broker(stage: Stage) -> None:
    await faults.wipe_broker(stage.arena)


async def repeat_words(stage: Stage) -> None:
    async with echoing(stage.arena, stage.draw, within=5.0, share=0.3):
        await stage.calm(5.0)


NEMESES: dict[Nemesis, int] = {
    kill_service: 6,
    kill_several: 2,
    kill_all: 1,
    kill_server: 4,
    kill_everything: 1,
    pause_service: 3,
    pause_server: 2,
    server_away: 3,
    restart_service: 3,
    cut_wire: 3,
    freeze_wire: 3,
    slow_wires: 2,
    tear_wires: 2,
    wipe_broker: 1,
    repeat_words: 2,
}
"""How often each comes, relative to the others."""


def soak(minutes: float) -> Scenario:
    async def act(stage: Stage) -> None:
        loop = asyncio.get_running_loop()
        end = loop.time() + 60 * minutes
        while (pause := stage.draw.uniform(*PAUSE)) + loop.time() < end:
            await stage.calm(pause)
            [nemesis] = stage.draw.choices([*NEMESES], [*NEMESES.values()])
            await nemesis(stage)
        await stage.calm(max(0.0, end - loop.time()))

    about = f"For {minutes:g} minutes something random goes wrong every {PAUSE[0]:.0f} to {PAUSE[1]:.0f} s"
    return Scenario("soak", about, act, Ground(), 1.0, quick=False)
