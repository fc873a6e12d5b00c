"""Runs scenarios, each in a shop of its own, and tells what they showed."""

import asyncio
import random
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from deploy.chaos.arena import Impossible, arena
from deploy.chaos.customers import customers
from deploy.chaos.scenario import Scenario, Stage
from deploy.chaos.verdict import Verdict, judged

LEAD = 2.0
"""Seconds of traffic before the first fault, and after the last one's end."""


@dataclass(frozen=True)
class Campaign:
    """`rate`: clicks per second. The seed decides everything that is drawn, but not what the clock does."""

    rate: float
    customers: int
    seed: int
    port_base: int
    overtime: float = 2.0
    """Seconds that a purchase may take beyond its deadline: the sweep comes once a second, then its batch."""
    logs: Path | None = None
    """Where the logs of a scenario that failed are kept."""

    async def run(self, scenarios: Iterable[Scenario]) -> list[Verdict]:
        verdicts = []
        for each in scenarios:
            verdict = await self.one(each)
            print(line(verdict), flush=True)
            verdicts.append(verdict)
        return verdicts

    async def one(self, scenario: Scenario) -> Verdict:
        with TemporaryDirectory(prefix="shop-chaos-") as home:
            try:
                return await self._in(scenario, Path(home))
            except Impossible as error:
                return Verdict(scenario.name, 0.0, notes={"not run": str(error)})

    async def _in(self, scenario: Scenario, home: Path) -> Verdict:
        began = time.monotonic()
        async with arena(scenario.ground, home, self.port_base) as shop:
            stack = shop.stack
            async with customers(stack.url("edge"), stack.url("mail_api"), self.customers) as traffic:
                shop.timeline.began = time.monotonic()
                stage = Stage(shop, traffic, random.Random(f"{self.seed} {scenario.name}"))  # noqa: S311  # reproducible
                if scenario.rate is None:
                    await scenario.act(stage)
                else:
                    async with traffic.flowing(self.rate * scenario.rate, stage.draw):
                        await asyncio.sleep(LEAD)
                        await scenario.act(stage)
                        await asyncio.sleep(LEAD)
                verdict = await judged(scenario.name, shop, traffic, began, stage.notes, self.overtime)
            if verdict.violations:
                self._keep_logs(home, scenario.name)
            return verdict

    def _keep_logs(self, home: Path, name: str) -> None:
        if self.logs is not None:
            kept = self.logs / name
            kept.mkdir(parents=True, exist_ok=True)
            for log in (home / "logs").iterdir():
                (kept / log.name).write_bytes(log.read_bytes())


def line(verdict: Verdict) -> str:
    if "not run" in verdict.notes:
        return f"{verdict.scenario:32} not run: {verdict.notes['not run']}"
    served = [fault.served_after for fault in verdict.faults if fault.served_after is not None]
    settled = "never" if verdict.settled_after is None else f"{verdict.settled_after} s"
    words = [
        f"{verdict.scenario:32} {verdict.accepted:>6} accepted {verdict.completed:>6} completed",
        f"{len(verdict.faults):>3} faults, served again after {max(served, default=0.0):.1f} s at most,",
        f"settled after {settled},",
        f"{len(verdict.violations)} violations, {verdict.seconds:.0f} s",
    ]
    return " ".join(words) + "".join(f"\n    {violation}" for violation in verdict.violations[:8])
