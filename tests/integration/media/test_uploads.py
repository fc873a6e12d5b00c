"""Pictures and videos over HTTP: sent, seen by everybody, taken away again."""

import asyncio
import io
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import pytest
from PIL import Image
from PIL.ExifTags import Base

from tests.integration.media.conftest import Client
from tests.integration.media.samples import chunk, form, jpeg, mp4, picture, png
from tests.people import ADMIN, SELLER, STRANGER
from tests.support import eventually

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def fetched(client: Client, url: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    async with client.session.get(url, headers=headers) as answer:
        return (
            answer.status,
            {name.lower(): value for name, value in answer.headers.items()},
            await answer.read(),
        )


async def test_several_files_of_one_product_are_seen_by_everybody(client: Client) -> None:
    product = await client.shop.product()
    answer = await client.send(
        [
            ("product_id", str(product).encode()),
            *(("alt", each.encode()) for each in ("Đèn bàn", "From behind", "It bends")),
            *(("data", each) for each in (png(), jpeg(1200, 800), mp4())),
        ]
    )
    assert answer.status == 201, answer.body
    items = answer.body["items"]
    assert [each["content_type"] for each in items] == ["image/png", "image/jpeg", "video/mp4"]
    assert [each["alt"] for each in items] == ["Đèn bàn", "From behind", "It bends"]
    assert [(each["width"], each["height"]) for each in items] == [(300, 200), (1200, 800), (640, 360)]
    assert [[one["width"] for one in each["thumbnails"]] for each in items] == [
        [160, 300, 300],
        [160, 480, 960],
        [],
    ]
    assert await client.listed(product) == items
    for each in items:
        assert (await client("GET", f"/media/{each['id']}", by=None)).body == each
        status, headers, body = await fetched(client, each["url"])
        assert (status, headers["content-type"], len(body)) == (200, each["content_type"], each["size"])
        assert each["id"] in headers["content-disposition"]
        for thumbnail in each["thumbnails"]:
            _, _, small = await fetched(client, thumbnail["url"])
            assert Image.open(io.BytesIO(small)).size == (thumbnail["width"], thumbnail["height"])


async def test_a_part_of_a_video_is_had_alone(client: Client) -> None:
    [video] = (await client.upload(mp4(100_000))).body["items"]
    status, headers, body = await fetched(client, video["url"], Range="bytes=100-199")
    assert (status, len(body)) == (206, 100)
    assert headers["content-range"] == f"bytes 100-199/{video['size']}"
    _, _, whole = await fetched(client, video["url"])
    assert whole[100:200] == body


async def test_what_a_camera_notes_is_gone_and_the_picture_is_upright(client: Client) -> None:
    exif = Image.Exif()
    exif[Base.Orientation] = 6
    exif[Base.Make] = "secret-camera"
    sent = jpeg(400, 200, exif=exif, comment=b"secret-comment", icc_profile=b"secret-profile")
    noted = chunk(b"tEXt", b"Comment\0secret-text") + chunk(b"eXIf", b"Exif\0\0" + exif.tobytes()[6:])
    items = (await client.upload(sent, png(before=noted))).body["items"]
    assert (items[0]["width"], items[0]["height"]) == (200, 400)
    for each in items:
        for url in (each["url"], *(one["url"] for one in each["thumbnails"])):
            _, _, body = await fetched(client, url)
            assert b"secret" not in body
            assert not Image.open(io.BytesIO(body)).getexif()


async def test_where_a_video_was_made_is_gone_and_it_plays_as_before(client: Client) -> None:
    place = b"\0\0\0\x1c\xa9xyz\0\x0c+10.7769+106.7009/secret"
    sent = mp4(beside=b"\0\0\0" + bytes([8 + len(place)]) + b"udta" + place)
    [video] = (await client.upload(sent)).body["items"]
    _, _, body = await fetched(client, video["url"])
    assert b"secret" not in body
    assert (len(body), body[-5000:]) == (len(sent), sent[-5000:])


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "I;16", "CMYK"])
async def test_every_kind_of_colour_is_taken(client: Client, mode: str) -> None:
    made, kind = io.BytesIO(), "JPEG" if mode == "CMYK" else "PNG"
    base = Image.new(mode, (200, 100), 40_000) if mode == "I;16" else picture(200, 100).convert(mode)
    base.save(made, kind)
    answer = await client.upload(made.getvalue())
    assert answer.status == 201, answer.body
    _, _, body = await fetched(client, answer.body["items"][0]["url"])
    seen = Image.open(io.BytesIO(body))
    assert (seen.size, seen.format) == ((200, 100), kind)
    if mode == "I;16":
        assert seen.getpixel((0, 0)) == 40_000 // 256


