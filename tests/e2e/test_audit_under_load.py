"""No false alarm: audit after audit, while purchases of every kind run on two replicas of everybody."""

import asyncio
import random
from functools import partial

from deploy.audit.findings import Bounds, Report
from deploy.audit.look import look
from deploy.audit.sources import Sources, over_http
from deploy.client import Customer
from tests.e2e.conftest import Open
from tests.servers import Servers
from tests.support import eventually

BOUNDS = Bounds(late=60.0, settle=300.0, unsent=300.0)
"""Beyond what a busy machine takes: here it is about reads that are no snapshot, and not about time."""
TOKENS = ("tok_ok", "tok_ok", "tok_decline", "tok_slow", "tok_error_after")


async def test_an_audit_of_a_busy_shop_never_cries_wolf(a_shop: Open, servers: Servers) -> None:
    """Not even at the first look, whatever is on its way; a second one is for what nobody thought of."""
    psp = {"slow_seconds": 0.7}
    async with a_shop(replicas=2, psp=psp, purchase={"deadline": 1.0, "pending_per_account": 1000}) as shop:
        lamps = [await shop.product(inventory=40) for _ in range(5)]
        buyers = await shop.customers(12)
        urls = {service: servers.auditor_url(url) for service, url in shop.databases.items()}
        sources = Sources(urls, over_http(shop.psp.url))
        crowd = [shopping(each, lamps, number) for number, each in enumerate(buyers)]
        bought = asyncio.ensure_future(asyncio.gather(*crowd))
        reports: list[Report] = []
        while not bought.done() or len(reports) < 10:
            reports.append(await look(sources, BOUNDS))
        await bought
        assert [str(each) for report in reports for each in report.in_order] == []
        assert any(report.totals.open for report in reports), "no audit fell into a purchase's middle"
        assert any(report.totals.purchases.get("PENDING") for report in reports)
        plenty = await shop.product(inventory=1000)
        await eventually(partial(completes, buyers[0], plenty), seconds=120)
        await shop.settled()
        ends = await shop.assert_exact()
        assert {"COMPLETED", "FAILED", "TIMED_OUT"} <= ends.keys()


async def completes(customer: Customer, lamp: str) -> bool:
    """Of somebody who is alone: on a busy machine no other may get what he wants in time."""
    bought = await customer.buy({lamp: 1})
    return (await customer.outcome(bought["id"])).type == "completed"


async def shopping(customer: Customer, lamps: list[str], number: int) -> None:
    draw = random.Random(number)
    for _ in range(15):
        basket = dict.fromkeys(draw.sample(lamps, 2), draw.randint(1, 3))
        bought = await customer.buy(basket, token=draw.choice(TOKENS))
        if draw.random() < 0.2:
            async with customer.shop.session.post(
                customer.shop.url(f"/purchases/{bought['id']}/cancel"), headers=customer.headers
            ) as response:
                assert response.status in {200, 409}
        await customer.outcome(bought["id"])
