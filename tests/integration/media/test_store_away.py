"""The object store is away: what is written says so, what is read goes on, and nothing is lost."""

from typing import Any

from tests.integration.media.conftest import Client, Shop
from tests.integration.media.proxy import proxy
from tests.integration.media.samples import png
from tests.support import eventually


async def health(client: Client) -> dict[str, Any]:
    async with client.session.get(f"{client.base}/readyz") as answer:
        assert answer.status == 200
        report: dict[str, Any] = await answer.json()
        return report


async def test_it_is_away_and_comes_back(shop: Shop) -> None:
    async with proxy(shop.settings.s3_address) as between:
        client = await shop.start(s3_address=between.address)
        product = await shop.product()
        [item] = (await client.upload(png(), product=product)).body["items"]
        await between.down()

        for _ in range(2):  # the first finds out, the others are told at once
            answer = await client.upload(png(), product=product)
            assert answer.verdict == (503, "unavailable")
            assert int(answer.headers["Retry-After"]) > 0
        assert (await client("DELETE", f"/media/{item['id']}")).status == 503
        assert [each["id"] for each in await client.listed(product)] == [item["id"]]
        report = await eventually(lambda: health(client))
        assert (report["status"], report["checks"]["s3"]["ok"]) == ("degraded", False)

        await between.up()
        await eventually(lambda: is_well(client))
        assert (await client.upload(png(), product=product)).status == 201
        assert (await client("DELETE", f"/media/{item['id']}")).status == 204
        await eventually(lambda: only_stored(shop, 1), seconds=90)


async def is_well(client: Client) -> bool:
    return bool((await health(client))["checks"]["s3"]["ok"])


async def only_stored(shop: Shop, count: int) -> bool:
    """What the upload that failed had begun is taken back by the sweep, at the second try after 30 s."""
    return await shop.statuses() == {"STORED": count}


async def test_one_that_hangs_keeps_nobody_waiting_for_long(shop: Shop) -> None:
    async with proxy(shop.settings.s3_address) as between:
        client = await shop.start(s3_address=between.address)
        [item] = (await client.upload(png())).body["items"]
        between.passes.clear()
        report = await eventually(lambda: health(client))
        assert not report["checks"]["s3"]["ok"]
        assert (await client.upload(png())).status == 503
        assert (await client("GET", f"/media/{item['id']}", by=None)).status == 200
