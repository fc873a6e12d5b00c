"""Clients whose connection breaks after every event, each of which comes back after the last it has."""

import asyncio
import random
import time
from contextlib import aclosing
from typing import Any

from deploy.chaos.traffic import Bought, Traffic
from deploy.client import until


async def dropped_after_every_event(traffic: Traffic, draw: random.Random, count: int) -> dict[str, Any]:
    """So many purchases at once, each followed by such a client; what was wrong is the traffic's to tell."""
    began = time.monotonic()
    clicks = [traffic.click(draw) for _ in range(count)]
    connections = await asyncio.gather(*(_follow(traffic, each) for each in clicks))
    return {
        "clients": count,
        "connections": sum(connections),
        "events": sum(each.last_seq for each in clicks),
        "seconds for all": round(time.monotonic() - began, 1),
    }


async def _follow(traffic: Traffic, bought: Bought) -> int:
    """How often it came back."""

    async def answered() -> bool | None:
        return bool(bought.id) or None

    await until(answered, seconds=60)
    last, connections = 0, 0
    while True:
        connections += 1
        async with aclosing(bought.customer.watch(bought.id, last)) as events:
            event = await anext(events, None)
        if event is None:
            return connections
        if event.id != last + 1:
            traffic.wrong.append(f"I8: {bought.id}: {event.id} came after {last}")
        last = event.id
