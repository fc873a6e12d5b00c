"""The stories of a purchase, and the storms it must survive, on the whole shop."""

import asyncio
import random
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial
from typing import Any

import nats

from common.ids import new_id
from deploy.client import Customer, until
from deploy.events import Event
from tests.e2e.conftest import Open
from tests.e2e.whole import Whole
from tests.servers import Servers, provisioned


async def story(customer: Customer, quantities: dict[str, int], **payment: Any) -> list[Event]:
    bought = await customer.buy(quantities, **payment)
    return [event async for event in customer.watch(bought["id"])]


def names(events: list[Event]) -> list[str]:
    return [event.data.get("step", event.type) for event in events]


async def test_a_purchase_takes_money_and_stock_and_tells_every_step(a_shop: Open) -> None:
    async with a_shop() as shop:
        lamp = await shop.product(inventory=5)
        customer = await shop.customer()
        events = await story(customer, {lamp: 2}, method="credit_card", installments=3)
        assert names(events) == ["accepted", "reserve", "order", "payment", "completed"]
        assert [event.id for event in events] == [1, 2, 3, 4, 5]
        await shop.settled()
        assert await shop.assert_exact() == {"COMPLETED": 1}
        purchase_id = events[0].data["purchase_id"]
        order = await customer.call("GET", f"/orders/{purchase_id}")
        assert (order["status"], order["total"], order["items"][0]["quantity"]) == ("APPROVED", 2000, 2)
        payment = await customer.call("GET", f"/payments/{purchase_id}")
        assert (payment["status"], payment["amount"], payment["installments"]) == ("CAPTURED", 2000, 3)
        assert (await customer.call("GET", f"/products/{lamp}"))["inventory"] == 3


async def test_every_failure_undoes_every_step(a_shop: Open) -> None:
    async with a_shop(psp={"payment_limit": 50_000}) as shop:
        lamp = await shop.product(inventory=5)
        dear = await shop.product(inventory=5, price=60_000)
        customer = await shop.customer()
        reasons = {}
        for case, quantities, token in (
            ("declined", {lamp: 1}, "tok_decline"),
            ("out of stock", {lamp: 6}, "tok_ok"),
            ("unknown product", {str(new_id()): 1}, "tok_ok"),
            ("above the limit", {dear: 1}, "tok_ok"),
        ):
            events = await story(customer, quantities, token=token)
            assert events[-1].type == "settled"
            assert {"release", "cancel", "void"} < set(names(events))
            [failed] = [event for event in events if event.type == "failed"]
            reasons[case] = failed.data["reason"]
        assert reasons["out of stock"] == "insufficient_stock"
        assert reasons["unknown product"] == "unknown_product"
        assert reasons["declined"] != reasons["above the limit"]
        await shop.settled()
        assert await shop.assert_exact() == {"FAILED": 4}


async def test_a_customer_may_cancel_until_it_is_decided(a_shop: Open) -> None:
    """A provider that stands still keeps it open, however long that takes."""
    async with a_shop() as shop:
        lamp = await shop.product(inventory=5)
        customer = await shop.customer()
        shop.psp.signal(signal.SIGSTOP)
        try:
            bought = await customer.buy({lamp: 1})
            cancelled = await customer.call("POST", f"/purchases/{bought['id']}/cancel")
        finally:
            shop.psp.signal(signal.SIGCONT)
        assert (cancelled["status"], cancelled["reason"]) == ("FAILED", "cancelled_by_customer")
        await shop.settled()
        assert await shop.assert_exact() == {"FAILED": 1}
        done = await customer.buy({lamp: 1})
        await customer.outcome(done["id"])
        await customer.call("POST", f"/purchases/{done['id']}/cancel", expect=409)


async def test_a_hundred_buyers_of_ten_units_get_exactly_ten(a_shop: Open) -> None:
    async with a_shop(replicas=2) as shop:
        lamp = await shop.product(inventory=10)
        buyers = await shop.customers(100)
        bought = await asyncio.gather(*(buyer.buy({lamp: 1}) for buyer in buyers))
        ends = await asyncio.gather(
            *(buyer.outcome(each["id"]) for buyer, each in zip(buyers, bought, strict=True))
        )
        assert sorted(end.type for end in ends) == ["completed"] * 10 + ["failed"] * 90
        await shop.settled()
        assert await shop.assert_exact() == {"COMPLETED": 10, "FAILED": 90}
        assert (await shop.shop.call("GET", f"/products/{lamp}"))["inventory"] == 0


