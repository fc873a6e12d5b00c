"""Spans: what is done for a trace that is recorded, and how long it takes.

Where no trace is recorded, which is the rule, each of these is a comparison. A span tells what was done and
never with which values: no parameter, body, path or text of an error may say who somebody is.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar

from opentelemetry.context import Context
from opentelemetry.trace import Link, NonRecordingSpan, Span, SpanKind, Tracer, set_span_in_context
from opentelemetry.trace.status import Status, StatusCode

from common.telemetry import context
from common.telemetry.context import is_sampled, parsed, written

NOTHING: AbstractContextManager[None] = nullcontext()

Attributes = Mapping[str, str | int | float | bool]

_SPAN: ContextVar[Span | None] = ContextVar("span", default=None)
_tracer: Tracer | None = None


def record_with(tracer: Tracer | None) -> None:
    """From now on in this process; None: nothing."""
    global _tracer  # noqa: PLW0603  # a process has one, from its start to its end
    _tracer = tracer


def is_on() -> bool:
    return _tracer is not None


def is_recorded(trace: str | None) -> bool:
    """Whether this process records what belongs to this trace."""
    return _tracer is not None and is_sampled(trace)


def begin(
    name: str,
    of: str | None,
    kind: SpanKind,
    attributes: Attributes,
    *,
    linked: Sequence[str] = (),
    at: int | None = None,
) -> Span:
    """A child of `of`, or the root of a new trace; its caller ends it. `at`: nanoseconds since the epoch."""
    assert _tracer is not None, "asked first"
    parent = set_span_in_context(NonRecordingSpan(parsed(of)), Context()) if of else Context()
    links = [Link(parsed(each)) for each in linked]
    return _tracer.start_span(name, parent, kind, attributes, links, at)


def span(
    name: str,
    attributes: Attributes,
    *,
    of: str | None = None,
    kind: SpanKind = SpanKind.CLIENT,
) -> AbstractContextManager[Span | None]:
    """Around one thing that is done: of the trace `of`, or of what is being done now."""
    parent = of or context.traceparent()
    return during(begin(name, parent, kind, attributes)) if is_recorded(parent) else NOTHING


@contextmanager
def during(current: Span, others: Sequence[Span] = (), purchase: str | None = None) -> Iterator[Span]:
    """What is done now is done for it; the others share its time and its fate."""
    token = _SPAN.set(current)
    try:
        with context.within(written(current.get_span_context()), purchase):
            yield current
    except BaseException as error:
        for each in (current, *others):
            failed(each, type(error).__name__)
        raise
    finally:
        _SPAN.reset(token)
        for each in (current, *others):
            each.end()


def aside(
    name: str, attributes: Attributes, *, of: str | None, kind: SpanKind = SpanKind.INTERNAL
) -> AbstractContextManager[object]:
    """Like `span`, for a generator: what goes on meanwhile is none of its business."""
    return _aside(name, attributes, of, kind) if is_recorded(of) else NOTHING


@contextmanager
def _aside(name: str, attributes: Attributes, of: str | None, kind: SpanKind) -> Iterator[None]:
    current = begin(name, of, kind, attributes)
    try:
        yield
    except BaseException as error:
        failed(current, type(error).__name__)
        raise
    finally:
        current.end()


def shared(
    traces: Sequence[str | None], named: Callable[[int], tuple[str, Attributes]], kind: SpanKind
) -> AbstractContextManager[Sequence[str | None]]:
    """Around what is done once for many: yields the context of each, its own span's where it is recorded.

    Each trace has a span of its own. What is done meanwhile, the statements, is found under the first one's,
    to which the others are linked, and which is linked to what the others came from.
    """
    if _tracer is None or not any(map(is_sampled, traces)):
        return nullcontext(traces)
    return _sharing(traces, named, kind)


@contextmanager
def _sharing(
    traces: Sequence[str | None], named: Callable[[int], tuple[str, Attributes]], kind: SpanKind
) -> Iterator[Sequence[str | None]]:
    first, *others = (place for place, trace in enumerate(traces) if is_sampled(trace))
    name, attributes = named(first)
    linked = [str(traces[place]) for place in others]
    main = begin(name, traces[first], kind, attributes, linked=linked)
    link = written(main.get_span_context())
    spans = {first: main}
    for place in others:
        name, attributes = named(place)
        spans[place] = begin(name, traces[place], kind, attributes, linked=[link])
    with during(main, [spans[place] for place in others]):
        yield [
            written(spans[place].get_span_context()) if place in spans else trace
            for place, trace in enumerate(traces)
        ]


def note(name: str, value: str | int) -> None:
    """Something more about what is being done now."""
    current = _SPAN.get() if _tracer is not None else None
    if current is not None and current.is_recording():
        current.set_attribute(name, value)


def end_of_current() -> Callable[[], int | None]:
    """Asks later when what is being done now was over; None while it is not."""
    current = _SPAN.get()
    return lambda: getattr(current, "end_time", None)


def failed(current: Span, why: str) -> None:
    """`why` is the name of a kind of error, never what the error says."""
    current.set_attribute("error.type", why)
    current.set_status(Status(StatusCode.ERROR))
