"""/metrics: what a process counts, as Prometheus reads it. Never on the edge."""

import asyncio
import logging
from collections.abc import Iterable
from typing import Protocol, runtime_checkable

from litestar import Response, Router, get
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

log = logging.getLogger(__name__)

SECONDS = 2.0


@runtime_checkable
class Refreshed(Protocol):
    """A collector whose numbers are in the database: it is told first that somebody asks."""

    async def refresh(self) -> None: ...


class Shown:
    """Everything that is counted here. The application brings its own, the process adds to it."""

    def __init__(self, measured: Iterable[Collector] = ()) -> None:
        self._registry = CollectorRegistry()
        self._refreshed: list[Refreshed] = []
        self.add(*measured)

    def add(self, *measured: Collector) -> None:
        for each in measured:
            self._registry.register(each)
            if isinstance(each, Refreshed):
                self._refreshed.append(each)

    async def page(self) -> bytes:
        await asyncio.gather(*map(_refresh, self._refreshed))
        return generate_latest(self._registry)


def routes(shown: Shown) -> Router:
    @get("/metrics", opt={"public": True}, include_in_schema=False)
    async def show_metrics() -> Response[bytes]:
        return Response(await shown.page(), media_type=CONTENT_TYPE_LATEST)

    return Router("/", route_handlers=[show_metrics])


async def _refresh(collector: Refreshed) -> None:
    """What it cannot know now it leaves out."""
    try:
        async with asyncio.timeout(SECONDS):
            await collector.refresh()
    except Exception as error:  # noqa: BLE001  # any failure of a dependency leaves numbers out, and no more
        log.warning("not everything can be measured: %r", error)
