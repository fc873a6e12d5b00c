"""The course of a long load: the same figures again and again. What is flat stays flat; what grows, shows."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from itertools import pairwise

from deploy.bench.buyers import Measured
from deploy.bench.costs import ranked
from deploy.bench.figures import mib, quantiles
from deploy.bench.meter import Meter
from deploy.client import Json


@dataclass(frozen=True)
class Look:
    """Begun at one moment of `time.perf_counter`: what was used so far, and the sizes now."""

    at: float
    cpu_ms: Mapping[str, float]
    pss: Mapping[str, int]
    databases: Mapping[str, float]


@asynccontextmanager
async def followed(meter: Meter, every: float) -> AsyncIterator[list[Look]]:
    """Inside, it is looked every so many seconds, and once more at the end; 0: never."""
    looks: list[Look] = []
    if not every:
        yield looks
        return
    over = asyncio.Event()

    async def follow() -> None:
        while not over.is_set():
            looks.append(await look(meter))
            with suppress(TimeoutError):
                async with asyncio.timeout(every):
                    await over.wait()
        looks.append(await look(meter))

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(follow())
        yield looks
        over.set()


async def look(meter: Meter) -> Look:
    at = time.perf_counter()
    used, sizes = await asyncio.to_thread(lambda: (meter.processes.cpu_ms(), meter.processes.pss()))
    return Look(at, used, sizes, await meter.counters.sizes())


def course(looks: Sequence[Look], measured: Measured) -> list[Json]:
    """What happened from each look to the next; sizes are those at its end."""
    return [stretch(before, after, measured, looks[0].at) for before, after in pairwise(looks)]


def stretch(before: Look, after: Look, measured: Measured, start: float) -> Json:
    ends = {key: at for key, (_, at) in measured.decided.items() if before.at < at <= after.at}
    used = {name: more - before.cpu_ms.get(name, 0.0) for name, more in after.cpu_ms.items()}
    seconds = after.at - before.at
    return {
        "until_second": round(after.at - start, 1),
        "purchases_per_second": round(len(ends) / seconds, 1),
        "accept_to_decided_ms": quantiles([at - measured.posted[key] for key, at in ends.items()]),
        "cpu_ms_per_purchase": ranked("cpu_ms", used, len(ends)) if ends else {},
        "pss_mib": {"total": mib(sum(after.pss.values()))}
        | {k: mib(v) for k, v in sorted(after.pss.items())},
        "database_mib": {name: mib(size) for name, size in after.databases.items()},
    }
