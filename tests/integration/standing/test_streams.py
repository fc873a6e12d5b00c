"""An open event stream ends when its session or its account does."""

import asyncio
import time
from collections.abc import Callable

import aiohttp
import pytest

from common.contracts.message import Message
from tests.integration.standing.conftest import Open
from tests.integration.standing.world import Session, World
from tests.support import Issuer

FEW_SECONDS = 2.0
TRIES = 5
PATH = "/api/v1/purchases/events"


async def opened(world: World, base: str, headers: dict[str, str]) -> aiohttp.ClientResponse:
    response = await world.http.get(base + PATH, headers=headers, timeout=aiohttp.ClientTimeout(total=None))
    assert response.status == 200
    assert (await response.content.readline()).startswith(b"retry:")
    return response


async def ended_at(response: aiohttp.ClientResponse) -> float:
    async for _ in response.content:
        pass
    return time.monotonic()


def as_cookie(headers: dict[str, str]) -> dict[str, str]:
    return {"Cookie": f"stream_session={headers['Authorization'].removeprefix('Bearer ')}"}


@pytest.mark.parametrize("what", ["session", "account", "tokens"])
async def test_the_streams_of_who_may_not_call_any_more_end_on_every_replica(
    a_world: Open, issuer: Issuer, what: str
) -> None:
    """The best of five: other people use this machine, too."""
    staying = Session(issuer)
    words: dict[str, Callable[[Session], Message]] = {
        "session": Session.ended,
        "account": lambda each: each.changed(active=False),
        "tokens": lambda each: each.changed(least_version=2),
    }
    async with a_world("purchase") as world:
        others = [await opened(world, base, staying.headers()) for base in world.bases]
        times: list[float] = []
        while min(times, default=FEW_SECONDS) >= FEW_SECONDS:
            assert len(times) < TRIES, f"took {times} s"
            leaving = Session(issuer)
            both = leaving.headers(), as_cookie(leaving.headers())
            streams = [await opened(world, base, each) for base in world.bases for each in both]
            at = await world.say(words[what](leaving))
            times.append(max(await asyncio.gather(*map(ended_at, streams))) - at)
        for base in world.bases:
            async with world.http.get(base + PATH, headers=as_cookie(leaving.headers())) as again:
                assert again.status == 401
        await world.say(staying.changed(2, verified=False))
        await world.both_answer(403, ("POST", "/purchases"), staying.headers())
        for each in others:
            assert not each.content.at_eof()
            each.close()
