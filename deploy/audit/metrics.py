"""`--every`: audit after audit, and what the last one found for Prometheus, until SIGTERM."""

import asyncio
import signal
import sys
import time
from collections.abc import Callable

from aiohttp import web
from prometheus_client import CollectorRegistry, Gauge, generate_latest

from deploy.audit.findings import Bounds, Report
from deploy.audit.look import audit
from deploy.audit.show import as_lines
from deploy.audit.sources import Sources, Unreadable

INVARIANTS = tuple(f"I{number}" for number in range(1, 12))
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Measures:
    """What is known of the last audit that could be made."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.violations = self._gauge("violations", "Violations at the last audit", "invariant")
        self.last_run = self._gauge("last_run_timestamp_seconds", "When the last whole audit ended")
        self.duration = self._gauge("duration_seconds", "What it took")
        self.unreadable = self._gauge("unreadable", "1 when the newest audit could not read something")
        self.unsent = self._gauge("oldest_unsent_seconds", "Of each outbox", "service")
        self.letters = self._gauge("dead_letters", "Of each service", "service")
        self.pending = self._gauge("oldest_pending_seconds", "Age of the oldest purchase that is PENDING")
        self.open = self._gauge("unsettled", "Purchases that are decided and not settled")
        self.oldest_open = self._gauge("oldest_unsettled_seconds", "Since the decision of the oldest of them")
        self.purchases = self._gauge("purchases", "By status", "status")

    def _gauge(self, name: str, meaning: str, *labels: str) -> Gauge:
        return Gauge(f"audit_{name}", meaning, labels, registry=self.registry)

    def note(self, report: Report) -> None:
        for invariant in INVARIANTS:
            self.violations.labels(invariant).set(report.findings.counts[invariant])
        for service, state in report.services.items():
            self.unsent.labels(service).set(state.oldest_unsent)
            self.letters.labels(service).set(state.letters)
        for status in ("PENDING", "COMPLETED", "FAILED", "TIMED_OUT"):
            self.purchases.labels(status).set(report.totals.purchases.get(status, 0))
        self.pending.set(report.totals.oldest_pending)
        self.open.set(report.totals.open)
        self.oldest_open.set(report.totals.oldest_open)
        self.duration.set(report.seconds)
        self.last_run.set(time.time())
        self.unreadable.set(0)


async def repeat(sources: Sources, bounds: Bounds, every: float, host: str, port: int) -> int:
    """Returns when it is told to stop."""
    measures = Measures()
    stopped = asyncio.Event()
    for each in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(each, stopped.set)
    runner = await served(measures, host, port)
    try:
        print(f"auditing every {every:g} s; http://{host}:{port}/metrics", flush=True)
        async with asyncio.TaskGroup() as tasks:
            auditing = tasks.create_task(audits(sources, bounds, every, measures, tell))
            await stopped.wait()
            auditing.cancel()
    finally:
        await runner.cleanup()
    return 0


async def audits(
    sources: Sources, bounds: Bounds, every: float, measures: Measures, told: Callable[[Report], None]
) -> None:
    """Runs until cancelled. What cannot be read is a metric, and no end."""
    while True:
        began = time.monotonic()
        try:
            report = await audit(sources, bounds)
        except Unreadable as error:
            measures.unreadable.set(1)
            print(f"audit: {error}", file=sys.stderr, flush=True)
        else:
            measures.note(report)
            told(report)
        await asyncio.sleep(max(0.0, began + every - time.monotonic()))


def tell(report: Report) -> None:
    """A clean one is not worth a line."""
    if not report.is_clean:
        print(*as_lines(report), sep="\n", flush=True)


async def served(measures: Measures, host: str, port: int) -> web.AppRunner:
    """Raises OSError where the port is taken."""

    async def show(_request: web.Request) -> web.Response:
        return web.Response(body=generate_latest(measures.registry), headers={"Content-Type": CONTENT_TYPE})

    app = web.Application()
    app.router.add_get("/metrics", show)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, host, port).start()
    return runner
