"""Uploads past the shop: by a link to the object store, handed in afterwards."""

import io
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest

from common.postgres.database import Database
from media.inspection import Inspector
from media.intake import Intake
from media.model import STAGED
from media.staging import Staging
from tests.integration.media.conftest import Client
from tests.integration.media.samples import jpeg, mp4, png
from tests.people import ADMIN, SELLER, STRANGER, Answer

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def offered(
    client: Client, size: int, *, product: UUID | None = None, by: UUID | None = SELLER
) -> Answer:
    known = {"product_id": product or await client.shop.product(), "alt": "A lamp", "size": size}
    return await client(
        "POST", "/media/uploads", raw=msgspec.json.encode(known), kind="application/json", by=by
    )


async def put(client: Client, url: str, content: bytes) -> int:
    async with client.session.put(url, data=io.BytesIO(content)) as answer:
        return answer.status


async def hand_in(client: Client, upload: dict[str, Any], **who: Any) -> Answer:
    return await client("POST", f"/media/uploads/{upload['id']}", **who)


async def staged(client: Client) -> list[str]:
    return await client.shop.objects.names(STAGED, "")


@pytest.mark.parametrize("content", [png(), jpeg(), mp4()])
async def test_what_came_by_the_link_is_stored_like_any_upload(client: Client, content: bytes) -> None:
    product = await client.shop.product()
    link = (await offered(client, len(content), product=product)).body
    assert (await hand_in(client, link)).verdict == (409, "not_uploaded")
    assert await put(client, link["url"], content) == 200
    async with client.session.get(client.shop.objects.url(STAGED, link["id"])) as seen:
        assert seen.status == 403, "nobody sees it before it is looked at"
    assert (await hand_in(client, link, by=STRANGER)).status == 404
    answer = await hand_in(client, link)
    assert answer.status == 201, answer.body
    assert await client.listed(product) == answer.body["items"]
    assert answer.body["items"][0]["alt"] == "A lamp"
    assert (await hand_in(client, link)).status == 404
    assert link["id"] not in await staged(client)


@pytest.mark.parametrize(
    ("content", "verdict"),
    [
        (b"<svg/>", (415, "unsupported_media")),
        (png()[:-40], (422, "damaged_media")),
        (jpeg() + bytes(5 * 2**20), (413, "too_large")),
    ],
)
async def test_it_passes_the_same_checks(client: Client, content: bytes, verdict: tuple[int, str]) -> None:
    link = (await offered(client, len(content))).body
    assert await put(client, link["url"], content) == 200
    assert (await hand_in(client, link)).verdict == verdict
    assert (await hand_in(client, link)).status == 404
    assert link["id"] not in await staged(client)


async def test_a_link_takes_the_bytes_that_were_announced_and_no_others(client: Client) -> None:
    link = (await offered(client, len(png()))).body
    assert "X-Amz-Expires=900" in link["url"]
    for wrong in (
        (link["url"], png() + b"x"),
        (link["url"], png()[:-1]),
        (link["url"].replace("Expires=900", "Expires=9000"), png()),
        (link["url"].replace(link["id"], str(uuid4())), png()),
        (link["url"].replace(f"/{STAGED}/", "/images/"), png()),
    ):
        assert await put(client, *wrong) == 403


async def test_only_the_seller_gets_one_and_not_too_many(client: Client) -> None:
    product = await client.shop.product()
    assert (await offered(client, 10, product=product, by=None)).status == 401
    assert (await offered(client, 10, product=product, by=STRANGER)).status == 404
    assert (await offered(client, 10, product=uuid4(), by=ADMIN)).status == 503, "nobody says whose it is"
    assert (await offered(client, 257 * 2**20, product=product)).verdict == (413, "too_large")
    answers = [await offered(client, 10, product=product, by=ADMIN) for _ in range(9)]
    assert [each.status for each in answers] == [201] * 8 + [429]


async def test_what_nobody_hands_in_goes(client: Client) -> None:
    kept, late = [(await offered(client, len(png()), by=by)).body for by in (SELLER, SELLER)]
    for link in (kept, late):
        assert await put(client, link["url"], png()) == 200
    await client.shop.look("UPDATE staged SET expires_at = now() WHERE id = $1", UUID(late["id"]))
    assert (await hand_in(client, late)).status == 404
    async with Database.connect(client.shop.settings.database_url, size=2, name="media") as db:
        intake = Intake(db, client.shop.objects, pending_seconds=60)
        await Staging(db, intake, Inspector(None), limits={}, folder=None).sweep()
    assert kept["id"] in await staged(client)
    assert late["id"] not in await staged(client)
