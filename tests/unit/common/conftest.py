"""Spans that stay in the process."""

from collections.abc import Iterator

import pytest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from common.telemetry import spans
from common.telemetry.recording import telling
from common.telemetry.who import Who


@pytest.fixture
def recorded() -> Iterator[InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    spans.record_with(telling(SimpleSpanProcessor(exporter), Who("tests", "1", "here:1")))
    yield exporter
    spans.record_with(None)
