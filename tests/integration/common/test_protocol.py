"""Requests that are too long, too slow or no requests: a clear answer, and nothing kept."""

import asyncio
import time
from collections.abc import AsyncIterator

import psutil
import pytest
import pytest_asyncio

from common.http import protocol
from common.settings import Settings
from tests.integration.common.door import Wire, door, ticks, wire
from tests.support import eventually

PATIENCE = 0.5
LEAST = 1000
POST = b"POST /api/v1/echo HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
LONG = b"POST /api/v1/long HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n"
GET = b"GET /api/v1/page HTTP/1.1\r\nHost: x\r\n"

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def at(request: pytest.FixtureRequest) -> AsyncIterator[Settings]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(protocol, "LEAST_BYTES", LEAST)
        async with door() as settings:
            yield settings


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever comes now is not waited for long."""
    monkeypatch.setattr(protocol, "READ_SECONDS", PATIENCE)


async def refused(wire: Wire, status: int, code: str) -> None:
    answered, headers, body = await wire.answer()
    assert (answered, headers["content-type"]) == (status, "application/problem+json")
    assert f'"code":"{code}"'.encode() in body


async def serves(at: Settings) -> bool:
    async with wire(at) as next_client:
        await next_client.say(GET + b"\r\n")
        return (await next_client.answer())[0] == 200


@pytest.mark.usefixtures("hurried")
async def test_a_head_that_does_not_come_is_waited_for_only_so_long(at: Settings) -> None:
    for begun in (b"", b"GET /api", GET, GET + b"X-Slow: "):
        async with wire(at) as client:
            await client.say(begun)
            await refused(client, 408, "request_timeout")
            assert await client.is_closed()


@pytest.mark.usefixtures("hurried")
async def test_a_head_that_trickles_gains_no_time(at: Settings) -> None:
    async with wire(at) as client:
        await client.say(GET)
        closed = asyncio.ensure_future(client.is_closed())
        while not closed.done():
            client.writer.write(b"X-Slow: 1\r\n")
            await asyncio.wait([closed], timeout=PATIENCE / 10)


@pytest.mark.usefixtures("hurried")
async def test_a_body_that_does_not_come_is_not_waited_for_either(at: Settings) -> None:
    async with wire(at) as client:
        await client.say(POST + b"Content-Length: 10\r\n\r\n{")
        assert await client.is_closed()
    await eventually(lambda: serves(at))


async def is_sent_in_time(client: Wire, pieces: int) -> bool:
    """Whether none of them was so late that it may be given up: a machine may stall."""
    last = time.monotonic()
    await client.say(LONG % (pieces * LEAST))
    for _ in range(pieces):
        await asyncio.sleep(PATIENCE / 3)
        now = time.monotonic()
        await client.say(b"x" * LEAST)
        if time.monotonic() - last >= PATIENCE:
            return False
        last = now
    return True


@pytest.mark.usefixtures("hurried")
async def test_a_long_body_has_all_the_time_in_which_it_comes_where_its_route_is_patient(
    at: Settings,
) -> None:
    pieces = 9
    for _ in range(20):
        async with wire(at) as client:
            if await is_sent_in_time(client, pieces):
                assert (await client.answer())[2] == b'{"bytes":%d}' % (pieces * LEAST)
                await client.say(b"\r\n")
                assert await client.is_closed(), "the next request has no more time than others"
                return
    pytest.fail("the machine stalled each time")


@pytest.mark.usefixtures("hurried")
async def test_a_long_body_that_only_trickles_is_given_up_all_the_same(at: Settings) -> None:
    async with wire(at) as client:
        await client.say(LONG % LEAST)
        closed = asyncio.ensure_future(client.is_closed())
        while not closed.done():
            client.writer.write(b"x")
            await asyncio.wait([closed], timeout=PATIENCE / 10)


@pytest.mark.usefixtures("hurried")
async def test_a_second_request_gets_no_more_time_than_the_first(at: Settings) -> None:
    async with wire(at) as client:
        await client.say(GET + b"\r\n")
        assert (await client.answer())[0] == 200
        await client.say(b"\r\n")
        assert await client.is_closed()


@pytest.mark.usefixtures("hurried")
async def test_an_answer_may_take_for_ever(at: Settings) -> None:
    async with wire(at) as client:
        await client.say(GET.replace(b"page", b"events") + b"\r\n")
        await client.reader.readuntil(b"\r\n\r\n")
        for number in range(6):
            await asyncio.sleep(PATIENCE / 3)
            ticks.put_nowait(b"data: %d\n\n" % number)
            assert b"data: %d" % number in await client.reader.readuntil(b"\n\n")
        ticks.put_nowait(b"")


async def test_too_many_headers_are_not_read(at: Settings) -> None:
    async with wire(at) as client:
        await client.say(GET + b"".join(b"X-%d: %s\r\n" % (n, b"y" * 100) for n in range(400)) + b"\r\n")
        await refused(client, 431, "request_header_fields_too_large")


@pytest.mark.parametrize("begun", [b"GET /", GET + b"X-Long: "])
async def test_a_line_that_does_not_end_is_cut(at: Settings, begun: bytes) -> None:
    async with wire(at) as client:
        await client.say(begun + b"y" * 40_000)
        await refused(client, 431, "request_header_fields_too_large")


async def test_a_url_within_the_limit_is_only_not_found(at: Settings) -> None:
    async with wire(at) as client:
        await client.say(b"GET /api/v1/" + b"y" * 20_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await client.answer())[0] == 404


async def test_a_long_body_in_chunks_is_refused_at_the_limit_and_kept_nowhere(at: Settings) -> None:
    process = psutil.Process()
    async with wire(at) as client:
        await client.say(POST + b"Transfer-Encoding: chunked\r\n\r\n")
        before = process.memory_info().rss
        await client.say((b"8000\r\n" + b" " * 0x8000 + b"\r\n") * 3)
        assert (await client.answer())[0] == 413
        for _ in range(400):
            await client.say(b"40000\r\n" + b" " * 0x40000 + b"\r\n")
        assert process.memory_info().rss - before < 20 * 2**20, "after a hundred megabytes"


async def test_an_announced_length_is_refused_before_it_comes(at: Settings) -> None:
    async with wire(at) as client:
        await client.say(POST + b"Content-Length: 99999999999\r\n\r\n")
        assert (await client.answer())[0] == 413


@pytest.mark.parametrize("noise", [b"\x16\x03\x01", b"GET", b"GET / HTTP/9.9", POST + b"Content-Length: x"])
async def test_what_is_no_request_is_a_bad_one(at: Settings, noise: bytes) -> None:
    async with wire(at) as client:
        await client.say(noise + b"\r\n\r\n")
        await refused(client, 400, "bad_request")
    assert await serves(at)
