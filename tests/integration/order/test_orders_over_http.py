"""What a customer and an administrator see of orders."""

from typing import Any
from uuid import UUID

import aiohttp
import pytest

from common.contracts.message import Item, Purchase
from common.contracts.order import ApproveOrder, CancelOrder, CreateOrder
from common.ids import new_id
from tests.integration.order.wire import Wire, changed, item, purchase, registered
from tests.support import Issuer, eventually

API = "/api/v1/orders"


@pytest.fixture
def me() -> UUID:
    return new_id()


async def placed(world: Wire, account_id: UUID, *items: Item) -> Purchase:
    bought = purchase(account_id, *items)
    await world.say(CreateOrder(purchase=bought))
    await world.answer(CreateOrder(purchase=bought))
    return bought


async def seen(api: aiohttp.ClientSession, path: str, **options: Any) -> Any:
    async with api.get(API + path, **options) as response:
        assert response.status == 200, await response.text()
        return await response.json()


async def status(api: aiohttp.ClientSession, path: str, **options: Any) -> int:
    async with api.get(API + path, **options) as response:
        assert response.content_type == "application/problem+json"
        return response.status


async def test_an_order_shows_what_was_bought_at_which_price_and_where_it_goes(
    api: aiohttp.ClientSession, world: Wire, issuer: Issuer, me: UUID
) -> None:
    await world.say(registered(me, address="7 Phố Huế"))
    bought = await placed(world, me)
    shown = await seen(api, f"/{bought.id}", headers=issuer.headers(me))
    tea, cup = bought.items
    assert shown.pop("created_at").endswith("Z")
    assert shown == {
        "id": str(bought.id),
        "account_id": str(me),
        "status": "PROCESSING",
        "items": [
            {
                "product_id": str(each.product_id),
                "name": each.name,
                "brand_name": "Leaf",
                "price": each.unit_price,
                "quantity": each.quantity,
                "total": each.unit_price * each.quantity,
            }
            for each in (tea, cup)
        ],
        "total": 13_000,
        "currency_code": "VND",
        "delivery": {"address": "7 Phố Huế", "phone_number": "+84123456"},
    }


async def test_the_end_of_the_purchase_shows_in_the_status(
    api: aiohttp.ClientSession, world: Wire, issuer: Issuer, me: UUID
) -> None:
    await world.say(registered(me))
    kept, undone = await placed(world, me), await placed(world, me)
    await world.say(ApproveOrder(purchase=kept), CancelOrder(purchase=undone))
    await world.answer(ApproveOrder(purchase=kept))
    await world.answer(CancelOrder(purchase=undone))
    mine = await seen(api, "", headers=issuer.headers(me))
    assert {each["id"]: each["status"] for each in mine["items"]} == {
        str(kept.id): "APPROVED",
        str(undone.id): "CANCELED",
    }


async def test_the_next_order_goes_to_the_new_address(
    api: aiohttp.ClientSession, world: Wire, issuer: Issuer, me: UUID
) -> None:
    await world.say(registered(me, address="old"))
    first = await placed(world, me)
    await world.say(changed(me, 3, address="new"), changed(me, 2, address="late"))
    second = await placed(world, me)
    addresses = [
        (await seen(api, f"/{each.id}", headers=issuer.headers(me)))["delivery"]["address"]
        for each in (first, second)
    ]
    assert addresses == ["old", "new"]


async def test_an_undo_before_the_order_leaves_nothing_to_see(
    api: aiohttp.ClientSession, world: Wire, issuer: Issuer, me: UUID
) -> None:
    await world.say(registered(me))
    never = purchase(me)
    await world.say(CancelOrder(purchase=never))
    await world.answer(CancelOrder(purchase=never))
    await world.say(CreateOrder(purchase=never))
    await world.answer(CreateOrder(purchase=never))
    assert await status(api, f"/{never.id}", headers=issuer.headers(me)) == 404
    assert (await seen(api, "", headers=issuer.headers(me)))["total"] == 0


