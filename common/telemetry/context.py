"""What is being done now: to which trace it belongs (W3C trace context), and about which purchase it is."""

import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

from opentelemetry.trace import INVALID_SPAN_CONTEXT, SpanContext
from opentelemetry.trace.propagation import get_current_span
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

RECORDED, UNRECORDED = "01", "00"
"""The flags of a trace context."""

SAMPLED = frozenset("13579bdf")
"""The last digit of a trace context whose trace is recorded."""

_PROPAGATOR = TraceContextTextMapPropagator()
_TRACEPARENT: ContextVar[str | None] = ContextVar("traceparent", default=None)
_PURCHASE: ContextVar[str | None] = ContextVar("purchase", default=None)
_HEARD: ContextVar[Mapping[str, str | None] | None] = ContextVar("heard", default=None)


def traceparent() -> str | None:
    """The context of what is being done now; None outside any request or message."""
    return _TRACEPARENT.get()


def trace_id() -> str | None:
    current = traceparent()
    return current.split("-")[1] if current else None


def purchase_id() -> str | None:
    """Of the one purchase that this is about; None where it is about several, or none."""
    return _PURCHASE.get()


@contextmanager
def within(trace: str | None, purchase: str | None = None) -> Iterator[None]:
    """What is done and logged meanwhile belongs to this trace, and is about this purchase."""
    tokens = _TRACEPARENT.set(trace), _PURCHASE.set(purchase or _PURCHASE.get())
    try:
        yield
    finally:
        _TRACEPARENT.reset(tokens[0])
        _PURCHASE.reset(tokens[1])


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


def is_sampled(trace: str | None) -> bool:
    """Whether what belongs to it is recorded, by whoever records."""
    return trace is not None and trace[-1:] in SAMPLED


def read(header: str | None) -> SpanContext:
    """What a caller sent; invalid where it is missing or malformed."""
    if not header:
        return INVALID_SPAN_CONTEXT
    return get_current_span(_PROPAGATOR.extract({"traceparent": header})).get_span_context()


def written(span: SpanContext) -> str:
    return f"00-{span.trace_id:032x}-{span.span_id:016x}-{span.trace_flags:02x}"


def child(of: str | None, flags: str = RECORDED) -> str:
    """The context of something new, in the trace of `of` or in one of its own."""
    trace = of[3:35] if of else f"{_id(128):032x}"
    return f"00-{trace}-{_id(64):016x}-{flags}"


def _id(bits: int) -> int:
    """Never 0, which is no id."""
    return random.getrandbits(bits) or 1  # no secret
