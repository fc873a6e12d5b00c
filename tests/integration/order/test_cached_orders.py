"""An order that is decided is read once; whose it is, is looked at every time."""

from uuid import UUID

import aiohttp
import asyncpg
import pytest

from common.contracts.order import ApproveOrder, CreateOrder
from common.ids import new_id
from order.settings import OrderSettings
from tests.integration.order.wire import Wire, purchase, registered
from tests.servers import Servers
from tests.support import Issuer

pytestmark = pytest.mark.usefixtures("patient")


async def seen(
    api: aiohttp.ClientSession, issuer: Issuer, order_id: UUID, by: UUID, role: str = "customer"
) -> tuple[int, str | None]:
    """Its status and the order's."""
    async with api.get(f"/api/v1/orders/{order_id}", headers=issuer.headers(by, role=role)) as response:
        return response.status, (await response.json()).get("status" if response.status == 200 else "code")


async def loads(api: aiohttp.ClientSession) -> float:
    async with api.get("/metrics") as response:
        [line] = [
            line for line in (await response.text()).splitlines() if line.startswith("shop_cache_loads_total")
        ]
    return float(line.split()[-1])


async def test_only_what_is_decided_is_kept_and_only_its_owner_sees_it(
    api: aiohttp.ClientSession, world: Wire, issuer: Issuer
) -> None:
    me, stranger = new_id(), new_id()
    await world.say(registered(me))
    bought = purchase(me)
    await world.say(CreateOrder(purchase=bought))
    await world.answer(CreateOrder(purchase=bought))
    assert [await seen(api, issuer, bought.id, me) for _ in range(2)] == [(200, "PROCESSING")] * 2
    assert await loads(api) == 2
    await world.say(ApproveOrder(purchase=bought))
    await world.answer(ApproveOrder(purchase=bought))
    assert [await seen(api, issuer, bought.id, me) for _ in range(3)] == [(200, "APPROVED")] * 3
    assert await loads(api) == 3
    assert await seen(api, issuer, bought.id, stranger) == (404, "not_found")
    assert await seen(api, issuer, bought.id, stranger, "admin") == (200, "APPROVED")
    assert await loads(api) == 3


async def test_an_order_that_is_kept_needs_no_table(
    api: aiohttp.ClientSession, world: Wire, issuer: Issuer, order_settings: OrderSettings, servers: Servers
) -> None:
    """Its lines are gone, and nobody has noticed."""
    me = new_id()
    await world.say(registered(me))
    bought = purchase(me)
    for command in (CreateOrder(purchase=bought), ApproveOrder(purchase=bought)):
        await world.say(command)
        await world.answer(command)
    assert await seen(api, issuer, bought.id, me) == (200, "APPROVED")
    connection = await asyncpg.connect(servers.owner_url(order_settings.database_url))
    await connection.execute("TRUNCATE orders, order_lines")
    await connection.close()
    assert await seen(api, issuer, bought.id, me) == (200, "APPROVED")
    assert await seen(api, issuer, bought.id, new_id()) == (404, "not_found")
