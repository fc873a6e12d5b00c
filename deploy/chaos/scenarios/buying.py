"""Rushes, short deadlines, and clients that keep falling off their streams: no fault but the customers."""

import asyncio

from deploy.chaos import faults
from deploy.chaos.arena import Ground
from deploy.chaos.customers import gathered, goods
from deploy.chaos.dropping import dropped_after_every_event
from deploy.chaos.scenario import Stage, scenario
from deploy.embedded.layout import SERVICES

SHUFFLED = Ground(
    "two of each, four small batches at once",
    settings={"CONCURRENCY": "4", "BATCH_SIZE": "8"},
    replicas=dict.fromkeys(SERVICES, 2),
)
HURRIED = Ground("a deadline of 50 ms", settings={"DEADLINE": "0.05"})
BUYERS, ITEMS = 1000, 10
STREAMS = 500


@scenario(HURRIED, quick=True)
async def deadlines_of_50_ms(stage: Stage) -> None:
    """Nearly every purchase times out in the middle of its saga, where completion and deadline race."""
    await stage.calm(15.0)


@scenario(SHUFFLED, rate=0.5, quick=True)
async def cancelled_at_once(stage: Stage) -> None:
    """Every purchase is cancelled within 1.5 s, while messages overtake each other on slow wires."""
    stage.traffic.cancelled, stage.traffic.cancelled_within = 1.0, 1.5
    async with faults.weather(stage.arena, "slow", stage.arena.wires(server="nats"), delay=0.15):
        await stage.calm(20.0)


@scenario(rate=None)
async def thousand_buyers(stage: Stage) -> None:
    """1,000 customers want the same ten pieces at the same moment, each on a stream of his own."""
    traffic = stage.traffic
    crowd = await gathered(BUYERS, traffic.shop, at_once=40)
    [piece] = await goods(traffic.buyers[0].customer, 1, ITEMS)
    bought = await asyncio.gather(*(traffic.watched(each, {piece: 1}, "tok_ok") for each in crowd))
    sold = sum(each.outcome == "completed" for each in bought)
    stage.notes |= {"buyers": len(bought), "pieces": ITEMS, "sold": sold}
    if sold != ITEMS:
        traffic.wrong.append(f"I1: {sold} of {ITEMS} pieces were sold")


@scenario(rate=None)
async def streams_dropped(stage: Stage) -> None:
    """500 clients lose their stream after every single event and resume it."""
    stage.notes |= await dropped_after_every_event(stage.traffic, stage.draw, STREAMS)


@scenario(rate=None)
async def streams_dropped_without_redis(stage: Stage) -> None:
    """The same 500 clients while Redis is away: the log alone serves them."""
    async with faults.away(stage.arena, "redis"):
        stage.notes |= await dropped_after_every_event(stage.traffic, stage.draw, STREAMS)