async def test_a_list_has_pages(client: Client) -> None:
    product = await client.shop.product()
    sent = [
        (await client.upload(png(seed, 10), product=product)).body["items"][0]["id"] for seed in (11, 12, 13)
    ]
    path = f"/media?product_id={product}&limit=2"
    first = (await client("GET", path, by=None)).body
    assert [each["id"] for each in first["items"]] == sent[:2]
    rest = (await client("GET", f"{path}&cursor={first['next']}", by=None)).body
    assert ([each["id"] for each in rest["items"]], rest["next"]) == (sent[2:], None)
    skipped = (await client("GET", f"{path}&offset=2", by=None)).body
    assert [each["id"] for each in skipped["items"]] == sent[2:]
    assert (await client("GET", "/media", by=None)).status == 400


async def test_only_the_seller_or_an_administrator_uploads(client: Client) -> None:
    product = await client.shop.product()
    assert (await client.upload(png(), product=product, by=None)).status == 401
    assert (await client.upload(png(), product=product, verified=False)).verdict == (403, "not_verified")
    foreign = await client.upload(png(), product=product, by=STRANGER)
    gone = await client.upload(png(), product=await client.shop.product(deleted=True))
    assert foreign.status == gone.status == 404
    assert foreign.body | {"trace_id": ""} == gone.body | {"trace_id": ""}
    assert await client.listed(product) == []
    assert (await client.upload(png(), product=product, by=ADMIN)).status == 201


async def test_only_the_seller_or_an_administrator_removes(client: Client) -> None:
    answer = await client.upload(png(), jpeg(), mp4())
    product = UUID(answer.body["items"][0]["product_id"])
    ids = [each["id"] for each in answer.body["items"]]
    assert (await client("DELETE", f"/media/{ids[0]}", by=None)).status == 401
    assert (await client("DELETE", f"/media/{ids[0]}", by=STRANGER)).status == 403
    assert (await client("DELETE", f"/media/{uuid4()}")).status == 404
    for media_id, by in zip(ids, (SELLER, ADMIN, SELLER), strict=True):
        assert (await client("DELETE", f"/media/{media_id}", by=by)).status == 204
        assert (await client("GET", f"/media/{media_id}", by=None)).status == 404
    assert await client.listed(product) == []
    assert await client.shop.objects_of(ids) == []
    assert await client.shop.look("SELECT id FROM media WHERE product_id = $1", product) == []


async def test_a_link_to_download_expires(client: Client) -> None:
    [item] = (await client.upload(png())).body["items"]
    path = f"/media/{item['id']}/link"
    assert (await client("GET", path, by=None)).status == 401
    assert (await client("GET", f"/media/{uuid4()}/link")).status == 404
    link = (await client("GET", path, by=STRANGER)).body
    status, headers, body = await fetched(client, link["url"])
    assert (status, len(body)) == (200, item["size"])
    assert headers["content-disposition"] == f'attachment; filename="{item["id"]}.png"'
    assert "X-Amz-Expires=900" in link["url"]
    longer = link["url"].replace("X-Amz-Expires=900", "X-Amz-Expires=9000")
    assert (await fetched(client, longer))[0] == 403


@pytest.mark.parametrize(
    ("parts", "field"),
    [
        ([("data", png())], "product_id"),
        ([("product_id", b"{}")], "data"),
        ([("product_id", b"{}"), ("product_id", b"{}"), ("data", png())], "product_id"),
        ([("product_id", b"lamp"), ("data", png())], "product_id"),
        ([("product_id", b"{}"), ("colour", b"red"), ("data", png())], "colour"),
        ([("product_id", b"{}"), ("alt", b"x" * 301), ("data", png())], "alt"),
        ([("product_id", b"{}"), ("alt", b"a\r\nb"), ("data", png())], "alt"),
        ([("product_id", b"{}"), ("alt", b"\xff"), ("data", png())], "alt"),
        ([("product_id", b"{}"), *[("alt", b"a")] * 2, ("data", png())], "alt"),
    ],
)
async def test_a_form_says_which_of_its_fields_is_wrong(
    client: Client, parts: list[tuple[str, bytes]], field: str
) -> None:
    product = str(await client.shop.product()).encode()
    answer = await client.send([(name, product if text == b"{}" else text) for name, text in parts])
    assert answer.verdict == (400, "invalid")
    assert answer.body["errors"][0]["field"] == field


async def test_too_many_at_once_are_told_to_wait(client: Client) -> None:
    held = asyncio.Event()
    raw, kind = form([("data", png())])

    async def slowly() -> AsyncIterator[bytes]:
        yield raw[:50]
        await held.wait()

    sending = [
        asyncio.ensure_future(client("POST", "/media/upload", raw=slowly(), kind=kind)) for _ in range(2)
    ]

    async def is_full() -> bool:
        return (await client.upload(png())).verdict == (429, "too_many_uploads")

    await eventually(is_full)
    held.set()
    assert [each.verdict for each in await asyncio.gather(*sending)] == [(400, "invalid")] * 2
    assert (await client.upload(png())).status == 201
