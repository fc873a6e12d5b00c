"""Where spans go: over OTLP/HTTP to a collector, from a thread, out of a queue for which nobody waits."""

import logging
import threading
from collections.abc import Callable, Sequence
from typing import NamedTuple

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, TraceFlags
from opentelemetry.trace.status import Status, StatusCode

from common.telemetry import edge, spans
from common.telemetry.who import Who

log = logging.getLogger(__name__)

QUEUE = 8192
"""Spans that wait in memory, at most; more are lost."""
TOGETHER = 512
EVERY_MS = 5000
"""As OpenTelemetry's own: each sending costs a millisecond, and whoever looks can wait for five seconds."""
SEND_SECONDS = 5.0
FLUSH_SECONDS = 0.5
LONGEST_TEXT = 2048
"""Of an attribute."""
SAMPLED = TraceFlags(TraceFlags.SAMPLED)
"""Whoever asks for a span has found that its trace is recorded."""
UNSET, FAILED = Status(StatusCode.UNSET), Status(StatusCode.ERROR)
THEIRS = "opentelemetry.exporter"


class Where(NamedTuple):
    """`endpoint` without the path: `http://localhost:4318`. `ratio`: of the traces nobody asks for."""

    endpoint: str
    ratio: float


class Patient(SpanExporter):
    """A collector that is away is told of once, and once when it is back; spans of meanwhile are lost."""

    def __init__(self, exporter: SpanExporter, endpoint: str) -> None:
        self._exporter = exporter
        self._endpoint = endpoint
        self._is_away = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = self._exporter.export(spans)
        is_away = result is not SpanExportResult.SUCCESS
        if is_away and not self._is_away:
            log.warning("traces are lost: the collector at %s does not take them", self._endpoint)
        elif self._is_away and not is_away:
            log.info("the collector at %s takes traces again", self._endpoint)
        self._is_away = is_away
        return result

    def shutdown(self) -> None:
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return self._exporter.force_flush(timeout_millis)


def record(where: Where, who: Who) -> Callable[[], None]:
    """From now on in this process. Returns what ends it: sends what is left, and waits for that shortly."""
    logging.getLogger(THEIRS).setLevel(logging.CRITICAL)  # it tells of every attempt
    exporter = OTLPSpanExporter(f"{where.endpoint.rstrip('/')}/v1/traces", timeout=SEND_SECONDS)
    processor = BatchSpanProcessor(
        Patient(exporter, where.endpoint),
        max_queue_size=QUEUE,
        schedule_delay_millis=EVERY_MS,
        max_export_batch_size=TOGETHER,
    )
    spans.record_with(telling(processor, who))
    edge.admit(where.ratio)
    return lambda: _finish(processor)


def telling(processor: SpanProcessor, who: Who) -> Callable[[spans.Span], None]:
    """What hands a span that is over on, as the SDK has it."""
    resource = Resource.create(
        {
            "service.name": who.service,
            "service.namespace": "shop",
            "service.version": who.version,
            "service.instance.id": who.instance,
        }
    )
    scope = InstrumentationScope("shop", who.version)

    def tell(span: spans.Span) -> None:
        processor.on_end(
            ReadableSpan(
                span.name,
                _context(span.context, is_remote=False),
                _context(span.of, is_remote=True) if span.of else None,
                resource,
                {name: _short(value) for name, value in span.attributes.items()},
                links=[Link(_context(each, is_remote=True)) for each in span.linked],
                kind=span.kind,
                status=FAILED if span.is_failed else UNSET,
                start_time=span.began,
                end_time=span.ended,
                instrumentation_scope=scope,
            )
        )

    return tell


def _short(value: spans.Value) -> spans.Value:
    """A header of a message may be as long as somebody likes."""
    return value[:LONGEST_TEXT] if isinstance(value, str) else value


def _context(of: str, *, is_remote: bool) -> SpanContext:
    """Of one that we have written ourselves."""
    return SpanContext(int(of[3:35], 16), int(of[36:52], 16), is_remote, SAMPLED)


def _finish(processor: BatchSpanProcessor) -> None:
    """In a thread of its own: a collector that hangs holds up nobody's stop."""
    ending = threading.Thread(target=processor.shutdown, daemon=True)
    ending.start()
    ending.join(FLUSH_SECONDS)
