"""The purchase service alone: the words of the others are published by the test."""

import asyncio
from typing import Any
from uuid import UUID

import msgspec
import nats
import pytest

from common.contracts import mail, order, payment, product, purchase
from common.ids import new_id
from tests.integration.purchase.wire import DONE, Make, body, priced, shop, types
from tests.servers import Servers
from tests.support import Issuer, eventually


async def test_a_purchase_is_accepted_driven_completed_and_settled(settings: Make, issuer: Issuer) -> None:
    async with shop(settings(), issuer) as client:
        purchase_id = await client.buy()
        requested = await client.hear(purchase.PurchaseRequested)
        assert requested.purchase.id == purchase_id
        context = priced(requested.purchase)
        await client.say(purchase.CompletePurchase(purchase=context))
        completed = await client.hear(purchase.PurchaseCompleted)
        assert completed.purchase.total == 1000
        assert types(await client.events(purchase_id)) == DONE
        await client.say(
            order.OrderApproved(cause_id="a", purchase=context),
            payment.PaymentCaptured(cause_id="b", purchase=context),
            mail.MailAccepted(cause_id="c", purchase=context),
        )

        async def settled() -> bool:
            shown = await client.get(f"/purchases/{purchase_id}")
            return (shown["settled"], shown["status"], shown["total"]) == (True, "COMPLETED", 1000)

        await eventually(settled)


async def test_a_refusal_fails_it_and_the_stream_tells_the_compensations(
    settings: Make, issuer: Issuer
) -> None:
    async with shop(settings(), issuer) as client:
        purchase_id = await client.buy()
        context = priced((await client.hear(purchase.PurchaseRequested)).purchase)
        failed = purchase.FailPurchase(purchase=context, step="payment", reason="card_declined")
        await client.say(failed)
        cancelled = await client.hear(purchase.PurchaseCancelled)
        assert isinstance(cancelled, purchase.PurchaseCancelled)
        assert (cancelled.status, cancelled.reason) == ("FAILED", "card_declined")
        await client.say(
            payment.PaymentVoided(cause_id="1", purchase=context),
            order.OrderCancelled(cause_id="2", purchase=context),
            product.StockReleased(cause_id="3", purchase=context),
            mail.MailAccepted(cause_id="4", purchase=context),
        )
        seen = types(await client.events(purchase_id))
        assert seen[:5] == ["accepted:done", "reserve:done", "order:done", "payment:refused", "failed"]
        assert sorted(seen[5:8]) == ["cancel:done", "release:done", "void:done"]
        assert seen[8:] == ["settled"]


async def test_the_first_decision_stands(settings: Make, issuer: Issuer) -> None:
    async with shop(settings(), issuer) as client:
        purchase_id = await client.buy()
        context = priced((await client.hear(purchase.PurchaseRequested)).purchase)
        cancel = f"{client.url}/api/v1/purchases/{purchase_id}/cancel"
        async with client.session.post(cancel, headers=client.headers) as response:
            assert (await response.json())["reason"] == "cancelled_by_customer"
        await client.say(purchase.CompletePurchase(purchase=context))
        marker = await client.buy()
        await client.say(purchase.CompletePurchase(purchase=msgspec.structs.replace(context, id=marker)))
        await client.hear(purchase.PurchaseCompleted)
        shown = await client.get(f"/purchases/{purchase_id}")
        assert (shown["status"], shown["reason"]) == ("FAILED", "cancelled_by_customer")


async def test_a_deadline_times_out_what_nobody_answers(settings: Make, issuer: Issuer) -> None:
    async with shop(settings(deadline=0.05), issuer) as client:
        purchase_id = await client.buy()
        cancelled = await client.hear(purchase.PurchaseCancelled)
        assert isinstance(cancelled, purchase.PurchaseCancelled)
        assert cancelled.status == "TIMED_OUT"
        assert (await client.get(f"/purchases/{purchase_id}"))["status"] == "TIMED_OUT"


