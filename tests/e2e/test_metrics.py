"""What a whole shop counts: nothing that grows with its customers; and where the time of a purchase went."""

import asyncio
import itertools
import re
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from common.ids import new_id
from deploy.client import Customer
from deploy.observe.scrape import read
from tests.e2e.conftest import Open
from tests.e2e.whole import Whole
from tests.support import eventually
from tests.unit.deploy.test_observe import asked

LONG = re.compile(r"[0-9a-f]{8}|\d{5}|@")
"""Looks like an id, a number of one, or an address."""

FORWARD = [
    ("evt.purchase.requested", "orchestrator"),
    ("cmd.product.reserve_stock", "product"),
    ("evt.product.stock_reserved", "orchestrator"),
    ("cmd.order.create_order", "order"),
    ("evt.order.order_created", "orchestrator"),
    ("cmd.payment.authorize_payment", "payment"),
]
HEARD = {("evt.product.stock_reserved", "purchase"), ("evt.order.order_created", "purchase")}
COMPLETED = [
    *FORWARD,
    ("evt.payment.payment_authorized", "orchestrator"),
    ("cmd.purchase.complete", "purchase"),
]
FAILED = [*FORWARD, ("evt.payment.payment_declined", "orchestrator"), ("cmd.purchase.fail", "purchase")]
UNDONE = {
    ("evt.purchase.cancelled", "orchestrator"),
    *(("cmd.product.release_stock", "product"), ("evt.product.stock_released", "purchase")),
    *(("cmd.order.cancel_order", "order"), ("evt.order.order_cancelled", "purchase")),
    *(("cmd.payment.void_payment", "payment"), ("evt.payment.payment_voided", "purchase")),
}
MAILED = {("evt.purchase.cancelled", "mail"), ("evt.mail.mail_accepted", "purchase")}
"""Seen where the mail was the last to confirm, and so led to an event."""


async def series(shop: Whole) -> set[tuple[str, str, frozenset[tuple[str, str]]]]:
    """All that is shown by anybody, without the numbers."""
    found = set()
    for service, parts in shop.parts.items():
        for part in parts:
            async with shop.shop.session.get(f"http://127.0.0.1:{part.settings.port}/metrics") as answer:
                assert answer.status == 200
                page = read(await answer.text())
        found |= {(service, name, labels) for name, labels in page.samples}
    return found


async def live(shop: Whole, customer: Customer, lamp: str) -> list[str]:
    """A purchase that completes, one that is declined, looked at, and some questions about nothing."""
    bought = [await customer.buy({lamp: 1}), await customer.buy({lamp: 1}, token="tok_decline")]
    for each in bought:
        async for _ in customer.watch(each["id"]):
            pass
        await customer.call("GET", f"/purchases/{each['id']}")
    await customer.call("GET", f"/products/{lamp}")
    await customer.call("GET", f"/purchases/{new_id()}", expect=404)
    await customer.call("GET", f"/products/{new_id()}", expect=404)
    return [each["id"] for each in bought]


def hops(shown: Any) -> list[tuple[str, str]]:
    return [(hop["subject"], hop["consumer"]) for hop in shown["timing"]]


def assert_contiguous(shown: Any, way: list[tuple[str, str]]) -> None:
    """Each hop ends when the next message is said: no time is lost between them, and none told twice."""
    by_name = {(hop["subject"], hop["consumer"]): hop for hop in shown["timing"]}
    for name, following in itertools.pairwise(way):
        hop = by_name[name]
        dwelt = sum(hop[f"{stage}_ms"] for stage in ("outbox", "stream", "queue", "handler"))
        end = datetime.fromisoformat(hop["said_at"]) + timedelta(milliseconds=dwelt)
        apart = datetime.fromisoformat(by_name[following]["said_at"]) - end
        assert abs(apart) < timedelta(milliseconds=1), (name, following)


async def test_every_hop_is_told_and_no_label_grows_with_customers_or_purchases(a_shop: Open) -> None:
    async with a_shop() as shop:
        ann, lamp = await shop.customer(), await shop.product(inventory=1000)
        completed, failed = await live(shop, ann, lamp)
        await shop.settled()
        shown = await ann.call("GET", f"/purchases/{completed}?include=timing")
        assert [each for each in hops(shown) if each not in HEARD] == COMPLETED
        assert set(hops(shown)) - set(COMPLETED) == HEARD
        assert_contiguous(shown, COMPLETED)
        shown = await ann.call("GET", f"/purchases/{failed}?include=timing")
        assert set(hops(shown)) - MAILED == {*FAILED, *HEARD, *UNDONE}
        assert_contiguous(shown, FAILED)
        await ann.call("GET", f"/purchases/{completed}?include=everything", expect=400)

        await series(shop)  # which counts itself
        before = await series(shop)
        others = await shop.customers(2)
        lamps = [await shop.product(inventory=1000) for _ in others]
        await asyncio.gather(*(live(shop, *each) for each in zip(others, lamps, strict=True)))
        await shop.settled()
        stranger = await others[0].call("GET", f"/purchases/{completed}?include=timing", expect=404)
        assert "timing" not in stranger
        after = await series(shop)
        assert {each for each in after - before if each[2]} == set()
        for _, name, labels in after:
            assert not [value for label, value in labels if label != "le" and LONG.search(value)], (
                name,
                labels,
            )
        await eventually(partial(all_is_there, shop))


async def all_is_there(shop: Whole) -> bool:
    """What alerts and dashboards ask for; the stream is looked at every two seconds."""
    names = {re.sub(r"_(bucket|count|sum)$", "", name) for _, name, _ in await series(shop)}
    assert {name for name in asked() if not name.startswith("audit_")} <= names
    return True
