"""Whose a product is: heard, or asked; and with a product go its pictures."""

from collections.abc import AsyncIterator
from uuid import UUID

import pytest

from common.ids import new_id
from common.main import Role
from tests.integration.media.conftest import Shop
from tests.integration.media.samples import png
from tests.integration.product.conftest import Shop as ProductShop
from tests.integration.product.conftest import opened as product_opened
from tests.people import SELLER, STRANGER
from tests.servers import Servers
from tests.support import Issuer, eventually


@pytest.fixture
async def products(servers: Servers, issuer: Issuer) -> AsyncIterator[ProductShop]:
    async with product_opened(servers, issuer) as shop:
        yield shop


async def test_who_has_not_heard_of_a_product_asks(shop: Shop, products: ProductShop) -> None:
    seller = await products.start()
    lamp = UUID((await seller.product())["id"])
    client = await shop.start(Role.API)  # and so hears nothing

    async def are_told(status: int, product: UUID, by: UUID) -> bool:
        """Until both have found the broker nobody is asked, and an answer that takes long is none."""
        return (await client.upload(png(), product=product, by=by)).status == status

    await eventually(lambda: are_told(404, lamp, STRANGER))
    await eventually(lambda: are_told(201, lamp, SELLER))
    await eventually(lambda: are_told(404, new_id(), SELLER))
    assert [tuple(row) for row in await shop.look("SELECT version, deleted FROM products")] == [(0, False)]


async def test_nobody_answers_and_so_nobody_knows(shop: Shop) -> None:
    client = await shop.start(Role.API)
    assert (await client.upload(png(), product=new_id())).verdict == (503, "unavailable")


async def test_a_product_that_is_deleted_takes_its_pictures_along(shop: Shop, products: ProductShop) -> None:
    seller = await products.start()
    lamp = UUID((await seller.product())["id"])
    client = await shop.start()

    async def is_known() -> bool:
        return bool(await shop.look("SELECT FROM products WHERE product_id = $1 AND version = 1", lamp))

    await eventually(is_known)
    answer = await client.upload(png(), product=lamp, by=SELLER)
    assert answer.status == 201, answer.body
    assert (await seller("DELETE", f"/products/{lamp}")).status == 204

    async def is_gone() -> bool:
        ids = [each["id"] for each in answer.body["items"]]
        return await shop.statuses() == {} and await shop.objects_of(ids) == []

    await eventually(is_gone)
    assert (await client.upload(png(), product=lamp, by=SELLER)).status == 404
