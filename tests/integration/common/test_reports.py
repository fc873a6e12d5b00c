"""An error reaches whoever collects them, with where it happened and nothing that was in hand there."""

import json
import logging
from collections.abc import Iterator

import pytest

from common.telemetry import context
from common.telemetry.reports import Dsn, Reporter, report_errors
from common.telemetry.who import Who
from tests.otlp import Collector
from tests.support import eventually, free_port

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
WHO = Who("order", "1.2.3", "host:1")


@pytest.fixture
def collector() -> Iterator[Collector]:
    made = Collector()
    yield made
    made.close()


@pytest.fixture
def log(collector: Collector) -> Iterator[logging.Logger]:
    """What a service's own logger is, with the reporter of that collector."""
    made = logging.getLogger("order.tests")
    reporter = Reporter(Dsn.read(collector.dsn), WHO)
    made.addHandler(reporter)
    yield made
    made.removeHandler(reporter)
    reporter.close()


def fail(password: str) -> None:
    secret_in_hand = {"password": password}
    try:
        secret_in_hand["amount"]
    except KeyError as error:
        raise ValueError(f"{len(secret_in_hand)} fields") from error


async def test_an_error_is_reported_with_its_causes_and_its_place(
    collector: Collector, log: logging.Logger
) -> None:
    with context.within(TRACE, "p1"):
        try:
            fail("canary")
        except ValueError:
            log.exception("cannot handle %s", "cmd.order.create_order")
    [envelope] = await eventually(lambda: collector.reports)
    head, kind, event = map(json.loads, envelope.splitlines())
    assert kind == {"type": "event"}
    assert head["event_id"] == event["event_id"]
    assert (event["level"], event["logger"], event["release"]) == ("error", "order.tests", "shop@1.2.3")
    assert event["tags"] == {"service": "order", "purchase_id": "p1"}
    assert event["contexts"]["trace"]["trace_id"] == "4bf92f3577b34da6a3ce929d0e0e4736"
    assert event["logentry"]["formatted"] == "cannot handle cmd.order.create_order"
    cause, raised = event["exception"]["values"]
    assert (cause["type"], raised["type"], raised["value"]) == ("KeyError", "ValueError", "1 fields")
    assert raised["stacktrace"]["frames"][-1]["function"] == "fail"
    assert raised["stacktrace"]["frames"][-1]["in_app"]
    assert "canary" not in envelope


async def test_the_same_fault_is_reported_once_and_a_warning_never(
    collector: Collector, log: logging.Logger
) -> None:
    log.warning("late")
    for number in range(20):
        log.error("again: %d", number)
    log.error("another")
    await eventually(lambda: len(collector.reports) == 2)
    assert "again: 0" in collector.reports[0]


async def test_a_collector_that_is_away_holds_nobody_up(caplog: pytest.LogCaptureFixture) -> None:
    reporter = Reporter(Dsn.read(f"http://key@127.0.0.1:{free_port()}/1"), WHO)
    log = logging.getLogger("order.tests")
    log.addHandler(reporter)
    try:
        log.error("nobody hears this")
        await eventually(lambda: "error reports are lost" in caplog.text)
    finally:
        log.removeHandler(reporter)
        reporter.close()


def test_without_a_dsn_nothing_is_reported_and_a_wrong_one_is_refused() -> None:
    before = logging.getLogger().handlers[:]
    report_errors("", WHO)
    assert logging.getLogger().handlers == before
    for wrong in ("ftp://key@host/1", "https://host/1", "https://key@host/", "nonsense"):
        with pytest.raises(ValueError, match="an error DSN reads"):
            Dsn.read(wrong)
    assert Dsn.read("https://key@host:9000/a/7") == Dsn(True, "host:9000", "/a/api/7/envelope/", "key")
