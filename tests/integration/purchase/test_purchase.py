"""The purchase service alone: the words of the others are published by the test."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import aiohttp
import msgspec
import nats
import pytest

from common.contracts import mail, order, payment, product, purchase
from common.contracts.message import Item, Message, Purchase, PurchaseMessage
from common.ids import new_id
from common.messaging.broker import broker
from common.messaging.codec import Codec, words
from common.messaging.outbox import as_outgoing
from common.messaging.publisher import Publisher
from purchase.__main__ import program
from purchase.settings import PurchaseSettings
from tests.servers import Servers
from tests.sse import Event, stream
from tests.support import Issuer, eventually, running

Make = Callable[..., PurchaseSettings]
CODEC = Codec(words(purchase, product, order, payment, mail))


@dataclass
class Shop:
    """A client of the service, and the voice of everybody else."""

    url: str
    session: aiohttp.ClientSession
    headers: dict[str, str]
    publisher: Publisher
    heard: asyncio.Queue[PurchaseMessage]

    async def post(self, body: Any, **headers: str) -> aiohttp.ClientResponse:
        response = await self.session.post(
            f"{self.url}/api/v1/purchases", json=body, headers=self.headers | headers
        )
        await response.read()
        return response

    async def buy(self, **payment_choice: Any) -> UUID:
        response = await self.post(body(**payment_choice))
        assert response.status == 202, await response.text()
        return UUID((await response.json())["id"])

    async def get(self, path: str) -> Any:
        async with self.session.get(f"{self.url}/api/v1{path}", headers=self.headers) as response:
            assert response.status == 200, await response.text()
            return await response.json()

    async def say(self, *messages: Message) -> None:
        assert all(await self.publisher.publish([as_outgoing(message) for message in messages]))

    async def hear(self, kind: type[PurchaseMessage]) -> PurchaseMessage:
        """The next word of this kind that the service says."""
        while True:
            message = await asyncio.wait_for(self.heard.get(), 10)
            if isinstance(message, kind):
                return message

    async def events(self, purchase_id: UUID, last_id: int | None = None) -> list[Event]:
        url = f"{self.url}/api/v1/purchases/{purchase_id}/events"
        async with stream(self.session, url, self.headers, last_id) as events:
            return [event async for event in events]


def body(quantity: int = 2, **payment_choice: Any) -> dict[str, Any]:
    return {
        "order_items": [{"product_id": str(new_id()), "quantity": quantity}],
        "payment": {"currency_code": "VND"} | payment_choice,
    }


def priced(context: Purchase) -> Purchase:
    items = tuple(
        Item(
            product_id=item.product_id, quantity=item.quantity, name="Lamp", brand_name="Lux", unit_price=500
        )
        for item in context.items
    )
    return msgspec.structs.replace(context, items=items, total=sum(500 * item.quantity for item in items))


@asynccontextmanager
async def shop(
    settings: PurchaseSettings, issuer: Issuer, account_id: UUID | None = None, *, voice: str | None = None
) -> AsyncIterator[Shop]:
    """`voice`: the broker's URL for the others' words, where the service's own rights are too narrow."""
    heard: asyncio.Queue[PurchaseMessage] = asyncio.Queue()

    async def on_message(message: Any) -> None:
        decoded = CODEC.decode(message.data)
        assert isinstance(decoded, PurchaseMessage)
        heard.put_nowait(decoded)

    async with (
        running(settings, program) as url,
        broker(voice or settings.nats_url, "tests") as connection,
        aiohttp.ClientSession() as session,
    ):
        client = await connection.ready()
        await client.subscribe("evt.purchase.>", cb=on_message)
        await client.flush()
        headers = issuer.headers(account_id or new_id())
        yield Shop(url, session, headers, Publisher(connection), heard)


def types(events: Sequence[Event]) -> list[str]:
    return [
        f"{event.data.get('step', '')}:{event.data.get('status', '')}" if event.type == "step" else event.type
        for event in events
    ]


DONE = ["accepted:done", "reserve:done", "order:done", "payment:done", "completed"]


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


