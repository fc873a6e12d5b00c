"""Counting without a lock, requests by route, and the ways of messages."""

import asyncio
import contextlib
import time
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client import Counter as TheirCounter
from prometheus_client import Histogram as TheirHistogram
from prometheus_client.registry import Collector

from common.messaging.measures import Lag, Measures
from common.messaging.paths import HEADER, MOST_HOPS, MOST_KEPT, Paths, hops
from common.messaging.publisher import Outgoing
from common.metrics.http import HttpMeasures, Measured
from common.metrics.instruments import SECONDS, Counter, Histogram
from common.metrics.process import ProcessMeasures
from tests.support import eventually

WORD, ANSWER = "cmd.order.create_order", "evt.order.order_created"


def page(*collectors: Collector) -> str:
    registry = CollectorRegistry()
    for each in collectors:
        registry.register(each)
    lines = generate_latest(registry).decode().splitlines()
    return "\n".join(line for line in lines if "_created" not in line)


def test_a_page_of_ours_is_what_prometheus_own_library_would_show() -> None:
    registry = CollectorRegistry()
    theirs = TheirHistogram("took_seconds", "It.", ["who"], buckets=SECONDS, registry=registry)
    counted = TheirCounter("done", "It.", ["who"], registry=registry)
    mine, done = Histogram("took_seconds", "It.", ["who"]), Counter("done", "It.", ["who"])
    for value in (0.0, 0.001, 0.0011, 0.3, 30.0, 61.0):
        theirs.labels("ann").observe(value)
        mine.of("ann").observe(value)
    theirs.labels("bob").observe(0.2)
    theirs.labels("bob").observe(0.2)
    mine.of("bob").observe(0.2, times=2)
    counted.labels("ann").inc(3)
    done.of("ann").add(3)
    assert page(mine, done).splitlines() == [
        line for line in generate_latest(registry).decode().splitlines() if "_created" not in line
    ]


def test_what_clocks_that_differ_make_negative_took_no_time() -> None:
    seen = Histogram("took_seconds", "It.").of()
    seen.observe(-5.0)
    assert (seen.sum, seen.counts[0]) == (0.0, 1)


@dataclass
class Shown:
    measures: list[Collector] = field(default_factory=list)

    def add(self, *measured: Collector) -> None:
        self.measures += measured


async def asked(app: Any, method: str = "GET") -> str:
    shown = Shown()

    async def nobody() -> Any:
        raise NotImplementedError

    async def send(_message: Any) -> None: ...

    measured = Measured(app, shown)
    scope: Any = {"type": "http", "method": method, "path": "/orders/1234"}
    with contextlib.suppress(ZeroDivisionError):
        await measured(scope, nobody, send)
    [measures] = shown.measures
    assert isinstance(measures, HttpMeasures)
    assert measures.active == 0
    return page(measures)


async def answers(scope: Any, _receive: Any, send: Any) -> None:
    scope["path_template"] = "/orders/{order_id}"
    await send({"type": "http.response.start", "status": 404, "headers": []})
    await send({"type": "http.response.body", "body": b"a" * 70, "more_body": True})
    await send({"type": "http.response.body", "body": b"b" * 10})


async def test_a_request_is_counted_by_its_route_and_never_by_its_path() -> None:
    text = await asked(answers)
    labels = 'http_request_method="GET",http_response_status_class="4xx",http_route="/orders/{order_id}"'
    assert f"http_server_request_duration_seconds_count{{{labels}}} 1.0" in text
    assert f"http_server_response_body_size_bytes_sum{{{labels}}} 80.0" in text
    assert "1234" not in text


async def test_a_method_that_somebody_made_up_is_no_label() -> None:
    text = await asked(answers, "BREW")
    assert "BREW" not in text
    assert 'http_request_method="_OTHER"' in text


async def test_a_request_that_nobody_answered_was_the_servers_fault() -> None:
    async def fails(_scope: Any, _receive: Any, _send: Any) -> None:
        raise ZeroDivisionError

    assert 'http_response_status_class="5xx",http_route=""} 1.0' in await asked(fails)


@dataclass
class Came:
    """A delivery."""

    subject: str
    headers: dict[str, str]
    stored: float = 1000.5
    arrived: float = 1000.75
    deliveries: int = 1
    pending: str = "7"


def hear(paths: Paths, came: Came, consumer: str, began: float) -> None:
    hearing = paths.to(consumer, came.subject)
    assert hearing is not None
    hearing.heard(came, began)


def leaving(message_id: str, cause: str | None, said: float, subject: str = ANSWER) -> Outgoing:
    return Outgoing(message_id, subject, b"", "p", cause, None, said)


