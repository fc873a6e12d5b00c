"""What owners, strangers and administrators see."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import aiohttp
import pytest

from payment.__main__ import program
from payment.settings import PaymentSettings
from tests.integration.payment.wire import Wire
from tests.support import Issuer, eventually, running
from tests.unit.payment.words import authorize, capture, purchase, void


@pytest.fixture
async def client(settings: PaymentSettings, patient: None) -> AsyncIterator[aiohttp.ClientSession]:
    async with running(settings, program) as url, aiohttp.ClientSession(url) as session:
        yield session


async def got(
    client: aiohttp.ClientSession, path: str, headers: dict[str, str] | None = None
) -> tuple[int, Any]:
    async with client.get(f"/api/v1{path}", headers=headers) as response:
        return response.status, await response.json()


async def paid(wire: Wire, owner: UUID, *, closing: bool = True) -> UUID:
    bought = purchase(account_id=owner, total=700)
    await wire.say(authorize(bought))
    await wire.reply(authorize(bought))
    if closing:
        await wire.say(capture(bought))
        await wire.reply(capture(bought))
    return bought.id


async def test_the_owner_reads_the_payment(client: aiohttp.ClientSession, wire: Wire, issuer: Issuer) -> None:
    owner = uuid4()
    payment_id = await paid(wire, owner)
    status, body = await got(client, f"/payments/{payment_id}", issuer.headers(owner))
    assert status == 200
    assert body.pop("created_at").startswith("20")
    assert body == {
        "id": str(payment_id),
        "status": "CAPTURED",
        "reason": None,
        "amount": 700,
        "currency_code": "VND",
        "method": "credit_card",
        "installments": 3,
    }


async def test_a_declined_payment_says_why(client: aiohttp.ClientSession, wire: Wire, issuer: Issuer) -> None:
    owner = uuid4()
    bought = purchase(account_id=owner, payment_token="tok_decline")
    await wire.say(authorize(bought), void(bought))
    await wire.reply(void(bought))
    _, body = await got(client, f"/payments/{bought.id}", issuer.headers(owner))
    assert (body["status"], body["reason"]) == ("DECLINED", "card_declined")


async def test_a_strangers_payment_looks_like_none(
    client: aiohttp.ClientSession, wire: Wire, issuer: Issuer
) -> None:
    payment_id = await paid(wire, uuid4(), closing=False)
    for role in ("customer", "admin"):
        stranger = issuer.headers(uuid4(), role=role)
        foreign, unknown = (
            await got(client, f"/payments/{payment_id}", stranger),
            await got(client, f"/payments/{uuid4()}", stranger),
        )
        assert foreign[0] == unknown[0] == 404
        assert foreign[1] | {"trace_id": ""} == unknown[1] | {"trace_id": ""}


async def test_a_payment_that_never_began_is_none(
    client: aiohttp.ClientSession, wire: Wire, issuer: Issuer
) -> None:
    bought = purchase()
    await wire.say(void(bought))
    await wire.reply(void(bought))
    status, _ = await got(client, f"/payments/{bought.id}", issuer.headers(bought.account_id))
    assert status == 404


async def test_without_a_valid_token_nothing_is_shown(client: aiohttp.ClientSession, issuer: Issuer) -> None:
    expired = {"Authorization": f"Bearer {issuer.token(uuid4(), exp=1)}"}
    forger = Issuer()
    forger.close()
    forged = {"Authorization": f"Bearer {forger.token(uuid4())}"}
    for headers in (None, expired, forged, {"Authorization": "Basic x"}):
        for path in (f"/payments/{uuid4()}", "/payments"):
            assert (await got(client, path, headers))[0] == 401


async def test_a_malformed_id_is_not_found(client: aiohttp.ClientSession, issuer: Issuer) -> None:
    for malformed in ("1", "none", "00000000-0000-0000-0000-00000000000g", "%00"):
        assert (await got(client, f"/payments/{malformed}", issuer.headers(uuid4())))[0] in {400, 404}


async def test_everybody_reads_the_methods(client: aiohttp.ClientSession) -> None:
    status, body = await got(client, "/payments/methods")
    assert status == 200
    assert {each["method"]: each["max_installments"] for each in body["items"]} == {
        "credit_card": 12,
        "debit_card": 1,
        "transfer": 1,
        "cash": 1,
    }


async def test_only_an_administrator_lists_all(
    client: aiohttp.ClientSession, wire: Wire, issuer: Issuer
) -> None:
    made = [str(await paid(wire, uuid4(), closing=False)) for _ in range(3)]
    admin = issuer.headers(uuid4(), role="admin")
    assert (await got(client, "/payments", issuer.headers(uuid4())))[0] == 403
    _, first = await got(client, "/payments?limit=2", admin)
    _, rest = await got(client, f"/payments?limit=2&cursor={first['next']}", admin)
    assert [each["id"] for each in (*first["items"], *rest["items"])] == sorted(made, reverse=True)
    assert rest["next"] is None


async def test_bad_paging_is_400(client: aiohttp.ClientSession, issuer: Issuer) -> None:
    admin = issuer.headers(uuid4(), role="admin")
    for query in ("limit=0", "limit=101", "limit=x", "cursor=x", "limit=9999999999999999999"):
        assert (await got(client, f"/payments?{query}", admin))[0] == 400


async def test_the_document_names_every_route(client: aiohttp.ClientSession) -> None:
    status, body = await got(client, "/openapi/payment.json")
    assert status == 200
    assert {"/api/v1/payments", "/api/v1/payments/methods", "/api/v1/payments/{payment_id}"} <= set(
        body["paths"]
    )


async def test_readiness_tells_how_many_wait_for_the_provider(client: aiohttp.ClientSession) -> None:
    async def told() -> bool:
        """Each question is given less than a second."""
        async with client.get("/readyz") as response:
            body = await response.json()
        assert response.status == 200
        return bool(body["checks"]["unanswered_payments"] == {"ok": True, "seen": 0})

    await eventually(told)


async def test_a_payment_that_is_over_is_read_once_and_stays_its_owners(
    client: aiohttp.ClientSession, wire: Wire, issuer: Issuer
) -> None:
    owner = uuid4()
    payment_id = await paid(wire, owner)
    for _ in range(3):
        assert (await got(client, f"/payments/{payment_id}", issuer.headers(owner)))[0] == 200
        assert (await got(client, f"/payments/{payment_id}", issuer.headers(uuid4())))[0] == 404
    async with client.get("/metrics") as answer:
        assert 'shop_cache_loads_total{kind="payment"} 1.0' in await answer.text()
