"""Questions over the real broker, to replicas whose answers the test decides; what `nats micro` would see."""

import asyncio
import time

import pytest

from common.contracts.product import Check, ProductCheck
from common.messaging import answers
from common.messaging.answers import AT_ONCE
from common.messaging.requests import Unavailable
from common.telemetry import context
from common.telemetry.edge import entered
from tests.integration.requests.wire import QUESTION, YES, Bench, Gate, Handler, Replica
from tests.servers import Servers
from tests.support import eventually


async def test_every_replica_answers_ping_info_and_stats_in_the_shape_of_the_services_api(
    bench: Bench,
) -> None:
    first, second = await bench.start(), await bench.start()
    ids = {replica.service.identity.id for replica in (first, second)}
    for subject in ("$SRV.PING", "$SRV.PING.product"):
        pings = await bench.survey(subject, enough=2)
        assert {ping["id"] for ping in pings} == ids
        assert {ping["type"] for ping in pings} == {"io.nats.micro.v1.ping_response"}
        assert all(ping["metadata"]["role"] == "all" for ping in pings)
    [info] = await bench.survey(f"$SRV.INFO.product.{min(ids)}", enough=1)
    assert (info["type"], info["name"], info["version"]) == (
        "io.nats.micro.v1.info_response",
        "product",
        "1.2.3",
    )
    assert {(each["subject"], each["queue_group"]) for each in info["endpoints"]} == {
        ("product.check", "q"),
        ("product.health", ""),
        ("product.info", ""),
    }
    await bench.requests.ask(QUESTION)
    [stats] = await bench.survey("$SRV.STATS.product", enough=1)
    assert stats["type"] == "io.nats.micro.v1.stats_response"
    assert stats["started"].endswith("Z")
    assert {"num_requests", "num_errors", "average_processing_time"} <= stats["endpoints"][0].keys()


async def test_health_and_info_come_from_every_replica_for_itself(bench: Bench) -> None:
    ids = {(await bench.start()).service.identity.id for _ in range(2)}
    for subject in ("product.health", "product.info"):
        told = await bench.survey(subject, enough=2)
        assert {each["id"] for each in told} == ids
    assert {each["replica"] for each in told} == {"here:0", "here:1"}


async def test_questions_are_balanced_over_the_replicas(bench: Bench) -> None:
    first, second = await bench.start(), await bench.start()
    for _ in range(60):
        assert await bench.requests.ask(QUESTION) == YES
    assert first.heard + second.heard == 60
    assert min(first.heard, second.heard) > 0


async def test_the_trace_of_the_asker_goes_on_where_it_is_answered(bench: Bench) -> None:
    seen: list[str | None] = []

    async def note(_: ProductCheck) -> Check:
        seen.append(context.trace_id())
        return YES

    await bench.start(note)
    with entered(None, "GET /", {}):
        await bench.requests.ask(QUESTION)
        assert seen == [context.trace_id()]


# -- nobody there, or no longer


async def test_where_nobody_answers_the_asker_knows_at_once(bench: Bench) -> None:
    began = time.monotonic()
    with pytest.raises(Unavailable, match=r"nobody answers product\.check"):
        await bench.requests.ask(QUESTION, timeout=60)
    assert time.monotonic() - began < 15, "half of it is waited for an answer"


async def test_a_replica_that_dies_with_the_question_is_replaced_within_the_timeout(bench: Bench) -> None:
    """Of two, whichever is asked first, at that very moment."""
    dead: list[Replica] = []

    def mortal(number: int) -> Handler:
        async def die_if_first(_: ProductCheck) -> Check:
            if not dead:
                dead.append(bench.replicas[number])
                dead[0].cut_off()
                await asyncio.Event().wait()
            return YES

        return die_if_first

    for number in range(2):
        await bench.start(mortal(number))
    assert await bench.requests.ask(QUESTION, timeout=4.0) == YES
    assert len(dead) == 1


async def test_a_replica_that_stops_answers_what_it_has_and_is_asked_no_more(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answers, "SECONDS", 60.0)  # it may stop slowly
    gate = Gate()
    replica = await bench.start(gate)
    asking = [asyncio.ensure_future(bench.requests.ask(QUESTION)) for _ in range(20)]
    await eventually(lambda: gate.at_once == AT_ONCE)
    await (await bench.requests.broker.ready()).flush()  # the broker has handed over all of them
    stopping = asyncio.ensure_future(replica.service.stop())

    async def left() -> bool:
        return not await bench.survey("$SRV.PING.product", enough=1)

    await eventually(left)
    with pytest.raises(Unavailable):
        await bench.requests.ask(QUESTION)
    gate.open.set()
    assert await asyncio.gather(*asking) == [YES] * 20
    await stopping


async def test_after_an_outage_of_the_broker_it_is_asked_again(bench: Bench, servers: Servers) -> None:
    replica = await bench.start()
    await asyncio.to_thread(servers.stop_process, "nats")
    await eventually(lambda: bench.requests.broker.up is False)
    with pytest.raises(Unavailable, match="away"):
        await bench.requests.ask(QUESTION, timeout=30)
    await asyncio.to_thread(servers.start_process, "nats")
    await eventually(lambda: bench.requests.broker.up and replica.broker.up)
    assert await bench.requests.ask(QUESTION) == YES
