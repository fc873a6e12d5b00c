"""Trace context (W3C), carried from the request through outbox rows and message headers; logging."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, set_span_in_context
from opentelemetry.trace.propagation import get_current_span
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

_IDS = RandomIdGenerator()
_PROPAGATOR = TraceContextTextMapPropagator()
_TRACEPARENT: ContextVar[str | None] = ContextVar("traceparent", default=None)
_HEARD: ContextVar[Mapping[str, str | None] | None] = ContextVar("heard", default=None)


def traceparent() -> str | None:
    """The context of what is being done now; None outside any request or message."""
    return _TRACEPARENT.get()


def trace_id() -> str | None:
    current = traceparent()
    return current.split("-")[1] if current else None


@contextmanager
def continued(header: str | None) -> Iterator[str]:
    """A child of the caller's span, or a new trace when the header is missing or malformed."""
    parent = get_current_span(
        _PROPAGATOR.extract({"traceparent": header} if header else {})
    ).get_span_context()
    span = SpanContext(
        trace_id=parent.trace_id if parent.is_valid else _IDS.generate_trace_id(),
        span_id=_IDS.generate_span_id(),
        is_remote=False,
        trace_flags=parent.trace_flags if parent.is_valid else TraceFlags(0),
    )
    carrier: dict[str, str] = {}
    _PROPAGATOR.inject(carrier, set_span_in_context(NonRecordingSpan(span)))
    token = _TRACEPARENT.set(carrier["traceparent"])
    try:
        yield carrier["traceparent"]
    finally:
        _TRACEPARENT.reset(token)


@contextmanager
def hearing(traces: Mapping[str, str | None]) -> Iterator[None]:
    """Around the handling of a batch: the ids of its messages -> the trace context of each."""
    token = _HEARD.set(traces)
    try:
        yield
    finally:
        _HEARD.reset(token)


def heard_in(message_id: str) -> str | None:
    """The trace context of a message of the batch in hand, for whoever answers it much later."""
    return (_HEARD.get() or {}).get(message_id)


def configure_logging(service: str, level: str) -> None:
    logging.basicConfig(
        level=level.upper(), format=f"%(asctime)s %(levelname)s {service} %(name)s: %(message)s", force=True
    )
