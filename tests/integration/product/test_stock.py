"""Stock over HTTP: what the seller puts in and takes out, what a buyer would find."""

import asyncio
from contextlib import suppress
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest

from common.contracts.product import Check, ProductCheck, Wish
from common.messaging.broker import broker
from common.messaging.requests import Requests, Unavailable
from tests.integration.product.conftest import Client
from tests.people import ADMIN, STRANGER, Answer
from tests.support import eventually

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_stock_is_added_subtracted_and_set(client: Client) -> None:
    path = f"/products/{(await client.product(inventory=5))['id']}"
    for order, left in (({"change": 5}, 10), ({"change": -3}, 7), ({"set": 2}, 2), ({"set": 0}, 0)):
        answer = await client("POST", f"{path}/stock", order)
        assert (answer.status, answer.body["inventory"]) == (200, left)
        assert (await client("GET", path)).body["inventory"] == left


async def test_stock_is_never_below_zero(client: Client) -> None:
    path = f"/products/{(await client.product(inventory=5))['id']}/stock"
    assert (await client("POST", path, {"change": -6})).verdict == (409, "insufficient_stock")
    assert (await client("POST", path, {"change": -5})).body["inventory"] == 0


async def test_what_everybody_takes_at_once_is_exactly_what_there_is(client: Client) -> None:
    product = await client.product(inventory=5)
    path = f"/products/{product['id']}/stock"
    answers = await asyncio.gather(*(client("POST", path, {"change": -1}) for _ in range(9)))
    assert sorted(answer.status for answer in answers) == [200] * 5 + [409] * 4
    [row] = await client.shop.look(
        "SELECT received, available FROM stock WHERE product_id = $1", product["id"]
    )
    assert tuple(row) == (0, 0)


@pytest.mark.parametrize(
    ("order", "status"),
    [
        ({}, 422),
        ({"change": 1, "set": 1}, 422),
        ({"set": -1}, 400),
        ({"set": 10**9 + 1}, 400),
        ({"change": 10**30}, 400),
        ({"change": 1.5}, 400),
        ({"change": "1"}, 400),
        ({"change": 10**9}, 422),
        ({"delta": 1}, 400),
    ],
)
async def test_a_stock_order_out_of_bounds_is_refused(
    client: Client, order: dict[str, Any], status: int
) -> None:
    product = await client.product(inventory=5)
    answer = await client("POST", f"/products/{product['id']}/stock", order)
    assert answer.status == status
    assert (await client("GET", f"/products/{product['id']}")).body["inventory"] == 5


async def test_only_the_seller_or_an_administrator_changes_stock(client: Client) -> None:
    path = f"/products/{(await client.product())['id']}/stock"
    assert (await client("POST", path, raw=b"{", by=None)).status == 401
    assert (await client("POST", path, raw=b"{", by=STRANGER)).status == 403
    assert (await client("POST", path, {"set": 1}, by=ADMIN)).status == 200
    assert (await client("POST", f"/products/{uuid4()}/stock", raw=b"{")).status == 404


async def check(client: Client, *wishes: tuple[str, int]) -> Answer:
    body = [{"product_id": product_id, "quantity": quantity} for product_id, quantity in wishes]
    return await client("POST", "/products/check", body, by=None)


async def test_a_check_is_exact_at_the_boundary(client: Client) -> None:
    tea = (await client.product(inventory=3))["id"]
    assert (await check(client, (tea, 3))).body == {
        "available": True,
        "items": [{"product_id": tea, "quantity": 3, "available": True, "reason": None}],
    }
    nowhere = str(uuid4())
    answer = await check(client, (tea, 4), (nowhere, 1))
    assert answer.status == 200
    assert not answer.body["available"]
    assert [line["reason"] for line in answer.body["items"]] == ["insufficient_stock", "unknown_product"]


@pytest.mark.parametrize(
    "body",
    [
        [],
        {},
        [{}],
        [{"product_id": "1", "quantity": 1}],
        [{"product_id": str(uuid4()), "quantity": 0}],
        [{"product_id": str(uuid4()), "quantity": -1}],
        [{"product_id": str(uuid4()), "quantity": 2**63}],
        [{"product_id": str(uuid4()), "quantity": 1, "price": 0}],
        [{"product_id": str(uuid4()), "quantity": 1}] * 101,
    ],
)
async def test_a_check_out_of_bounds_is_refused(client: Client, body: Any) -> None:
    assert (await client("POST", "/products/check", body, by=None)).status == 400


async def test_another_service_is_told_the_same_about_a_basket_as_a_browser(client: Client) -> None:
    tea, cup = [UUID((await client.product(inventory=units))["id"]) for units in (5, 1)]
    wishes = [
        Wish(product_id=tea, quantity=5),
        Wish(product_id=cup, quantity=2),
        Wish(product_id=uuid4(), quantity=1),
    ]
    browser = await client("POST", "/products/check", msgspec.to_builtins(wishes))
    async with broker(client.shop.nats_url, "asker") as connection:
        await connection.ready()

        async def answered() -> Check | None:
            """Not if it takes the service longer than two seconds."""
            with suppress(Unavailable):
                return await Requests(connection).ask(ProductCheck(items=wishes), timeout=30)
            return None

        told = await eventually(answered)
    assert told is not None
    assert [each.reason for each in told.items] == [None, "insufficient_stock", "unknown_product"]
    assert browser.body == msgspec.to_builtins(told)
