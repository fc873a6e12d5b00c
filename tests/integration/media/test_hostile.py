"""Nothing of it is stored as it came, each is told so, and the process stays what it was."""

import sys
from collections.abc import AsyncIterator
from typing import NamedTuple
from uuid import UUID

import pytest
import pytest_asyncio

from tests.integration.media.conftest import Client, opened
from tests.integration.media.hostile import NAMES, PICTURES, VIDEOS, forms
from tests.integration.media.process import MediaProcess, media_process
from tests.integration.media.samples import jpeg, mp4, png
from tests.servers import Servers
from tests.support import Issuer

pytestmark = pytest.mark.asyncio(loop_scope="module")

MOST_GROWTH = 100 * 1024
VIDEO_GROWTH = 30 * 1024
"""KiB."""


class Attacked(NamedTuple):
    client: Client
    process: MediaProcess
    peak_kib: int
    """After an ordinary upload."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def attacked(servers: Servers, issuer: Issuer) -> AsyncIterator[Attacked]:
    """A process of its own, that has served already."""
    async with opened(servers, issuer) as shop, media_process(shop.settings) as process:
        client = await shop.client(process.base)
        assert (await client.upload(png(), jpeg(), mp4())).status == 201
        yield Attacked(client, process, process.peak_kib)


async def stored(client: Client, product: UUID) -> list[bytes]:
    """Every object of the product's, as it is in the store."""
    bodies = []
    for row in await client.shop.look("SELECT id, format FROM media WHERE product_id = $1", product):
        for name in await client.shop.objects_of([row["id"]]):
            bucket = "images" if row["format"].startswith("image") else "videos"
            async with client.session.get(client.shop.objects.url(bucket, name)) as answer:
                bodies.append(await answer.read())
    return bodies


@pytest.mark.parametrize("name", [*PICTURES, *VIDEOS])
async def test_what_is_no_picture_is_not_stored(attacked: Attacked, name: str) -> None:
    client, *_ = attacked
    product = await client.shop.product()
    sent = {**PICTURES, **VIDEOS}[name]
    answer = await client.upload(sent.content, product=product)
    assert answer.status in sent.answers, answer.body
    found = await stored(client, product)
    assert bool(found) == (answer.status == 201)
    assert not [body for body in found if b"h4cked" in body or body == sent.content]
    if answer.status != 201:
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.body["detail"]


async def test_one_bad_file_keeps_the_good_ones_out(attacked: Attacked) -> None:
    client, *_ = attacked
    product = await client.shop.product()
    answer = await client.upload(png(), jpeg(), png()[:-40], product=product)
    assert answer.verdict == (422, "damaged_media")
    assert await client.listed(product) == []


async def test_a_name_counts_for_nothing(attacked: Attacked) -> None:
    client, *_ = attacked
    answer = await client.upload(*[png()] * len(NAMES), names=NAMES)
    assert answer.status == 201, answer.body
    for item in answer.body["items"]:
        assert item["url"].endswith(f"/images/{item['id']}")
        assert not [name for name in NAMES if name and name in str(item)]


@pytest.mark.parametrize("name", forms(""))
async def test_what_is_no_form_is_refused(attacked: Attacked, name: str) -> None:
    client, *_ = attacked
    product = await client.shop.product()
    body, kind, answers = forms(str(product))[name]
    answer = await client("POST", "/media/upload", raw=body, kind=kind)
    assert answer.status in answers, answer.body
    assert len(await client.listed(product)) == (answer.status == 201)


async def test_a_video_passes_through_without_being_kept_in_memory(
    attacked: Attacked, capsys: pytest.CaptureFixture[str]
) -> None:
    client, process, _ = attacked
    before = process.peak_kib
    answer = await client.upload(mp4(40 * 2**20))
    assert answer.status == 201, answer.body
    growth = process.peak_kib - before
    with capsys.disabled():
        sys.stdout.write(f"\na video of 40 MiB: {growth / 1024:.1f} MiB more memory\n")
    assert growth < VIDEO_GROWTH


async def test_all_of_it_together_costs_little_memory(
    attacked: Attacked, capsys: pytest.CaptureFixture[str]
) -> None:
    """The last of the module: it looks at what the others left behind."""
    _, process, before = attacked
    growth = process.peak_kib - before
    count = len(PICTURES) + len(VIDEOS) + len(NAMES) + len(forms(""))
    with capsys.disabled():
        sys.stdout.write(f"\n{count} hostile files and forms: {growth / 1024:.1f} MiB more memory\n")
    assert growth < MOST_GROWTH
