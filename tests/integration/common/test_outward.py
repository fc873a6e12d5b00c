"""What every answer of every service carries, and which other origins may read it."""

from collections.abc import AsyncIterator, Mapping

import aiohttp
import pytest
import pytest_asyncio

from tests.integration.common.door import door

OURS = "https://shop.example.com"
PREFLIGHT = {
    "Origin": OURS,
    "Access-Control-Request-Method": "PUT",
    "Access-Control-Request-Headers": "authorization",
}

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    async with (
        door(cors_origins=(OURS, "http://localhost:5173"), public_url=OURS) as settings,
        aiohttp.ClientSession(f"http://127.0.0.1:{settings.port}") as client,
    ):
        yield client


async def asked(
    client: aiohttp.ClientSession, method: str, path: str, headers: Mapping[str, str] | None = None
) -> tuple[int, Mapping[str, str]]:
    async with client.request(method, f"/api/v1{path}", headers=headers) as response:
        await response.read()
        return response.status, response.headers


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/secret", 401),
        ("GET", "/nowhere", 404),
        ("DELETE", "/echo", 405),
        ("TRACE", "/echo", 405),
        ("POST", "/echo", 400),
        ("GET", "/fault", 500),
        ("GET", "/openapi/door.json", 200),
    ],
)
async def test_every_answer_is_read_as_what_it_is_framed_by_nobody_and_kept_by_nobody(
    client: aiohttp.ClientSession, method: str, path: str, status: int
) -> None:
    answered, headers = await asked(client, method, path)
    assert answered == status
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cache-Control"] == "no-store"
    assert headers["Strict-Transport-Security"] == "max-age=31536000"
    assert "Server" not in headers
    assert len(headers.getall("Cache-Control")) == 1  # type: ignore[attr-defined]  # a multidict


async def test_a_page_keeps_the_policy_it_brings(client: aiohttp.ClientSession) -> None:
    _, headers = await asked(client, "GET", "/page")
    assert headers["Content-Security-Policy"] == "default-src 'self'"
    assert headers["Cache-Control"] == "public, max-age=60"
    assert headers["X-Content-Type-Options"] == "nosniff"


async def test_a_fault_says_nothing_of_its_cause(client: aiohttp.ClientSession) -> None:
    async with client.get("/api/v1/fault") as response:
        text = await response.text()
    assert "Traceback" not in text
    assert "of ours" not in text


async def test_without_https_nobody_is_sent_there() -> None:
    async with door() as settings, aiohttp.ClientSession(f"http://127.0.0.1:{settings.port}") as client:
        _, headers = await asked(client, "GET", "/page", {"Origin": OURS})
    assert "Strict-Transport-Security" not in headers
    assert "Access-Control-Allow-Origin" not in headers
    assert "Vary" not in headers


async def test_a_page_of_an_origin_in_the_settings_may_read(client: aiohttp.ClientSession) -> None:
    for path, status in (("/page", 200), ("/secret", 401), ("/nowhere", 404)):
        answered, headers = await asked(client, "GET", path, {"Origin": OURS})
        assert answered == status
        assert headers["Access-Control-Allow-Origin"] == OURS
        assert headers["Access-Control-Allow-Credentials"] == "true"
        assert headers["Vary"] == "Origin"


async def test_its_browser_is_told_so_before(client: aiohttp.ClientSession) -> None:
    status, headers = await asked(client, "OPTIONS", "/secret", PREFLIGHT)
    assert status == 204
    assert headers["Access-Control-Allow-Origin"] == OURS
    assert "PUT" in headers["Access-Control-Allow-Methods"]
    assert {"Authorization", "Idempotency-Key"} <= set(headers["Access-Control-Allow-Headers"].split(", "))


@pytest.mark.parametrize(
    "origin",
    [
        "https://shop.example.com.evil.org",
        "https://evil-shop.example.com",
        "https://shopXexample.com",
        "http://shop.example.com",
        "https://shop.example.com:443",
        "https://SHOP.example.com",
        "https://shop.example.com/",
        "null",
        "*",
        "",
    ],
)
async def test_no_other_origin_may_not_even_one_that_looks_like_it(
    client: aiohttp.ClientSession, origin: str
) -> None:
    for method in ("GET", "OPTIONS"):
        status, headers = await asked(client, method, "/secret", PREFLIGHT | {"Origin": origin})
        assert status == 401
        assert not [name for name in headers if name.startswith("Access-Control-")]
        assert headers["Vary"] == "Origin"
