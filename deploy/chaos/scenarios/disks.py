"""Disks that are full."""

from deploy.chaos import faults
from deploy.chaos.arena import Ground
from deploy.chaos.scenario import Stage, scenario

SMALL_DATABASE = Ground("a small disk for the databases", disk="postgres")
SMALL_BROKER = Ground("a small disk for the broker", disk="nats")
FULL_SECONDS = 10.0


@scenario(SMALL_DATABASE)
async def database_disk_full(stage: Stage) -> None:
    """The disk of the databases is full for 10 s, three times: 503, and no partial state."""
    await _full(stage, "postgres")


@scenario(SMALL_BROKER)
async def broker_disk_full(stage: Stage) -> None:
    """The disk of the broker is full for 10 s, three times: outboxes hold what it does not take."""
    await _full(stage, "nats")


async def _full(stage: Stage, server: str) -> None:
    for _ in range(3):
        async with faults.disk_full(stage.arena, server):
            await stage.calm(FULL_SECONDS)
        await faults.ready(stage.arena, [server])
        await stage.calm(5.0)
