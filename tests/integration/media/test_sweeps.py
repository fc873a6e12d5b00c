"""Rows and objects are compared: what the one has and the other has not goes."""

import io
from collections.abc import AsyncIterator
from uuid import UUID

import pytest

from common.ids import new_id
from common.postgres.database import Database
from media import sweeps
from media.intake import Intake
from media.sweeps import Sweeps
from tests.integration.media.conftest import Client, Shop
from tests.integration.media.samples import mp4, png


@pytest.fixture
async def client(shop: Shop) -> Client:
    return await shop.start()


@pytest.fixture
async def sweeping(shop: Shop) -> AsyncIterator[Sweeps]:
    async with Database.connect(shop.settings.database_url, size=2, name="media") as db:
        intake = Intake(db, shop.objects, pending_seconds=60)
        yield Sweeps(db, shop.objects, intake, every=60, compare_every=60, pending=0)


async def uploaded(client: Client) -> tuple[UUID, list[str]]:
    answer = await client.upload(png(), mp4())
    assert answer.status == 201
    items = answer.body["items"]
    return UUID(items[0]["product_id"]), [each["id"] for each in items]


async def test_an_object_without_a_row_goes_and_the_others_stay(client: Client, sweeping: Sweeps) -> None:
    _, ids = await uploaded(client)
    before = await client.shop.objects_of(ids)
    stranger = str(new_id())
    for name in (stranger, f"{stranger}-160", "lamp.png"):
        await client.shop.objects.put("images", name, io.BytesIO(b"x"), "image/png", "x")
    assert await sweeping.remove_strays() >= 3
    assert await client.shop.objects_of([stranger]) == []
    assert "lamp.png" not in await client.shop.objects.names("images", "")
    assert await client.shop.objects_of(ids) == before
    assert len(before) == 5


async def test_a_row_without_its_object_goes_with_its_thumbnails(client: Client, sweeping: Sweeps) -> None:
    product, ids = await uploaded(client)
    await client.shop.objects.remove("images", ids[0])
    assert await sweeping.remove_lost() == 1
    assert [each["id"] for each in await client.listed(product)] == ids[1:]
    assert await client.shop.objects_of(ids) == ids[1:]


async def test_a_store_that_has_lost_its_disk_costs_no_row(
    client: Client, sweeping: Sweeps, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeps, "MOST_LOST", 1)
    product, ids = await uploaded(client)
    for bucket, name in zip(("images", "videos"), ids, strict=True):
        await client.shop.objects.remove(bucket, name)
    assert await sweeping.remove_lost() == 0
    assert [each["id"] for each in await client.listed(product)] == ids
