"""The page's files, as browsers and caches ask for them."""

import re
from collections.abc import AsyncIterator
from html.parser import HTMLParser

import pytest
from litestar import Litestar
from litestar.testing import AsyncTestClient

from common.http import errors
from purchase import page
from purchase.settings import PurchaseSettings

SETTINGS = PurchaseSettings(
    port=1,
    nats_url="-",
    redis_url="-",
    database_url="-",
    jwks_url="-",
    mail_page_url="http://mail.test",
    pictures_url="http://pictures.test:9000",
)
Client = AsyncTestClient[Litestar]


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    app = Litestar(page.pages(SETTINGS), exception_handlers=errors.HANDLERS, openapi_config=None)
    async with AsyncTestClient(app) as made:
        yield made


async def test_nobody_may_frame_it_and_it_runs_only_its_own_scripts(client: Client) -> None:
    answer = await client.get("/")
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "img-src 'self' http://pictures.test:9000;" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"


@pytest.mark.parametrize("path", ["/", "/static/app.js", "/static/style.css", "/static/shop.json"])
async def test_who_has_it_already_gets_it_only_once(client: Client, path: str) -> None:
    first = await client.get(path)
    assert first.headers["Cache-Control"] == "no-cache"
    for tag in (first.headers["ETag"], f'"other", W/{first.headers["ETag"]}', "*"):
        again = await client.get(path, headers={"If-None-Match": tag})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["ETag"] == first.headers["ETag"]
    assert (await client.get(path, headers={"If-None-Match": '"other"'})).status_code == 200


async def test_a_head_request_is_answered_without_a_body(client: Client) -> None:
    answer = await client.head("/static/app.js")
    assert answer.status_code == 200
    assert answer.headers["ETag"]


@pytest.mark.parametrize(
    "name", ["nope.js", "..%2fapp.py", "%2e%2e/app.py", "%2fetc%2fpasswd", "shop.json%00"]
)
async def test_there_is_nothing_but_the_page_s_own_files(client: Client, name: str) -> None:
    assert (await client.get(f"/static/{name}")).status_code == 404


async def test_the_page_learns_what_it_cannot_know(client: Client) -> None:
    known = (await client.get("/static/shop.json")).json()
    assert known == {"currency_code": "VND", "mail_page": "http://mail.test"}


async def test_every_file_that_it_names_is_there(client: Client) -> None:
    for name in page.read(SETTINGS):
        text = (await client.get(f"/static/{name}")).text
        for path in re.findall(r'["(](/static/[^"]+)"', text):
            assert (await client.get(path)).status_code == 200, path


async def test_nothing_is_inline_and_nothing_comes_from_elsewhere(client: Client) -> None:
    found: list[str] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            given = dict(attrs)
            if tag == "style" or (tag == "script" and "src" not in given):
                found.append(tag)
            found.extend(name for name in given if name == "style" or name.startswith("on"))
            found.extend(url for url in (given.get("src"), given.get("href")) if url and url[0] != "/")

    Reader().feed((await client.get("/")).text)
    assert not found
