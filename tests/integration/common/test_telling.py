"""An answer that goes on after its request: what becomes of the connection, whatever either side does."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from common.http import pulse as pulse_module
from common.settings import Settings
from tests.integration.common.door import Told, Wire, door, pulse, told, wire
from tests.support import eventually

TOLD = b"GET /api/v1/told HTTP/1.1\r\nHost: x\r\n\r\n"
PAGE = b"GET /api/v1/page HTTP/1.1\r\nHost: x\r\n\r\n"
END = b"0\r\n\r\n"

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def at() -> AsyncIterator[Settings]:
    async with door() as settings:
        yield settings


async def begun(client: Wire, request: bytes = TOLD) -> Told:
    await client.say(request)
    assert (await client.reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
    story = await told.get()
    story.say(b"once")
    assert await client.reader.readuntil(b"once\r\n") == b"4\r\nonce\r\n"
    return story


async def test_the_connection_serves_on_after_a_stream(at: Settings) -> None:
    async with wire(at) as client:
        for _ in range(2):
            story = await begun(client)
            story.say(b"")
            assert await client.reader.readuntil(END) == END
            await client.say(PAGE)
            assert (await client.answer())[2] == b"<p>"


async def test_it_ends_with_the_stream_where_the_client_asks_for_that(at: Settings) -> None:
    async with wire(at) as client:
        story = await begun(client, TOLD.replace(b"Host: x", b"Host: x\r\nConnection: close"))
        story.say(b"")
        assert await client.reader.read() == END


@pytest.mark.parametrize("is_late", [False, True])
async def test_who_asks_again_before_the_end_asks_once_more_elsewhere(at: Settings, is_late: bool) -> None:
    """Nothing is kept of what comes meanwhile, and it is not answered."""
    async with wire(at) as client:
        story = await begun(client, TOLD if is_late else TOLD + PAGE)
        if is_late:
            await client.say(PAGE)
            story.say(b"twice")
            await client.reader.readuntil(b"twice\r\n")
        story.say(b"")
        assert await client.reader.read() == END


async def test_a_body_that_is_still_to_come_is_no_next_request(at: Settings) -> None:
    async with wire(at) as client:
        story = await begun(client, TOLD.replace(b"Host: x", b"Host: x\r\nContent-Length: 100"))
        story.say(b"")
        assert await client.reader.read() == END


async def test_a_client_that_leaves_ends_what_it_was_told(at: Settings) -> None:
    async with wire(at) as client:
        story = await begun(client)
        client.writer.close()
        await story.is_over.wait()


async def test_a_client_that_does_not_read_is_not_told_more_and_misses_nothing(at: Settings) -> None:
    piece, pieces = bytes(2**16), 400
    async with wire(at, limit=2**16) as client:
        story = await begun(client)
        for _ in range(pieces):
            story.say(piece)
        story.say(b"")
        await eventually(lambda: story.is_sending)
        assert story.frames.qsize() > pieces // 4, "the system keeps some for the client, and nobody else"
        length = sum([len(each) async for each in read_to_the_end(client)])
        assert length == pieces * len(b"10000\r\n" + piece + b"\r\n") + len(END)


async def read_to_the_end(client: Wire) -> AsyncIterator[bytes]:
    data = b""
    while not data.endswith(END):
        data = await client.reader.read(2**16)
        yield data


async def test_a_stream_that_breaks_does_not_look_finished(
    at: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    async with wire(at) as client:
        story = await begun(client)
        story.say(None)
        assert await client.reader.read() == b""
    assert "a stream is broken" in caplog.text


async def nothing_moves(story: Told) -> bool:
    """All that is between the two is full: while it fills, there is room now and then."""
    left = story.frames.qsize()
    for _ in range(50):
        await asyncio.sleep(0.001)
    return story.is_sending and story.frames.qsize() == left


async def test_a_silent_stream_says_that_it_is_alive_and_a_full_one_does_not(
    at: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pulse_module, "TICKS", 10_000)
    async with wire(at) as client, wire(at, limit=2**16) as full:
        await begun(client)
        flood = await begun(full)
        for _ in range(400):
            flood.say(bytes(2**16))
        await eventually(lambda: nothing_moves(flood))
        beating = asyncio.ensure_future(pulse.run())
        for _ in range(3):
            assert await client.reader.readuntil(b"alive\r\n") == b"7\r\n: alive\r\n"
        beating.cancel()
        flood.say(b"")
        assert not [each async for each in read_to_the_end(full) if b"alive" in each]