async def test_every_event_once_across_replicas_and_reconnections(settings: Make, issuer: Issuer) -> None:
    account = new_id()
    first, second = settings(), settings()
    async with shop(first, issuer, account) as client, running(second, program) as other:
        purchase_id = await client.buy()
        context = priced((await client.hear(purchase.PurchaseRequested)).purchase)
        await client.say(purchase.CompletePurchase(purchase=context))
        seen: list[Event] = []
        for number in range(5):
            url = f"{(client.url, other)[number % 2]}/api/v1/purchases/{purchase_id}/events"
            async with stream(client.session, url, client.headers, seen[-1].id if seen else None) as events:
                async for event in events:
                    seen.append(event)
                    break
        assert [event.id for event in seen] == [1, 2, 3, 4, 5]
        assert types(seen) == DONE
        url = f"{other}/api/v1/purchases/{purchase_id}/events"
        async with client.session.get(url, headers=client.headers | {"Last-Event-ID": "5"}) as ended:
            assert ended.status == 204
        async with client.session.get(url, headers=client.headers | {"Last-Event-ID": "x"}) as malformed:
            assert malformed.status == 400


async def test_a_stream_ends_without_redis(settings: Make, issuer: Issuer, servers: Servers) -> None:
    async with shop(settings(), issuer) as client:
        purchase_id = await client.buy()
        context = priced((await client.hear(purchase.PurchaseRequested)).purchase)
        servers.stop_process("redis")
        try:
            reading = asyncio.ensure_future(client.events(purchase_id))
            await client.say(purchase.CompletePurchase(purchase=context))
            assert types(await asyncio.wait_for(reading, 6)) == DONE
        finally:
            servers.start_process("redis")


async def test_the_account_stream_tells_all_purchases_in_the_order_of_commits(
    settings: Make, issuer: Issuer
) -> None:
    async with shop(settings(), issuer) as client:
        url = f"{client.url}/api/v1/purchases/events"
        async with stream(client.session, url, client.headers, 0) as events:
            ids = [await client.buy() for _ in range(5)]
            reader = aiter(events)
            seen = [await asyncio.wait_for(anext(reader), 5) for _ in ids]
        assert [event.id for event in seen] == [1, 2, 3, 4, 5]
        assert [event.data["purchase_id"] for event in seen] == [str(each) for each in ids]


async def test_the_browsers_cookie_opens_streams_and_nothing_else(settings: Make, issuer: Issuer) -> None:
    async with shop(settings(), issuer) as client:
        purchase_id = await client.buy()
        session_url = f"{client.url}/api/v1/purchases/stream-session"
        async with client.session.post(session_url, headers=client.headers) as response:
            assert response.status == 204
            cookie = response.cookies["stream_session"]
        assert cookie["httponly"]
        assert cookie["samesite"] == "strict"
        assert cookie["path"] == "/api/v1/purchases"
        sent = {"Cookie": f"stream_session={cookie.value}"}
        async with aiohttp.ClientSession() as browser:
            base = f"{client.url}/api/v1/purchases/{purchase_id}"
            async with browser.get(f"{base}/events", headers=sent) as streaming:
                assert streaming.status == 200
            async with browser.get(base, headers=sent) as reading:
                assert reading.status == 401
            async with browser.delete(session_url, headers=sent) as closing:
                assert closing.status == 204
                assert closing.cookies["stream_session"]["max-age"] == "0"


async def test_too_many_pending_purchases_of_one_account_are_refused(settings: Make, issuer: Issuer) -> None:
    async with shop(settings(pending_per_account=3), issuer) as client:
        answers = await asyncio.gather(*(client.post(body()) for _ in range(8)))
        assert sorted(answer.status for answer in answers) == [202] * 3 + [429] * 5


async def test_purchases_are_accepted_while_the_broker_is_away(
    settings: Make, issuer: Issuer, servers: Servers
) -> None:
    async with shop(settings(), issuer) as client:
        servers.stop_process("nats")
        try:
            purchase_id = await client.buy()
        finally:
            servers.start_process("nats")
        await fresh(servers)
        url = f"{client.url}/readyz"
        async with client.session.get(url) as ready:
            assert ready.status == 200
        assert (await client.get(f"/purchases/{purchase_id}"))["status"] == "PENDING"


async def fresh(servers: Servers) -> None:
    client = await nats.connect(servers.nats_url)
    await client.close()


async def test_a_stream_that_its_client_left_is_forgotten(settings: Make, issuer: Issuer) -> None:
    async with shop(settings(streams_per_account=2), issuer) as client:
        purchase_id = await client.buy()
        url = f"{client.url}/api/v1/purchases/{purchase_id}/events"
        for _ in range(6):

            async def opened() -> bool:
                async with client.session.get(url, headers=client.headers) as response:
                    return response.status == 200

            await eventually(opened)
        first = await client.session.get(url, headers=client.headers)
        second = await client.session.get(url, headers=client.headers)
        async with client.session.get(url, headers=client.headers) as third:
            assert (first.status, second.status, third.status) == (200, 200, 429)
        first.close()
        second.close()
