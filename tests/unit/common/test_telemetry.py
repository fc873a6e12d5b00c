"""Where a trace begins, and what it costs when nobody records it."""

import time

import pytest

from common.contracts.message import Message
from common.messaging.outbox import as_outgoing
from common.telemetry import context, messages, spans
from common.telemetry.edge import ASKED_PER_SECOND, Admission, entered

HEADER = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def test_a_callers_trace_goes_on_as_it_came_where_nobody_records_it() -> None:
    with entered(HEADER, "GET /", {}) as span:
        assert span is None
        assert context.traceparent() == HEADER
        assert context.trace_id() == "4bf92f3577b34da6a3ce929d0e0e4736"
    assert context.traceparent() is None


def test_a_missing_or_malformed_header_starts_a_new_trace() -> None:
    seen = set()
    for header in (None, "", "nonsense", "00-0-0-00", HEADER.upper() + "x"):
        with entered(header, "GET /", {}):
            seen.add(context.trace_id())
            assert not context.is_sampled(context.traceparent())
    assert len(seen) == 5
    assert "4bf92f3577b34da6a3ce929d0e0e4736" not in seen


def test_nothing_is_made_for_a_trace_that_nobody_records() -> None:
    """The same shared nothing every time, whatever is asked; and words carry what they came with."""
    shared = spans.NOTHING
    assert spans.span("SELECT", {}, of=HEADER) is shared
    assert spans.aside("deliver", {}, of=HEADER) is shared
    assert messages.processing("order", []) is shared
    assert messages.sending([]) is messages.sending([])
    assert messages.created(HEADER, "evt.x.y", "1", "2") is HEADER


def test_whoever_asks_for_a_trace_gets_some_and_chance_decides_about_the_others() -> None:
    asking, silent = context.read(HEADER), context.read(HEADER[:-1] + "0")
    began = time.monotonic()
    never = Admission(0.0)
    admitted = [never.admits(asking) for _ in range(30)].count(True)
    assert ASKED_PER_SECOND <= admitted <= ASKED_PER_SECOND * (1 + time.monotonic() - began)
    assert not any(never.admits(context.read(None)) for _ in range(30))
    always = Admission(1.0)
    assert all(always.admits(asking) for _ in range(30))
    assert always.admits(context.read(None))
    assert not always.admits(silent)


@pytest.mark.parametrize(
    ("trace", "is_sampled"),
    [(HEADER, True), (HEADER[:-1] + "0", False), (HEADER[:-1] + "3", True), (None, False)],
)
def test_the_last_bit_of_a_context_says_whether_it_is_recorded(trace: str | None, is_sampled: bool) -> None:
    assert context.is_sampled(trace) is is_sampled


def test_a_context_is_read_as_it_is_written() -> None:
    assert context.written(context.read(HEADER)) == HEADER


class Told(Message, frozen=True, kw_only=True, tag="evt.test.told"):
    about: str

    @property
    def id(self) -> str:
        return f"evt.test.told:{self.about}"

    @property
    def correlation_id(self) -> str:
        return self.about


def test_a_word_goes_on_in_the_trace_of_what_it_follows_from_or_is_about() -> None:
    traces = {"first": "trace 1", "second": "trace 2"}
    with context.within("current"):
        assert as_outgoing(Told(about="tea", cause_id="second"), traces).traceparent == "trace 2"
        assert as_outgoing(Told(about="first"), traces).traceparent == "trace 1"
        assert as_outgoing(Told(about="tea")).traceparent == "current"


def test_what_is_said_about_a_batch_belongs_to_the_trace_of_one_alone() -> None:
    """A product's stock after a hundred purchases: it tells nothing about one of them."""
    with context.within("current"):
        assert as_outgoing(Told(about="tea"), {"one": "trace"}).traceparent == "current"
        assert as_outgoing(Told(about="tea"), {"first": "trace 1", "second": "trace 2"}).traceparent is None