async def test_a_deadline_in_the_middle_of_everything_leaves_nothing_behind(a_shop: Open) -> None:
    """Nearly every purchase times out half way: the best single stressor of the protocol."""
    async with a_shop(purchase={"deadline": 0.05, "pending_per_account": 1000}) as shop:
        lamp = await shop.product(inventory=1000)
        customer = await shop.customer()
        await asyncio.gather(*(customer.buy({lamp: 1}) for _ in range(200)))
        await shop.settled()
        ends = await shop.assert_exact()
        assert sum(ends.values()) == 200
        assert ends["PENDING"] == 0


async def test_duplicates_and_shuffles_change_nothing(a_shop: Open, servers: Servers) -> None:
    """Every message comes at least twice, the copies up to a second later, to two replicas of everybody."""
    small: dict[str, object] = {"batch_size": 5, "concurrency": 2}
    services = dict.fromkeys(("product", "order", "payment", "orchestrator", "mail"), small)
    services["purchase"] = small | {"streams_per_account": 100}
    async with echo(servers), a_shop(replicas=2, **services) as shop:
        lamp = await shop.product(inventory=60)
        customer = await shop.customer()
        tokens = ["tok_ok", "tok_ok", "tok_decline", "tok_error_after"]
        bought = await asyncio.gather(
            *(customer.buy({lamp: 1}, token=tokens[number % 4]) for number in range(80))
        )
        await asyncio.gather(*(customer.outcome(each["id"]) for each in bought))
        await shop.settled()
        ends = await shop.assert_exact()
        assert ends["COMPLETED"] + ends["FAILED"] == 80
        assert ends["FAILED"] >= 20


@asynccontextmanager
async def echo(servers: Servers) -> AsyncIterator[None]:
    """Says every message of the stream once more, after a random time, under another transport id."""
    client = await nats.connect(servers.nats_url)
    draw = random.Random(7)
    async with asyncio.TaskGroup() as copies:

        async def later(message: Any, headers: dict[str, str]) -> None:
            await asyncio.sleep(draw.uniform(0, 1))
            await client.publish(message.subject, message.data, headers=headers)

        async def again(message: Any) -> None:
            headers = dict(message.headers)
            if not headers["Nats-Msg-Id"].endswith("#again"):
                headers["Nats-Msg-Id"] += "#again"
                copies.create_task(later(message, headers))

        listening = [await client.subscribe(subject, cb=again) for subject in ("cmd.>", "evt.>")]
        await client.flush()
        yield
        for each in listening:
            await each.unsubscribe()
    await client.close()


async def test_a_broker_that_lost_its_disk_costs_time_and_nothing_else(
    a_shop: Open, servers: Servers
) -> None:
    """Purchases in flight, a registration, and a product that nobody drives again: all arrive (P10, P16)."""
    async with a_shop(purchase={"redrive_after": 2}) as shop, provisioned(servers):
        lamp = await shop.product(inventory=100)
        customer = await shop.customer()
        bought = [await customer.buy({lamp: 1}) for _ in range(40)]
        old = await until(partial(known_stream, shop), seconds=60)
        await asyncio.to_thread(servers.wipe_broker)
        late = await shop.shop.register()
        bought += [await customer.buy({lamp: 1}) for _ in range(10)]
        await late.verify()
        ends = [await customer.outcome(each["id"]) for each in bought]
        assert {end.type for end in ends} == {"completed"}
        await until(partial(known_stream, shop, before=old), seconds=120)
        await shop.settled()
        assert await shop.assert_exact() == {"COMPLETED": 50}


async def known_stream(shop: Whole, before: datetime | None = None) -> datetime | None:
    """The stream that all services know, once it is another than before."""
    known = set((await shop.books.streams()).values())
    return known.pop() if len(known) == 1 and before not in known else None
