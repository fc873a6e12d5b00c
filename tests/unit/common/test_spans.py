"""What is recorded of a batch, of a failure, and when nobody takes it."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from common.postgres.traced import Done, placed, summary
from common.telemetry import context, messages, spans
from common.telemetry.recording import LONGEST_TEXT, Patient

ONE, TWO, OTHER = (f"00-{number:032x}-{number:016x}-0{flag}" for number, flag in ((1, 1), (2, 1), (3, 0)))


@dataclass
class Message:
    """As a consumer hands it on."""

    trace: str | None
    name: str
    subject: str = "cmd.order.create_order"
    purchase_id: str | None = "p"
    headers: dict[str, str] = field(default_factory=dict)

    def header(self, name: str) -> str | None:
        return {"traceparent": self.trace, "Nats-Msg-Id": self.name, "Correlation-Id": self.purchase_id}.get(
            name
        )


def of(span: ReadableSpan) -> int:
    assert span.parent is not None
    return span.parent.span_id


def linked(span: ReadableSpan) -> list[int]:
    return [link.context.span_id for link in span.links]


def test_each_message_of_a_batch_has_a_span_in_its_own_trace_and_the_work_is_linked(
    recorded: InMemorySpanExporter,
) -> None:
    batch = [Message(ONE, "a"), Message(OTHER, "b"), Message(TWO, "c"), Message(None, "d")]
    with messages.processing("order", batch):
        with spans.span("SELECT orders", {}):
            pass
        going_on = [messages.trace_of(each) for each in batch]
    [work, first, second] = recorded.get_finished_spans()
    assert [of(first), of(second)] == [1, 2]
    assert first.context
    assert second.context
    assert of(work) == first.context.span_id
    assert (linked(first), linked(second)) == ([2], [first.context.span_id])
    assert going_on[1] == OTHER
    assert going_on[3] is None
    assert going_on[0] == context.written(first.context)
    assert going_on[2] == context.written(second.context)
    assert context.traceparent() is None


def test_logs_of_a_message_that_is_alone_belong_to_its_purchase() -> None:
    with messages.processing("order", [Message(OTHER, "a")]):
        assert (context.traceparent(), context.purchase_id()) == (OTHER, "p")
    with messages.processing("order", [Message(OTHER, "a"), Message(OTHER, "b")]):
        assert (context.traceparent(), context.purchase_id()) == (None, None)


def test_a_failure_is_told_by_its_kind_and_not_by_its_words(recorded: InMemorySpanExporter) -> None:
    with pytest.raises(ValueError, match="ada"), messages.processing("order", [Message(ONE, "a")]):
        raise ValueError("ada@example.com")
    [span] = recorded.get_finished_spans()
    assert span.attributes
    assert span.attributes["error.type"] == "ValueError"
    assert not span.status.is_ok
    assert "ada" not in span.to_json()


def test_what_is_told_has_an_end_whoever_wrote_it(recorded: InMemorySpanExporter) -> None:
    messages.created(ONE, "evt.x.y", "m" * 10_000, "c")
    [span] = recorded.get_finished_spans()
    assert span.attributes
    assert span.attributes["messaging.message.id"] == "m" * LONGEST_TEXT


def test_a_word_is_created_in_one_place_and_sent_beside_it(recorded: InMemorySpanExporter) -> None:
    trace = messages.created(ONE, "evt.x.y", "m", "c")
    assert trace != ONE
    assert messages.created(OTHER, "evt.x.y", "m", "c") is OTHER

    @dataclass
    class Out:
        traceparent: str | None
        message_id: str = "m"
        subject: str = "evt.x.y"
        correlation_id: str = "c"

    with messages.sending([Out(OTHER), Out(trace)]) as sent:
        sent([True, False])
    created, send = recorded.get_finished_spans()
    assert created.context
    assert of(created) == 1
    assert of(send) == created.context.span_id
    assert send.attributes
    assert send.attributes["error.type"] == "not_stored"


@pytest.mark.parametrize(
    ("statement", "name"),
    [
        ("\nINSERT INTO outbox (a) SELECT * FROM unnest($1::text[])", "INSERT outbox"),
        ("WITH news AS (SELECT * FROM unnest($1)) INSERT INTO account_feed SELECT 1", "INSERT account_feed"),
        ("SELECT id FROM purchases WHERE id = $1 FOR UPDATE SKIP LOCKED", "SELECT purchases"),
        ("INSERT INTO a VALUES (1) ON CONFLICT DO UPDATE SET b = 1", "INSERT a"),
        ("BEGIN;", "BEGIN"),
        ("SELECT 1", "SELECT"),
    ],
)
def test_a_statement_is_called_by_what_it_does(statement: str, name: str) -> None:
    assert summary(statement) == name


def test_a_statement_that_was_told_of_late_ended_before_the_next_began() -> None:
    begin, insert = Done(150, 10, "BEGIN", None), Done(151, 30, "INSERT", None)
    assert placed([begin, insert], limit=140) == [(100, begin), (110, insert)]
    assert placed([begin], limit=200) == [(140, begin)]


class Moody(SpanExporter):
    """Takes nothing, until it does."""

    def __init__(self) -> None:
        self.says = SpanExportResult.FAILURE

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        return self.says


def test_a_collector_that_is_away_is_told_of_once(caplog: pytest.LogCaptureFixture) -> None:
    moody = Moody()
    patient = Patient(moody, "http://collector")
    with caplog.at_level(logging.INFO):
        for _ in range(3):
            patient.export([])
        moody.says = SpanExportResult.SUCCESS
        for _ in range(3):
            patient.export([])
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]
