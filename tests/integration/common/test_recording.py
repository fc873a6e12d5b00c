"""Spans reach a collector; one that is away, or hangs, costs spans and nothing else."""

import socket
import time
from collections.abc import Callable, Iterator

import pytest

from common.telemetry import context, edge, recording, spans
from common.telemetry.recording import QUEUE, SEND_SECONDS, TOGETHER, Where, record
from common.telemetry.spans import span
from common.telemetry.who import Who
from tests.otlp import Caller, Collector
from tests.support import free_port

WHO = Who("order", "1.2.3", "host:1")


@pytest.fixture(autouse=True)
def nothing_stays() -> Iterator[None]:
    yield
    spans.record_with(None)
    edge.admit(0.0)


@pytest.fixture
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """The end waits for a collector that is slow."""
    monkeypatch.setattr(recording, "FLUSH_SECONDS", 30.0)


def work(caller: Caller, times: int) -> None:
    with edge.entered(caller.headers["traceparent"], "GET /x", {}):
        for _ in range(times):
            with span("SELECT orders", {}):
                pass


def took(end: Callable[[], None]) -> float:
    began = time.monotonic()
    end()
    return time.monotonic() - began


@pytest.mark.usefixtures("unhurried")
def test_what_is_left_is_sent_at_the_end() -> None:
    collector, caller = Collector(), Caller()
    end = record(Where(collector.endpoint, 0.0), WHO)
    work(caller, 3)
    end()
    found = collector.of(caller.trace_id)
    collector.close()
    assert sorted(each.name for each in found) == ["GET /x", *["SELECT orders"] * 3]
    assert {each.service for each in found} == {"order"}
    [root] = [each for each in found if each.parent_id == caller.span_id]
    assert {each.parent_id for each in found} == {caller.span_id, root.span_id}


@pytest.mark.usefixtures("unhurried")
def test_a_share_of_those_who_do_not_ask_is_recorded() -> None:
    collector = Collector()
    end = record(Where(collector.endpoint, 1.0), WHO)
    with edge.entered(None, "GET /x", {}):
        trace = context.trace_id()
    end()
    collector.close()
    assert [each.name for each in collector.of(trace or "")] == ["GET /x"]


def test_a_collector_that_is_away_is_not_waited_for() -> None:
    """More than the queue holds, and a stop. To try all of it would take half a minute."""
    end = record(Where(f"http://127.0.0.1:{free_port()}", 0.0), WHO)
    work(Caller(), 2 * QUEUE)
    assert took(end) < 2 * SEND_SECONDS


def test_a_collector_that_hangs_does_not_hold_up_the_end() -> None:
    """It takes the connection and says nothing. To try all of it would take four times SEND_SECONDS."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        end = record(Where(f"http://127.0.0.1:{silent.getsockname()[1]}", 0.0), WHO)
        work(Caller(), 3 * TOGETHER)
        assert took(end) < 2 * SEND_SECONDS
