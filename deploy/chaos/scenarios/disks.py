"""Disks that are full, or slow; and no file descriptor left."""

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


@scenario(rate=0.5)
async def slow_disks(stage: Stage) -> None:
    """Every fsync of the databases takes 50 ms longer for 15 s, then every one of the broker."""
    for server in ("postgres", "nats"):
        async with faults.slow_disk(stage.arena, server, seconds=0.05):
            await stage.calm(15.0)
        await stage.calm(3.0)


@scenario()
async def no_file_descriptors(stage: Stage) -> None:
    """The services may open no file and no connection beyond those they have, for 10 s, two at a time."""
    for pair in (
        ("purchase", "product"),
        ("payment", "order"),
        ("account", "mail"),
        ("orchestrator", "media"),
    ):
        async with faults.no_more_files(stage.arena, *pair):
            await stage.calm(10.0)
        await stage.calm(2.0)


async def _full(stage: Stage, server: str) -> None:
    for _ in range(3):
        async with faults.disk_full(stage.arena, server):
            await stage.calm(FULL_SECONDS)
        await faults.ready(stage.arena, [server])
        await stage.calm(5.0)