def test_a_way_of_three_hops_is_told_as_it_was() -> None:
    here, there = Paths(), Paths()
    header = here.onward(leaving("a", None, 1000.0, WORD))
    hear(there, Came(WORD, {HEADER: header, "Nats-Msg-Id": "a"}), "order", 1001.0)
    onward = there.onward(leaving("b", "a", 1003.0))
    came = Came(ANSWER, {HEADER: onward, "Nats-Msg-Id": "b"}, stored=1003.25, arrived=1003.5)
    hear(here, came, "purchase", 1004.0)
    first, second = hops(here.of("b"))
    assert (first.subject, first.consumer, first.said.timestamp()) == (WORD, "order", 1000.0)
    assert first[3:] == tuple(timedelta(seconds=each) for each in (0.5, 0.25, 0.25))
    assert (second.subject, second.consumer, second.said.timestamp()) == (ANSWER, "purchase", 1003.0)
    assert second.began.timestamp() == 1004.0


def test_a_way_goes_on_with_its_last_hops_only() -> None:
    paths, header = Paths(), ""
    for number in range(10):
        cause = str(number - 1) if number else None
        header = paths.onward(leaving(str(number), cause, 1000.0 + number, WORD))
        hear(paths, Came(WORD, {HEADER: header, "Nats-Msg-Id": str(number)}), "order", 1000.0 + number)
    assert len(list(hops(paths.of("9")))) == MOST_HOPS + 1
    assert len(header) < 300


def test_what_the_arbiter_knows_is_not_told_again() -> None:
    """It has heard this answer, too, with all that came before, and what it says it knows by itself."""
    header = f"{WORD},order,1,1,1,1;5"
    saga, arbiter = Paths(), Paths()
    for paths, consumer in ((saga, "orchestrator"), (arbiter, "purchase")):
        hear(paths, Came(ANSWER, {HEADER: header, "Nats-Msg-Id": "a"}), consumer, 1001.0)
    assert [hop.subject for hop in hops(saga.of("a"))] == [ANSWER]
    assert [hop.subject for hop in hops(arbiter.of("a"))] == [WORD, ANSWER]
    assert arbiter.onward(leaving("b", "a", 1003.0, "evt.purchase.completed")) == "1003000000"


@pytest.mark.parametrize(
    "header", ["", "x", "1;", "a\0b;5", "ä;5", "x" * 1000 + ";5", "a\r\nb;5", ";;;;-1", "1e9", "²"]
)
def test_what_is_no_way_is_not_believed_and_harms_nobody(header: str) -> None:
    paths = Paths()
    hear(paths, Came(WORD, {HEADER: header, "Nats-Msg-Id": "a"}), "order", 1001.0)
    assert paths.of("a") == ""
    assert paths.onward(leaving("b", "a", 1003.0)) == "1003000000"


def test_a_forged_trail_becomes_no_hop() -> None:
    assert list(hops("a,b,c,d,e,f;x;1,2,3;cmd.x,y,1,2,3,-4;;")) == []


def test_hardly_anything_is_kept_of_what_nobody_answers() -> None:
    paths = Paths()
    for number in range(MOST_KEPT + 5):
        hear(paths, Came(WORD, {HEADER: "1", "Nats-Msg-Id": str(number)}), "order", 1001.0)
    assert paths.of("0") == ""
    assert paths.of(str(MOST_KEPT + 4))


def test_a_subject_that_no_contract_has_is_no_label_and_a_lag_tells_what_is_in_hand() -> None:
    measures = Measures(Paths())
    of_order = measures.of("order", lambda: Lag(0, 2, 900.0))
    batch = [Came(WORD, {}), Came("cmd.order.burn", {}), Came("cmd.order.x", {}, deliveries=2)]
    with of_order.holding(batch):
        of_order.received(batch)
        assert of_order.lag() == (7, 5, 900.0)
    of_order.handled(batch, 0.2)
    text = page(measures)
    assert 'shop_messages_received_total{consumer="order",subject="other"} 2.0' in text
    assert 'shop_messages_redelivered_total{consumer="order",subject="other"} 1.0' in text
    assert "burn" not in text
    assert 'dwell_seconds_count{consumer="order",stage="queue",subject="other"} 1.0' in text
    assert f'dwell_seconds_sum{{consumer="order",stage="stream",subject="{WORD}"}} 0.25' in text


def test_a_process_that_counts_nothing_sends_no_ways() -> None:
    paths = Paths()
    measures = Measures(paths)
    paths.is_on = measures.is_on = False
    of_order = measures.of("order", lambda: Lag(0, 0, None))
    of_order.received([Came(WORD, {HEADER: "1", "Nats-Msg-Id": "a"})])
    measures.published([leaving("b", "a", 1.0)], [True])
    assert paths.onward(leaving("b", "a", 1.0)) == ""
    assert "dwell_seconds_count" not in page(measures)


async def test_a_loop_that_is_kept_from_its_timers_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("common.metrics.process.BEAT_SECONDS", 0.001)
    process = ProcessMeasures(service_name="order")
    beating = asyncio.ensure_future(process.beat())
    await asyncio.sleep(0)
    asyncio.get_running_loop().call_soon(time.sleep, 0.06)
    await eventually(lambda: process.late.of().count)
    beating.cancel()
    assert process.late.of().sum > 0.05
    text = page(process)
    assert 'target_info{service_name="order"} 1.0' in text
    assert "process_cpu_seconds_total" in text
