"""/livez: the process runs. /readyz: it can serve, and how its dependencies are. Never on the edge."""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from litestar import Response, Router, get

Probe = Callable[[], Awaitable[Any]]
"""Raises when the dependency does not answer; what it returns is shown."""

PROBE_SECONDS = 0.8
"""Less than the edge waits for the answer: a dependency that hangs must not look like a replica that does."""
WATCHED_SECONDS = 5.0
"""Who asked as lately as that will ask again, and had better be told before the port is closed."""


UNAVAILABLE, STOPPING = "unavailable", "stopping"


@dataclass
class Health:
    """Ready means that everything `needed` answers; `reported` only shows (the broker may be away).

    A process that stops is not ready from the first moment on, whatever answers.
    """

    needed: Mapping[str, Probe]
    reported: Mapping[str, Probe]
    is_stopping: bool = False
    asked_at: float = -math.inf

    @property
    def is_watched(self) -> bool:
        return time.monotonic() - self.asked_at < WATCHED_SECONDS

    async def report(self) -> dict[str, Any]:
        """The same to whoever asks, over HTTP or over NATS."""
        probes = {**self.needed, **self.reported}
        results = await asyncio.gather(*(_state(probe) for probe in probes.values()))
        checks = dict(zip(probes, results, strict=True))
        ready = all(checks[name]["ok"] for name in self.needed)
        degraded = not all(check["ok"] for check in checks.values())
        status = "degraded" if ready and degraded else "ok" if ready else UNAVAILABLE
        return {"status": STOPPING if self.is_stopping else status, "checks": checks}


def routes(health: Health) -> Router:
    @get("/livez", opt={"public": True}, include_in_schema=False)
    async def livez() -> dict[str, str]:
        return {"status": "ok"}

    @get("/readyz", opt={"public": True}, include_in_schema=False)
    async def readyz() -> Response[dict[str, Any]]:
        health.asked_at = time.monotonic()
        report = await health.report()
        return Response(report, status_code=503 if report["status"] in {UNAVAILABLE, STOPPING} else 200)

    return Router("/", route_handlers=[livez, readyz])


async def _state(probe: Probe) -> dict[str, Any]:
    try:
        async with asyncio.timeout(PROBE_SECONDS):
            seen = await probe()
    except Exception as error:  # noqa: BLE001  # any failure of a dependency is a state to report
        return {"ok": False, "error": type(error).__name__}
    return {"ok": True} if seen is None else {"ok": True, "seen": seen}
