"""Messages in traces, by the conventions for messaging systems.

A word is *created* where it is written down, with the state that it is about: that span's context goes with
the word, into the outbox and over the wire, and whoever hears it goes on from there. When it was *sent*,
perhaps by another process after a crash, is a span beside it.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from typing import Protocol

from opentelemetry.trace import SpanKind

from common.telemetry import context, spans
from common.telemetry.context import is_sampled

SYSTEM = "messaging.system"
OPERATION = "messaging.operation.name"
TYPE = "messaging.operation.type"
DESTINATION = "messaging.destination.name"
MESSAGE = "messaging.message.id"
CONVERSATION = "messaging.message.conversation_id"
GROUP = "messaging.consumer.group.name"
COUNT = "messaging.batch.message_count"

Sent = Callable[[Sequence[bool]], None]
_PROCESSED: ContextVar[dict[str, str | None] | None] = ContextVar("processed", default=None)


class Outgoing(Protocol):
    """What is told of a message that goes out."""

    @property
    def message_id(self) -> str: ...
    @property
    def subject(self) -> str: ...
    @property
    def correlation_id(self) -> str: ...
    @property
    def traceparent(self) -> str | None: ...


class Headed(Protocol):
    def header(self, name: str) -> str | None: ...


class Received(Headed, Protocol):
    """What is told of one that came."""

    @property
    def subject(self) -> str: ...
    @property
    def purchase_id(self) -> str | None: ...


def created(trace: str | None, subject: str, message_id: str, correlation_id: str) -> str | None:
    """The context that a new message carries: of a span of its own where its trace is recorded."""
    if not spans.is_recorded(trace):
        return trace
    about = _about(subject, "create", message_id, correlation_id)
    span = spans.Span(f"create {subject}", trace, SpanKind.PRODUCER, about)
    span.end()
    return span.context


def sending(messages: Sequence[Outgoing]) -> AbstractContextManager[Sent]:
    """Around the publishing of a batch; what it yields is told which of them the stream has stored."""
    if not spans.is_on() or not any(is_sampled(each.traceparent) for each in messages):
        return _UNTOLD
    return _sending(messages)


_UNTOLD: AbstractContextManager[Sent] = nullcontext(lambda _: None)


@contextmanager
def _sending(messages: Sequence[Outgoing]) -> Iterator[Sent]:
    begun = {
        place: spans.Span(
            f"send {each.subject}",
            each.traceparent,
            SpanKind.CLIENT,
            _about(each.subject, "send", each.message_id, each.correlation_id),
        )
        for place, each in enumerate(messages)
        if is_sampled(each.traceparent)
    }

    def sent(stored: Sequence[bool]) -> None:
        for place, span in begun.items():
            if not stored[place]:
                span.fail("not_stored")

    try:
        yield sent
    except BaseException as error:
        for span in begun.values():
            span.fail(type(error).__name__)
        raise
    finally:
        for span in begun.values():
            span.end()


def processing(durable: str, received: Sequence[Received]) -> AbstractContextManager[None]:
    """Around the handling of a batch. Alone, a message also says to which trace and purchase logs belong."""
    if spans.is_on():
        traces = [each.header("traceparent") for each in received]
        if any(map(is_sampled, traces)):
            return _processing(durable, received, traces)
    return concerning(received[0]) if len(received) == 1 else spans.NOTHING


@contextmanager
def _processing(durable: str, received: Sequence[Received], traces: Sequence[str | None]) -> Iterator[None]:
    def named(place: int) -> tuple[str, spans.Attributes]:
        each = received[place]
        name, about = each.header("Nats-Msg-Id") or "", each.header("Correlation-Id") or ""
        told = _about(each.subject, "process", name, about)
        return f"process {each.subject}", told | {GROUP: durable, COUNT: len(received)}

    alone = concerning(received[0]) if len(received) == 1 else spans.NOTHING
    with alone, spans.shared(traces, named, SpanKind.CONSUMER) as contexts:
        names = (each.header("Nats-Msg-Id") or "" for each in received)
        token = _PROCESSED.set(dict(zip(names, contexts, strict=True)))
        try:
            yield
        finally:
            _PROCESSED.reset(token)


def trace_of(received: Headed) -> str | None:
    """What is said about it goes on from here: from its being processed, or else from its being created."""
    processed = _PROCESSED.get()
    created_in = received.header("traceparent")
    return (
        created_in if processed is None else processed.get(received.header("Nats-Msg-Id") or "", created_in)
    )


def concerning(received: Received) -> AbstractContextManager[None]:
    """What is logged meanwhile is about this message."""
    return context.within(received.header("traceparent"), received.purchase_id)


def _about(subject: str, operation: str, message_id: str, correlation_id: str) -> dict[str, str | int]:
    return {
        SYSTEM: "nats",
        OPERATION: operation,
        TYPE: operation,
        DESTINATION: subject,
        MESSAGE: message_id,
        CONVERSATION: correlation_id,
    }
