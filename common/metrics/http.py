"""HTTP requests in numbers, by the conventions of OpenTelemetry: by route, never by path."""

import time
from collections.abc import Iterator
from typing import Protocol

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from common.metrics.instruments import BYTES, Buckets, Histogram

LABELS = ("http_request_method", "http_route", "http_response_status_class")
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
OTHER = "_OTHER"
"""Whatever else somebody makes up as a method, in the words of the conventions."""
NO_ROUTE = ""
"""There is none for the path; which path it was is the asker's affair."""
FROM_MEMORY = "(memory)"
"""Answered before it was routed (`common/http/ready.py`)."""


class HttpMeasures(Collector):
    """Of one process."""

    def __init__(self) -> None:
        self.active = 0
        self._seconds = Histogram(
            "http_server_request_duration_seconds", "To the answer's end; of a stream, to its start.", LABELS
        )
        self._bytes = Histogram("http_server_response_body_size_bytes", "Of an answer.", LABELS, BYTES)
        self._series: dict[tuple[str, str, int], tuple[Buckets, Buckets]] = {}

    def note(self, method: str, route: str, status: int, seconds: float, size: int) -> None:
        key = (method, route, status // 100)
        series = self._series.get(key)
        if series is None:
            labels = (method if method in METHODS else OTHER, route, f"{status // 100}xx")
            series = (self._seconds.of(*labels), self._bytes.of(*labels))
            if method in METHODS:
                self._series[key] = series
        series[0].observe(seconds)
        series[1].observe(size)

    def collect(self) -> Iterator[Metric]:
        active = GaugeMetricFamily("http_server_active_requests", "That are being answered.")
        active.add_metric([], self.active)
        yield active
        yield from self._seconds.collect()
        yield from self._bytes.collect()


class Page(Protocol):
    """Where what is counted is shown."""

    def add(self, *measured: Collector) -> None: ...


class Measured:
    """Around everything that answers. A request that nobody answered is the server's own fault: 500."""

    def __init__(self, app: ASGIApp, page: Page) -> None:
        self.app = app
        self._measures = HttpMeasures()
        page.add(self._measures)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await self.app(scope, receive, send)
            return
        status, size = 500, 0

        async def sending(message: Message) -> None:
            nonlocal status, size
            if message["type"] == "http.response.body":
                size += len(message.get("body", b""))
            elif message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        measures, began = self._measures, time.perf_counter()
        measures.active += 1
        try:
            await self.app(scope, receive, sending)
        finally:
            measures.active -= 1
            route = scope.get("path_template") or NO_ROUTE
            measures.note(scope["method"], route, status, time.perf_counter() - began, size)
