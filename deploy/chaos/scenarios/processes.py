"""Processes that die, freeze, and are stopped on purpose."""

import asyncio

from deploy.chaos import faults
from deploy.chaos.arena import Ground
from deploy.chaos.scenario import Stage, scenario
from deploy.embedded.layout import SERVICES

PAIRS = Ground("two of each", replicas=dict.fromkeys(SERVICES, 2))
FROZEN = ("product", "order", "payment", "purchase", "orchestrator", "mail", "account")


@scenario(quick=True)
async def kill_services(stage: Stage) -> None:
    """kill -9 of every service, one after the other, twice."""
    for service in SERVICES * 2:
        await faults.kill(stage.arena, service)
        await stage.calm(1.0)
    await faults.ready(stage.arena, SERVICES)


@scenario()
async def kill_all_services(stage: Stage) -> None:
    """kill -9 of all services in one breath, five times."""
    for _ in range(5):
        await faults.kill(stage.arena, *SERVICES)
        await faults.ready(stage.arena, SERVICES)
        await stage.calm(3.0)


@scenario()
async def kill_everything(stage: Stage) -> None:
    """kill -9 of every service and every server in one breath, three times."""
    for _ in range(3):
        await faults.kill_everything(stage.arena)
        await faults.ready(stage.arena, ["postgres", "nats", "redis", "psp", "smtp", *SERVICES, "traefik"])
        await stage.calm(3.0)


@scenario(PAIRS)
async def kill_replicas(stage: Stage) -> None:
    """kill -9 of every replica of two, one after the other."""
    for process in stage.arena.processes():
        await faults.kill(stage.arena, process)
        await stage.calm(1.0)
    await faults.ready(stage.arena, stage.arena.processes())


@scenario()
async def pauses(stage: Stage) -> None:
    """SIGSTOP of every service for 5 s, one after the other: zombies that go on where they were."""
    for service in FROZEN:
        async with faults.paused(stage.arena, service):
            await stage.calm(5.0)
        await stage.calm(1.0)


@scenario(PAIRS)
async def long_pauses(stage: Stage) -> None:
    """SIGSTOP for 35 s, longer than the deadline, of one of two replicas of several services at once."""
    async with faults.paused(stage.arena, "purchase", "payment", "product"):
        await stage.calm(35.0)
    await stage.calm(3.0)
    async with faults.paused(stage.arena, "orchestrator-2", "order-2", "mail-2", "purchase-2"):
        await stage.calm(35.0)


@scenario(PAIRS)
async def rolling_restart(stage: Stage) -> None:
    """SIGTERM and a new start of every process, one after the other, under load."""
    longest = 0.0
    for process in stage.arena.processes():
        stage.arena.timeline.note(f"restart {process}", ())
        began = asyncio.get_running_loop().time()
        await asyncio.to_thread(stage.arena.stack.stop_process, process)
        longest = max(longest, asyncio.get_running_loop().time() - began)
        await asyncio.to_thread(stage.arena.stack.start_process, process)
        await stage.calm(0.5)
    stage.notes["longest stop, seconds"] = round(longest, 2)
    stage.notes["timed out"] = sum(each.outcome == "timed_out" for each in stage.traffic.clicks)
