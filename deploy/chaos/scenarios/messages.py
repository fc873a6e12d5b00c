"""Messages that come again, in any order, or cannot be read."""

import time

from deploy.chaos.echo import echoing
from deploy.chaos.poison import POISON, buried, poisoned
from deploy.chaos.scenario import Stage, scenario
from deploy.chaos.scenarios.buying import SHUFFLED


@scenario(SHUFFLED, rate=0.5, quick=True)
async def duplicates_and_shuffles(stage: Stage) -> None:
    """Every message comes two to five times, up to 10 s late, at replicas with four batches in hand."""
    async with echoing(stage.arena, stage.draw, within=10.0) as echo:
        await stage.calm(20.0)
    stage.notes["messages"] = echo.heard
    stage.notes["copies"] = echo.said


@scenario(rate=0.5)
async def late_duplicates(stage: Stage) -> None:
    """Copies come after the decision and the settlement, some past the deadline."""
    async with echoing(stage.arena, stage.draw, within=45.0, share=0.2) as echo:
        await stage.calm(20.0)
    stage.notes["copies"] = echo.said


@scenario()
async def poison(stage: Stage) -> None:
    """Messages that nobody can read, for every consumer: parked within 60 s, and nobody waits for them."""
    await stage.calm(2.0)
    began = time.monotonic()
    await poisoned(stage.arena)
    stage.notes["parked"] = len(POISON)
    stage.notes["parked after, seconds"] = round(await buried(stage.arena, stage.traffic), 1)
    beside = [each for each in stage.traffic.clicks if each.decided and each.clicked >= began]
    took = sorted(each.decided - each.clicked for each in beside if each.decided)
    stage.notes["purchases meanwhile"] = len(took)
    stage.notes["slowest of them, seconds"] = round(took[-1], 2)
    stage.notes["their median, seconds"] = round(took[len(took) // 2], 2)
