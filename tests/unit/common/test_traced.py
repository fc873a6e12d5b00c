"""Which requests have a span."""

from collections.abc import Iterator

import pytest
from litestar import Litestar, get
from litestar.testing import AsyncTestClient
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from common.http.traced import PROBES, TraceContext
from common.telemetry import edge, spans


@pytest.fixture
def everything() -> Iterator[None]:
    edge.admit(1.0)
    yield
    edge.admit(0.0)


@pytest.mark.usefixtures("everything")
async def test_those_who_watch_leave_no_trace_and_buyers_do(recorded: InMemorySpanExporter) -> None:
    @get(["/lamps", *PROBES], sync_to_thread=False)
    def look() -> str:
        with spans.span("SELECT", {}):
            return "here"

    async with AsyncTestClient(Litestar([look], middleware=[TraceContext])) as client:
        for path in [*PROBES, "/lamps"]:
            assert (await client.get(path)).text == "here"
    assert [span.name for span in recorded.get_finished_spans()] == ["SELECT", "GET /lamps"]
