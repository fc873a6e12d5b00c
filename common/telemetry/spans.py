"""Spans: what is done for a trace that is recorded, and how long it takes.

Where no trace is recorded, which is the rule, each of these is a comparison. A span tells what was done and
never with which values: no parameter, body, path or text of an error may say who somebody is.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar

from opentelemetry.trace import SpanKind

from common.telemetry import context
from common.telemetry.context import child, is_sampled

NOTHING: AbstractContextManager[None] = nullcontext()

Value = str | int | float | bool
Attributes = Mapping[str, Value]


class Span:
    """One thing that is done. What is known of it is kept, and told whole when it is over.

    The SDK's own costs seven times as much: it has a lock, for threads, and limits for what others may add.
    `of` is the context of its parent, None of a root; `context` is its own. Times: nanoseconds since 1970.
    """

    __slots__ = ("attributes", "began", "context", "ended", "is_failed", "kind", "linked", "name", "of")

    def __init__(
        self,
        name: str,
        of: str | None,
        kind: SpanKind,
        attributes: Attributes,
        *,
        linked: Sequence[str] = (),
        at: int | None = None,
    ) -> None:
        self.name = name
        self.of = of
        self.kind = kind
        self.attributes: dict[str, Value] = dict(attributes)
        self.linked = linked
        self.context = child(of)
        self.began = at or time.time_ns()
        self.ended: int | None = None
        self.is_failed = False

    def end(self, at: int | None = None) -> None:
        """Once."""
        self.ended = at or time.time_ns()
        if _tell is not None:
            _tell(self)

    def fail(self, why: str) -> None:
        """`why` is the name of a kind of error, never what the error says."""
        self.attributes["error.type"] = why
        self.is_failed = True


_SPAN: ContextVar[Span | None] = ContextVar("span", default=None)
_tell: Callable[[Span], None] | None = None


def record_with(tell: Callable[[Span], None] | None) -> None:
    """From now on in this process: who hears of what is over. None: nobody, and nothing is recorded."""
    global _tell  # noqa: PLW0603  # a process has one, from its start to its end
    _tell = tell


def is_on() -> bool:
    return _tell is not None


def is_recorded(trace: str | None) -> bool:
    """Whether this process records what belongs to this trace."""
    return _tell is not None and is_sampled(trace)


def span(
    name: str,
    attributes: Attributes,
    *,
    of: str | None = None,
    kind: SpanKind = SpanKind.CLIENT,
) -> AbstractContextManager[Span | None]:
    """Around one thing that is done: of the trace `of`, or of what is being done now."""
    parent = of or context.traceparent()
    return during(Span(name, parent, kind, attributes)) if is_recorded(parent) else NOTHING


@contextmanager
def during(current: Span, others: Sequence[Span] = (), purchase: str | None = None) -> Iterator[Span]:
    """What is done now is done for it; the others share its time and its fate."""
    token = _SPAN.set(current)
    try:
        with context.within(current.context, purchase):
            yield current
    except BaseException as error:
        for each in (current, *others):
            each.fail(type(error).__name__)
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
    current = Span(name, of, kind, attributes)
    try:
        yield
    except BaseException as error:
        current.fail(type(error).__name__)
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
    if _tell is None or not any(map(is_sampled, traces)):
        return nullcontext(traces)
    return _sharing(traces, named, kind)


@contextmanager
def _sharing(
    traces: Sequence[str | None], named: Callable[[int], tuple[str, Attributes]], kind: SpanKind
) -> Iterator[Sequence[str | None]]:
    first, *others = (place for place, trace in enumerate(traces) if is_sampled(trace))
    name, attributes = named(first)
    linked = [str(traces[place]) for place in others]
    main = Span(name, traces[first], kind, attributes, linked=linked)
    spans = {first: main}
    for place in others:
        name, attributes = named(place)
        spans[place] = Span(name, traces[place], kind, attributes, linked=[main.context])
    with during(main, [spans[place] for place in others]):
        yield [spans[place].context if place in spans else trace for place, trace in enumerate(traces)]


def note(name: str, value: str | int) -> None:
    """Something more about what is being done now."""
    current = _SPAN.get() if _tell is not None else None
    if current is not None and current.ended is None:
        current.attributes[name] = value


def end_of_current() -> Callable[[], int | None]:
    """Asks later when what is being done now was over; None while it is not."""
    current = _SPAN.get()
    return lambda: None if current is None else current.ended