async def test_an_unsettled_purchase_is_driven_again_under_a_new_attempt(
    settings: Make, issuer: Issuer
) -> None:
    async with shop(settings(redrive_after=0.2), issuer) as client:
        await client.buy()
        first = await client.hear(purchase.PurchaseRequested)
        second = await client.hear(purchase.PurchaseRequested)
        assert (first.purchase.attempt, second.purchase.attempt) == (0, 1)
        assert first.id != second.id


async def test_the_same_key_and_body_is_the_same_purchase_also_at_the_same_time(
    settings: Make, issuer: Issuer
) -> None:
    async with shop(settings(), issuer) as client:
        asked = body()
        answers = await asyncio.gather(*(client.post(asked, **{"Idempotency-Key": "k"}) for _ in range(20)))
        assert {answer.status for answer in answers} == {202}
        assert len({(await answer.text()) for answer in answers}) == 1
        other = await client.post(body(quantity=3), **{"Idempotency-Key": "k"})
        assert (other.status, (await other.json())["code"]) == (422, "idempotency_key_reused")


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"order_items": []}, 400),
        ({"order_items": [{"product_id": "x", "quantity": 1}]}, 400),
        ({"order_items": [{"product_id": str(UUID(int=1)), "quantity": -1}]}, 400),
        ({"order_items": [{"product_id": str(UUID(int=1)), "quantity": 10**30}]}, 400),
        ({"order_items": [{"product_id": str(UUID(int=1)), "quantity": 1, "price": 1}]}, 400),
        ({"total": 1}, 400),
        ({"payment": {"currency_code": "USD"}}, 422),
        ({"payment": {"currency_code": "VND", "method": "shells"}}, 400),
        ({"payment": {"currency_code": "VND", "method": "cash", "installments": 3}}, 400),
        ({"payment": {"currency_code": "VND", "token": "a b"}}, 400),
    ],
)
async def test_bad_input_is_named_and_nothing_is_accepted(
    settings: Make, issuer: Issuer, change: dict[str, Any], status: int
) -> None:
    async with shop(settings(), issuer) as client:
        answer = await client.post(body() | change)
        assert answer.status == status, await answer.text()
        assert answer.content_type == "application/problem+json"
        assert (await answer.json())["errors"]
        assert (await client.get("/purchases"))["items"] == []


async def test_a_foreign_purchase_does_not_exist(settings: Make, issuer: Issuer) -> None:
    async with shop(settings(), issuer) as client:
        purchase_id = await client.buy()
        stranger = issuer.headers(new_id())
        for method, path in (("get", ""), ("get", "/events"), ("post", "/cancel")):
            url = f"{client.url}/api/v1/purchases/{purchase_id}{path}"
            async with client.session.request(method, url, headers=stranger) as foreign:
                assert foreign.status == 404
            async with client.session.request(method, url) as anonymous:
                assert anonymous.status == 401


async def test_too_many_pending_purchases_of_one_account_are_refused(settings: Make, issuer: Issuer) -> None:
    async with shop(settings(pending_per_account=3), issuer) as client:
        answers = await asyncio.gather(*(client.post(body()) for _ in range(8)))
        assert sorted(answer.status for answer in answers) == [202] * 3 + [429] * 5


async def test_purchases_are_accepted_while_the_broker_is_away(
    settings: Make, issuer: Issuer, servers: Servers
) -> None:
    async with shop(settings(deadline=600), issuer) as client:
        servers.stop_process("nats")
        try:
            purchase_id = await client.buy()
        finally:
            servers.start_process("nats")
        await fresh(servers)

        async def is_ready() -> bool:
            """Each dependency is given less than a second."""
            async with client.session.get(f"{client.url}/readyz") as ready:
                return ready.status == 200

        await eventually(is_ready)
        assert (await client.get(f"/purchases/{purchase_id}"))["status"] == "PENDING"


async def fresh(servers: Servers) -> None:
    client = await nats.connect(servers.nats_url)
    await client.close()
