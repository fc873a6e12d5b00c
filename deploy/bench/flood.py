"""`./just bench --logins 20`: what a flood of logins costs the purchases beside it.

The same load without and with the flood, in turns, so that whatever else the machine does meets both; the
medians of the rounds are compared.
"""

import asyncio
import secrets
import statistics
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp

from deploy.client import Json, Shop

MOST_OPEN = 200
"""Logins that are waited for at the same time; those that would be more are counted as not sent."""


@dataclass
class Flood:
    """Wrong guesses about accounts that nobody has: each costs the shop a whole hash, and no limit of one."""

    shop: Shop
    rate: float
    answers: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)

    @asynccontextmanager
    async def going_on(self) -> AsyncIterator[None]:
        """Logins have their times, as purchases with a rate have."""
        async with asyncio.TaskGroup() as tasks:
            flooding = tasks.create_task(self._keep_coming(tasks))
            yield
            flooding.cancel()

    async def _keep_coming(self, tasks: asyncio.TaskGroup) -> None:
        start, number, open_now = time.perf_counter(), 0, set[asyncio.Task[None]]()
        while True:
            due = start + number / self.rate
            await asyncio.sleep(due - time.perf_counter())
            number += 1
            if len(open_now) >= MOST_OPEN:
                self.answers["not sent"] += 1
                continue
            each = tasks.create_task(self._log_in(due))
            open_now.add(each)
            each.add_done_callback(open_now.discard)

    async def _log_in(self, due: float) -> None:
        body = {"email": f"nobody.{secrets.token_hex(8)}@example.com", "password": "a wrong guess"}
        try:
            async with self.shop.session.post(self.shop.url("/account/login"), json=body) as response:
                await response.read()
                self.answers[str(response.status)] += 1
        except (aiohttp.ClientError, TimeoutError) as error:
            self.answers[type(error).__name__] += 1
        self.seconds.append(time.perf_counter() - due)


async def compare(flood: Flood, rounds: int, load: Callable[[], Awaitable[list[float]]]) -> Json:
    """`load` runs once, and returns how long its purchases took."""
    quiet: list[float] = []
    flooded: list[float] = []
    for _ in range(rounds):
        quiet.append(p99(await load()))
        async with flood.going_on():
            flooded.append(p99(await load()))
    without, beside = statistics.median(quiet), statistics.median(flooded)
    return {
        "p99_ms_without": [round(1000 * each, 1) for each in quiet],
        "p99_ms_beside": [round(1000 * each, 1) for each in flooded],
        "cost": round(beside / without - 1, 3),
        "logins": dict(flood.answers),
        "login_p50_ms": round(1000 * statistics.median(flood.seconds), 1),
        "login_p99_ms": round(1000 * p99(flood.seconds), 1),
    }


def p99(values: list[float]) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[98]
