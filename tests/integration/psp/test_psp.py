"""The simulated provider over HTTP, as its clients see it."""

import asyncio
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.integration.psp.provider import PspProcess
from tests.support import eventually

CARD = {"amount": 100, "currency_code": "VND", "method": "credit_card", "installments": 1}


@pytest.fixture(scope="module")
def psp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PspProcess]:
    ledger = tmp_path_factory.mktemp("psp") / "ledger.jsonl"
    process = PspProcess(ledger, slow_seconds=0.3, payment_limit=1000).start()
    yield process
    process.stop()


@pytest.fixture
async def client(psp: PspProcess) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(psp.url, timeout=aiohttp.ClientTimeout(total=30)) as session:
        yield session


async def told(
    client: aiohttp.ClientSession, path: str, key: str, body: dict[str, Any]
) -> tuple[int, dict[str, Any]]:
    async with client.post(f"/v1/{path}", json=body, headers={"Idempotency-Key": key}) as response:
        return response.status, await response.json()


async def test_authorize_capture_and_the_ledger(client: aiohttp.ClientSession, psp: PspProcess) -> None:
    assert await told(client, "authorizations", "a", CARD) == (200, {"id": "a", "status": "authorized"})
    assert await told(client, "captures", "a:capture", {"authorization": "a"}) == (
        200,
        {"status": "captured"},
    )
    assert await told(client, "captures", "a:capture", {"authorization": "a"}) == (
        200,
        {"status": "captured"},
    )
    assert psp.moves("a") == [("authorized", 100), ("captured", 100)]
    async with client.get("/v1/ledger") as response:
        assert [line["key"] for line in await response.json() if line["authorization"] == "a"] == [
            "a",
            "a:capture",
        ]
    async with client.get("/v1/authorizations/a") as response:
        assert (await response.json())["status"] == "captured"


async def test_refusals_say_why(client: aiohttp.ClientSession) -> None:
    decline = await told(client, "authorizations", "d", CARD | {"token": "tok_decline"})
    assert decline == (200, {"id": "d", "status": "declined", "reason": "card_declined"})
    limit = await told(client, "authorizations", "l", CARD | {"amount": 1001})
    assert limit == (200, {"id": "l", "status": "declined", "reason": "limit_exceeded"})
    nothing = await told(client, "captures", "n:capture", {"authorization": "n"})
    assert nothing == (200, {"status": "refused", "reason": "unknown_authorization"})


async def test_a_time_out_after_authorizing_is_answered_the_second_time(
    client: aiohttp.ClientSession, psp: PspProcess
) -> None:
    card = CARD | {"token": "tok_timeout_after"}
    asked = asyncio.ensure_future(told(client, "authorizations", "t", card))
    await eventually(lambda: psp.moves("t") == [("authorized", 100)])
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asked, 0.5)
    assert await told(client, "authorizations", "t", card) == (200, {"id": "t", "status": "authorized"})
    assert psp.moves("t") == [("authorized", 100)]


async def test_an_error_after_authorizing_is_an_answer_the_second_time(
    client: aiohttp.ClientSession, psp: PspProcess
) -> None:
    card = CARD | {"token": "tok_error_after"}
    assert (await told(client, "authorizations", "e", card))[0] == 500
    assert await told(client, "authorizations", "e", card) == (200, {"id": "e", "status": "authorized"})
    assert psp.moves("e") == [("authorized", 100)]


async def test_slow_is_slow(client: aiohttp.ClientSession) -> None:
    begun = asyncio.get_running_loop().time()
    assert (await told(client, "authorizations", "s", CARD | {"token": "tok_slow"}))[0] == 200
    assert asyncio.get_running_loop().time() - begun >= 0.3


async def test_copies_at_once_are_one_hold(client: aiohttp.ClientSession, psp: PspProcess) -> None:
    answers = await asyncio.gather(*(told(client, "authorizations", "c", CARD) for _ in range(30)))
    assert {status for status, _ in answers} == {200}
    assert psp.moves("c") == [("authorized", 100)]


@pytest.mark.parametrize(
    "body",
    [
        CARD | {"amount": -1},
        CARD | {"amount": 2**60},
        CARD | {"extra": 1},
        CARD | {"currency_code": "vnd"},
        CARD | {"token": ""},
        {},
        [],
    ],
)
async def test_a_malformed_request_is_400(client: aiohttp.ClientSession, body: Any) -> None:
    assert (await told(client, "authorizations", "bad", body))[0] == 400


async def test_a_key_is_needed_and_means_one_request(client: aiohttp.ClientSession) -> None:
    async with client.post("/v1/authorizations", json=CARD) as response:
        assert response.status == 400
    assert (await told(client, "authorizations", "k", CARD))[0] == 200
    assert (await told(client, "authorizations", "k", CARD | {"amount": 5}))[0] == 422


async def test_nothing_is_forgotten_over_a_kill(tmp_path: Path) -> None:
    killed = PspProcess(tmp_path / "ledger.jsonl").start()
    async with aiohttp.ClientSession(killed.url) as client:
        await told(client, "authorizations", "a", CARD)
        await told(client, "voids", "z:void", {"authorization": "z"})
    killed.stop(signal.SIGKILL)
    killed.start()
    try:
        async with aiohttp.ClientSession(killed.url) as client:
            assert (await told(client, "authorizations", "a", CARD | {"amount": 5}))[0] == 422
            assert (await told(client, "authorizations", "z", CARD))[1]["reason"] == "voided"
            assert (await told(client, "captures", "a:c", {"authorization": "a"}))[1]["status"] == "captured"
        assert [entry.seq for entry in killed.entries()] == [1, 2, 3, 4]
    finally:
        killed.stop()


async def test_the_ledger_is_read_in_pages(client: aiohttp.ClientSession, psp: PspProcess) -> None:
    for key in ("page-1", "page-2", "page-3"):
        await told(client, "authorizations", key, CARD)
    paged: list[int] = []
    while True:
        async with client.get("/v1/ledger", params={"after": len(paged), "limit": 2}) as response:
            page = await response.json()
        if not page:
            break
        assert len(page) <= 2
        paged += [entry["seq"] for entry in page]
    async with client.get("/v1/ledger") as response:
        whole = [entry["seq"] for entry in await response.json()]
    assert paged == whole == list(range(1, len(whole) + 1))
    assert len(whole) > 2