async def test_the_list_is_mine_newest_first_and_stable_with_its_true_total(
    api: aiohttp.ClientSession, world: Wire, issuer: Issuer, me: UUID
) -> None:
    other = new_id()
    await world.say(registered(me), registered(other))
    mine = [str((await placed(world, me, item(quantity=n + 1))).id) for n in range(5)]
    await placed(world, other)
    headers = issuer.headers(me)
    pages = [
        await seen(api, "", params={"offset": offset, "limit": 2}, headers=headers) for offset in (0, 2, 4, 6)
    ]
    assert [page["total"] for page in pages] == [5, 5, 5, 5]
    assert [each["id"] for page in pages for each in page["items"]] == mine[::-1]
    assert [each["items"][0]["quantity"] for each in pages[0]["items"]] == [5, 4]
    after = await seen(api, "", params={"cursor": pages[0]["next"], "limit": 2}, headers=headers)
    assert after == pages[1]
    assert pages[2]["next"] is None


async def test_an_administrator_sees_everybodys_orders_and_a_customer_only_the_own(
    api: aiohttp.ClientSession, world: Wire, issuer: Issuer, me: UUID
) -> None:
    other, boss = new_id(), issuer.headers(new_id(), role="admin")
    await world.say(registered(me), registered(other))
    mine, theirs = await placed(world, me), await placed(world, other)
    everybody = await seen(api, "", params={"all": "true"}, headers=boss)
    assert [each["id"] for each in everybody["items"]] == [str(theirs.id), str(mine.id)]
    assert (await seen(api, "", params={"account_id": str(me)}, headers=boss))["items"][0]["id"] == str(
        mine.id
    )
    assert (await seen(api, "", headers=boss))["total"] == 0
    assert (await seen(api, f"/{mine.id}", headers=boss))["account_id"] == str(me)
    assert (await seen(api, "", params={"account_id": str(me)}, headers=issuer.headers(me)))["total"] == 1
    assert await status(api, "", params={"all": "true"}, headers=issuer.headers(me)) == 403
    assert await status(api, "", params={"account_id": str(other)}, headers=issuer.headers(me)) == 403


async def test_anothers_order_looks_exactly_like_an_unknown_one(
    api: aiohttp.ClientSession, world: Wire, issuer: Issuer, me: UUID
) -> None:
    await world.say(registered(me))
    bought = await placed(world, me)
    stranger = issuer.headers(new_id())
    bodies = []
    for order_id in (bought.id, new_id()):
        async with api.get(f"{API}/{order_id}", headers=stranger) as response:
            assert response.status == 404
            bodies.append({**(await response.json()), "trace_id": None})
    assert bodies[0] == bodies[1]


async def test_without_a_valid_access_token_nothing_is_told(
    api: aiohttp.ClientSession, issuer: Issuer, me: UUID
) -> None:
    refused: list[dict[str, str]] = [
        {},
        {"Authorization": f"Bearer {issuer.token(me)[:-4]}AAAA"},
        {"Authorization": f"Bearer {issuer.token(me, use='refresh')}"},
        {"Authorization": f"Bearer {issuer.token(me, exp=1)}"},
    ]
    for path in ("", f"/{new_id()}"):
        assert [await status(api, path, headers=headers) for headers in refused] == [401] * 4


UNACCEPTABLE = (
    "limit=0",
    "limit=101",
    "limit=9999999999999999999999",
    "offset=-1",
    "offset=9999999999999999999999",
    "limit=x",
    "cursor=x",
    "account_id=%00",
    "all=perhaps",
)


async def test_an_unacceptable_parameter_is_named_in_a_400(
    api: aiohttp.ClientSession, issuer: Issuer, me: UUID
) -> None:
    for query in UNACCEPTABLE:
        async with api.get(f"{API}?{query}", headers=issuer.headers(me)) as response:
            assert response.status == 400, query
            [error] = (await response.json())["errors"]
            assert error["field"] == query.partition("=")[0]


async def test_an_id_that_is_none_is_not_found(api: aiohttp.ClientSession, issuer: Issuer, me: UUID) -> None:
    for order_id in ("x", "%00", "1", f"{new_id()}x", "%F0%9F%98%80"):
        assert await status(api, f"/{order_id}", headers=issuer.headers(me)) == 404, order_id


async def test_the_openapi_document_names_both_routes_and_is_open(api: aiohttp.ClientSession) -> None:
    async with api.get("/api/v1/openapi/order.json") as response:
        document = await response.json(content_type=None)
    assert {path for path in document["paths"] if "orders" in path} == {API, API + "/{order_id}"}


async def test_the_service_says_that_it_is_ready(api: aiohttp.ClientSession) -> None:
    async def is_ready() -> bool:
        """Each dependency is given less than a second."""
        async with api.get("/readyz") as response:
            return response.status == 200

    await eventually(is_ready)
