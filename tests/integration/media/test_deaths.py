"""A process that dies between any two steps: in the end no row is without its objects, and no object without
its row."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from common.main import Role
from tests.integration.media.conftest import Client, Shop
from tests.integration.media.process import media_process
from tests.integration.media.samples import form, jpeg, mp4, png
from tests.support import eventually

UPLOADING = ("media.before_objects", "media.between_objects", "media.before_stored", "media.before_answer")
REMOVING = ("media.before_removing", "media.between_removals", "media.before_forgetting")
STORED_BY = {"media.before_answer"}
"""Where everything has happened but the answer."""


async def dies(shop: Shop, place: str, folder: Path) -> None:
    """A process that was told to die there; it is in the middle of an upload, or of a removal."""
    budget = folder / place
    budget.write_text("1")
    doomed = {"failpoint": place, "failpoint_budget": str(budget), "upload_folder": str(folder)}
    async with media_process(shop.settings, **doomed) as process:
        client = await shop.client(process.base)
        with pytest.raises(aiohttp.ClientError):
            await (client.upload(png(), mp4()) if place in UPLOADING else come_and_go(client))
        assert await process.died() == 9
    assert budget.read_text() == "0"


async def come_and_go(client: Client) -> None:
    [item] = (await client.upload(jpeg())).body["items"]
    await client("DELETE", f"/media/{item['id']}")


async def rows_and_objects(shop: Shop) -> tuple[dict[str, int], list[str], list[str]]:
    """Statuses; objects without a row that is stored; objects that such a row lacks."""
    rows = await shop.look("SELECT id, format FROM media WHERE status = 'STORED'")
    wanted = {
        f"{row['id']}{suffix}"
        for row in rows
        for suffix in (["", "-160", "-480", "-960"] if row["format"].startswith("image") else [""])
    }
    there = {name for bucket in ("images", "videos") for name in await shop.objects.names(bucket, "")}
    return await shop.statuses(), sorted(there - wanted), sorted(wanted - there)


async def test_whoever_dies_leaves_nothing_behind_that_nobody_finishes(shop: Shop, tmp_path: Path) -> None:
    for bucket in ("images", "videos"):
        for name in await shop.objects.names(bucket, ""):
            await shop.objects.remove(bucket, name)
    await asyncio.gather(*(dies(shop, place, tmp_path) for place in (*UPLOADING, *REMOVING)))

    statuses, without_row, without_object = await rows_and_objects(shop)
    assert statuses == {"PENDING": 6, "STORED": 2 * len(STORED_BY), "REMOVED": 3}
    assert len(without_row) > 4, "some died with objects in the store"
    assert without_object == []

    await shop.look("UPDATE media SET due_at = now() WHERE status <> 'STORED'")  # time passes
    await shop.start(Role.WORKER)

    async def is_tidy() -> bool:
        return await rows_and_objects(shop) == ({"STORED": 2 * len(STORED_BY)}, [], [])

    await eventually(is_tidy, seconds=90, every=0.1)  # whoever removes something has 30 s


def is_empty(folder: Path) -> bool:
    return not list(folder.iterdir())


async def test_an_upload_that_is_cut_off_leaves_no_file(shop: Shop, tmp_path: Path) -> None:
    async with media_process(shop.settings, upload_folder=str(tmp_path)) as process:
        client = await shop.client(process.base)
        raw, kind = form([("product_id", str(await shop.product()).encode()), ("data", mp4(2**20))])
        half = asyncio.Event()

        async def slowly() -> AsyncIterator[bytes]:
            yield raw[: len(raw) // 2]
            half.set()
            await asyncio.Event().wait()

        sending = asyncio.ensure_future(client("POST", "/media/upload", raw=slowly(), kind=kind))
        await half.wait()
        await eventually(lambda: process.writes_to(tmp_path))
        assert is_empty(tmp_path)
        process.kill()
        with pytest.raises(aiohttp.ClientError):
            await sending
    assert is_empty(tmp_path)
    assert await shop.statuses() == {}
