"""Questions over the real broker, to replicas whose answers the test decides; what `nats micro` would see."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

import nats
import pytest
from nats.aio.client import Client
from nats.aio.msg import Msg

from common import telemetry
from common.contracts.product import Check, ProductCheck, Wish
from common.contracts.request import MOST_BYTES
from common.ids import new_id
from common.messaging.answers import AT_ONCE, WAITING, answering
from common.messaging.broker import Broker, broker
from common.messaging.requests import Refused, Requests, Unavailable
from common.messaging.services import Identity, Service
from common.postgres.database import DatabaseAway
from tests.servers import Servers
from tests.support import eventually

QUESTION = ProductCheck(items=[Wish(product_id=new_id(), quantity=1)])
YES = Check(available=True, items=[])

Handler = Callable[[ProductCheck], Awaitable[Check]]


async def yes(_: ProductCheck) -> Check:
    return YES


@dataclass
class Replica:
    """A service that the test can stop gently, or cut off."""

    service: Service
    broker: Broker
    running: "asyncio.Future[None]"

    @property
    def heard(self) -> int:
        return self.service.endpoints[0].stats.num_requests

    def cut_off(self) -> None:
        """As the broker sees a killed process: the connection is gone, and does not come back."""
        self.running.cancel()
        assert self.broker.client is not None
        self.broker.client.options["allow_reconnect"] = False
        self.broker._closing = True
        self.broker.client._transport.close()  # type: ignore[union-attr]  # there is one while it is connected


@dataclass
class Bench:
    """Replicas, whoever asks them, and a plain client such as the `nats` tool."""

    url: str
    requests: Requests
    plain: Client
    until: AsyncExitStack
    replicas: list[Replica] = field(default_factory=list)

    async def start(self, handler: Handler = yes) -> Replica:
        connection = await self.until.enter_async_context(broker(self.url, "product"))
        identity = Identity(
            service="product",
            version="1.2.3",
            description="Owns the catalogue.",
            role="all",
            replica=f"here:{len(self.replicas)}",
        )
        service = Service(connection, identity, well, [answering(ProductCheck, handler)])
        replica = Replica(service, connection, asyncio.ensure_future(service.run()))
        self.replicas.append(replica)
        await self.listed(replica)
        return replica

    async def listed(self, replica: Replica) -> None:
        """Its endpoints stand before it can be found."""

        async def pinged() -> bool:
            identity = replica.service.identity
            return bool(await self.survey(f"$SRV.PING.product.{identity.id}", enough=1))

        await eventually(pinged)

    async def survey(self, subject: str, *, enough: int) -> list[Any]:
        heard = await self.requests.survey(subject, timeout=2.0, enough=enough)
        return [json.loads(each) for each in heard]

    async def wire(self, payload: bytes) -> Msg:
        return await self.plain.request("product.check", payload, timeout=3)


async def well() -> dict[str, Any]:
    return {"status": "ok", "checks": {}}


@pytest.fixture
async def bench(nats_url: str) -> AsyncIterator[Bench]:
    async with AsyncExitStack() as until:
        asking = await until.enter_async_context(broker(nats_url, "asker"))
        await asking.ready()
        plain = await nats.connect(nats_url)
        until.push_async_callback(plain.close)
        made = Bench(nats_url, Requests(asking), plain, until)
        yield made
        for replica in made.replicas:
            replica.running.cancel()
        await asyncio.gather(*(replica.running for replica in made.replicas), return_exceptions=True)


class Gate:
    """A handler that keeps its questions until it is opened; counts how many it has at once."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.at_once = self.most = 0

    async def __call__(self, _: ProductCheck) -> Check:
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        try:
            await self.open.wait()
        finally:
            self.at_once -= 1
        return YES


# -- finding and asking, as the tools do


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
        answers = await bench.survey(subject, enough=2)
        assert {each["id"] for each in answers} == ids
    assert {each["replica"] for each in answers} == {"here:0", "here:1"}


async def test_questions_are_balanced_over_the_replicas(bench: Bench) -> None:
    first, second = await bench.start(), await bench.start()
    for _ in range(60):
        assert await bench.requests.ask(QUESTION) == YES
    assert first.heard + second.heard == 60
    assert min(first.heard, second.heard) > 0


async def test_the_trace_of_the_asker_goes_on_where_it_is_answered(bench: Bench) -> None:
    seen: list[str | None] = []

    async def note(_: ProductCheck) -> Check:
        seen.append(telemetry.trace_id())
        return YES

    await bench.start(note)
    with telemetry.continued(None):
        await bench.requests.ask(QUESTION)
        assert seen == [telemetry.trace_id()]


# -- nobody there, or no longer


async def test_where_nobody_answers_the_asker_knows_at_once(bench: Bench) -> None:
    began = time.monotonic()
    with pytest.raises(Unavailable, match=r"nobody answers product\.check"):
        await bench.requests.ask(QUESTION, timeout=30)
    assert time.monotonic() - began < 1


async def test_a_replica_that_dies_with_the_question_is_replaced_within_the_timeout(bench: Bench) -> None:
    gate = Gate()
    doomed = await bench.start(gate)
    asking = asyncio.ensure_future(bench.requests.ask(QUESTION, timeout=4.0))
    await eventually(lambda: gate.at_once == 1)
    await bench.start()
    doomed.cut_off()
    assert await asking == YES


