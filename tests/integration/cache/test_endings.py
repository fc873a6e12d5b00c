"""What runs until it is cancelled ends when it is, at whichever step of a question to Redis that comes."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from tests.integration.cache.processes import Process

STEPS = 150
"""Turns of the event loop: several questions take fewer."""


def asks(process: Process) -> Callable[[], Awaitable[object]]:
    return lambda: process.store.ask(("GET", process.store.key("a", "word")))


def rings(process: Process) -> Callable[[], Awaitable[object]]:
    return lambda: process.bell.ring(b"")


@pytest.mark.parametrize("questions", [asks, rings])
async def test_a_loop_that_is_cancelled_ends(
    pair: tuple[Process, Process], questions: Callable[[Process], Callable[[], Awaitable[object]]]
) -> None:
    ask = questions(pair[0])
    await ask()

    async def forever() -> None:
        while True:
            await ask()

    for step in range(STEPS):
        loop = asyncio.ensure_future(forever())
        for _ in range(step):
            await asyncio.sleep(0)
        loop.cancel()
        done, _ = await asyncio.wait({loop}, timeout=30)
        while not loop.done():
            loop.cancel()
            await asyncio.sleep(0.001)
        assert done, f"cancelled at step {step} it went on"
