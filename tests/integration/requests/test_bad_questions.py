"""What harms nobody: bad questions, faults, and too many at once."""

import asyncio
import json
import time

import pytest

from common.contracts.product import Check, ProductCheck, Wish
from common.contracts.request import MOST_BYTES
from common.ids import new_id
from common.messaging import answers
from common.messaging.answers import AT_ONCE, WAITING
from common.messaging.requests import Refused, Unavailable
from common.postgres.database import DatabaseAway
from tests.integration.requests.wire import QUESTION, YES, Bench, Gate
from tests.support import eventually


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
        "product.check", json.dumps({"items": [wish]}).encode(), timeout=30, headers=sent
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
    """The best of five: other people use this machine, too."""
    gate = Gate()
    await bench.start(gate)
    times: list[float] = []
    while min(times, default=4.0) >= 4:
        assert len(times) < 5, f"took {times} s"
        began = time.monotonic()
        answer = await bench.plain.request("product.check", asked(), timeout=30)
        assert answer.headers
        assert answer.headers["Nats-Service-Error-Code"] == "503"
        times.append(time.monotonic() - began)
        assert gate.at_once == 0
    assert min(times) > 1.5


async def test_few_are_in_hand_some_wait_and_the_rest_is_told_so_at_once(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answers, "SECONDS", 60.0)  # the gate may open late
    gate = Gate()
    replica = await bench.start(gate)
    flood = AT_ONCE + WAITING + 30
    asking = [
        asyncio.ensure_future(bench.plain.request("product.check", asked(), timeout=60)) for _ in range(flood)
    ]
    await eventually(lambda: sum(each.done() for each in asking) >= 30)
    gate.open.set()
    told = await asyncio.gather(*asking)
    busy = [each for each in told if each.headers]
    assert gate.most == AT_ONCE
    assert 30 <= len(busy) <= 30 + AT_ONCE  # before the first ones were in hand, all of them waited
    assert {each.headers["Nats-Service-Error-Code"] for each in busy if each.headers} == {"503"}
    assert replica.service.endpoints[0].stats.num_errors == len(busy)