async def test_a_replica_that_stops_answers_what_it_has_and_is_asked_no_more(bench: Bench) -> None:
    gate = Gate()
    replica = await bench.start(gate)
    asking = [asyncio.ensure_future(bench.requests.ask(QUESTION, timeout=4.0)) for _ in range(20)]
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


# -- what harms nobody


def asked(**changed: object) -> bytes:
    wish = {"product_id": str(new_id()), "quantity": 1}
    return json.dumps({"items": [wish | changed]}).encode()


MALFORMED = {
    "nothing": b"",
    "half": b'{"items": [',
    "no text": b"\xff\xfe",
    "bad text": b'{"items": "\xff"}',
    "another kind": b"[]",
    "a depth": b"[" * 50_000,
    "an unknown field": asked(price=1),
    "a quantity of none": asked(quantity=0),
    "a quantity beyond all": asked(quantity=2**70),
    "no id": asked(product_id="1"),
    "no items": b'{"items": []}',
    "too many items": json.dumps({"items": [{"product_id": str(new_id()), "quantity": 1}] * 101}).encode(),
    "another question": b'{"type": "account.lookup", "items": []}',
}


@pytest.mark.parametrize("payload", MALFORMED.values(), ids=MALFORMED.keys())
async def test_bad_input_is_told_so_and_the_replica_goes_on(bench: Bench, payload: bytes) -> None:
    await bench.start()
    answer = await bench.wire(payload)
    assert answer.headers
    assert answer.headers["Nats-Service-Error-Code"] == "400"
    assert answer.headers["Nats-Service-Error"] == "Bad Request"
    assert json.loads(answer.data)["code"] == 400
    assert await bench.requests.ask(QUESTION) == YES


async def test_a_question_without_its_type_is_understood(bench: Bench) -> None:
    """What somebody would type at a shell."""
    await bench.start()
    assert json.loads((await bench.wire(asked())).data)["available"] is True


async def test_nothing_that_was_asked_gets_into_the_headers_of_the_answer(bench: Bench) -> None:
    await bench.start()
    wish = {"product_id": str(new_id()), "quantity": 1, "x\r\nEvil: yes": 1}
    sent = {"Also": "echoed"}
    answer = await bench.plain.request(
        "product.check", json.dumps({"items": [wish]}).encode(), timeout=3, headers=sent
    )
    assert answer.headers
    assert answer.headers.keys() == {"Nats-Service-Error", "Nats-Service-Error-Code"}


async def test_a_question_too_large_is_refused_on_both_sides(bench: Bench) -> None:
    await bench.start()
    answer = await bench.wire(b" " * (MOST_BYTES + 1))
    assert answer.headers
    assert answer.headers["Nats-Service-Error-Code"] == "413"
    wishes = [Wish(product_id=new_id(), quantity=1)] * 2000
    with pytest.raises(Refused, match="413"):
        await bench.requests.ask(ProductCheck(items=wishes))


async def test_a_question_that_wants_no_answer_harms_nobody(bench: Bench) -> None:
    replica = await bench.start()
    await bench.plain.publish("product.check", b"{")
    await eventually(lambda: replica.heard == 1)
    assert await bench.requests.ask(QUESTION) == YES


async def test_a_fault_is_told_without_its_insides_and_counted(bench: Bench) -> None:
    async def broken(_: ProductCheck) -> Check:
        raise RuntimeError("password=1234")

    replica = await bench.start(broken)
    with pytest.raises(Refused, match="500") as told:
        await bench.requests.ask(QUESTION)
    assert "1234" not in str(told.value)
    stats = replica.service.endpoints[0].stats
    assert (stats.num_requests, stats.num_errors) == (1, 1)
    assert "1234" not in stats.last_error


async def test_a_service_without_its_database_is_unavailable(bench: Bench) -> None:
    async def away(_: ProductCheck) -> Check:
        raise DatabaseAway("no connection within 5 s")

    await bench.start(away)
    with pytest.raises(Unavailable, match="DatabaseAway"):
        await bench.requests.ask(QUESTION)


async def test_a_question_that_takes_too_long_is_given_up(bench: Bench) -> None:
    gate = Gate()
    await bench.start(gate)
    began = time.monotonic()
    answer = await bench.plain.request("product.check", asked(), timeout=5)
    assert answer.headers
    assert answer.headers["Nats-Service-Error-Code"] == "503"
    assert 1.5 < time.monotonic() - began < 4
    assert gate.at_once == 0


async def test_few_are_in_hand_some_wait_and_the_rest_is_told_so_at_once(bench: Bench) -> None:
    gate = Gate()
    replica = await bench.start(gate)
    flood = AT_ONCE + WAITING + 30
    asking = [
        asyncio.ensure_future(bench.plain.request("product.check", asked(), timeout=10)) for _ in range(flood)
    ]
    await eventually(lambda: sum(each.done() for each in asking) >= 30)
    gate.open.set()
    answers = await asyncio.gather(*asking)
    busy = [each for each in answers if each.headers]
    assert gate.most == AT_ONCE
    assert 30 <= len(busy) <= 30 + AT_ONCE  # before the first ones were in hand, all of them waited
    assert {each.headers["Nats-Service-Error-Code"] for each in busy if each.headers} == {"503"}
    assert replica.service.endpoints[0].stats.num_errors == len(busy)
