"""One stop, whoever asks for it and how often."""

import asyncio
import logging
from typing import Any

import pytest
from litestar.types import Message, Receive, Scope, Send

from common import stopping
from common.http.leaving import Leaving
from common.stopping import Stop, end


async def test_it_begins_once_and_the_first_signal_sets_the_deadline() -> None:
    stop, told = Stop(5.0), list[str]()
    stop.then(lambda: told.append("first"))
    assert stop.left() == float("inf")
    began = asyncio.get_running_loop().time()
    stop.begin()
    deadline = stop.deadline
    stop.begin()
    stop.then(lambda: told.append("late"))
    await stop.begun()
    assert (stop.deadline, told) == (deadline, ["first", "late"])
    left = stop.left(but=1.0)
    assert 3.9 - (asyncio.get_running_loop().time() - began) < left <= 4.0
    assert stop.left(but=6.0) == 0.0


async def test_a_loop_that_forgets_a_cancellation_is_cancelled_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stopping, "AGAIN_SECONDS", 0.01)
    forgotten = 0

    async def forgets(times: int) -> None:
        nonlocal forgotten
        for _ in range(times):
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                forgotten += 1
        await asyncio.Event().wait()

    async def is_over() -> None: ...

    tasks = [asyncio.ensure_future(each) for each in (forgets(0), forgets(2), is_over())]
    await asyncio.sleep(0)
    async with asyncio.timeout(30):
        await end(tasks)
    assert [task.cancelled() for task in tasks] == [True, True, False]
    assert forgotten == 2


async def asked(app: Any, stop: Stop) -> list[Message]:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Any:
        await asyncio.Event().wait()

    scope: Any = {"type": "http", "method": "GET", "path": "/slow", "headers": []}
    task = asyncio.ensure_future(Leaving(app, stop)(scope, receive, send))
    await asyncio.sleep(0)
    task.cancel()
    await task
    return sent


async def never(_scope: Scope, _receive: Receive, _send: Send) -> None:
    await asyncio.Event().wait()


async def half(_scope: Scope, _receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await asyncio.Event().wait()


async def test_a_request_that_is_cut_off_is_told_to_come_again(caplog: pytest.LogCaptureFixture) -> None:
    stop = Stop(1.0)
    stop.begin()
    with caplog.at_level(logging.WARNING):
        start, body = await asked(never, stop)
    assert start["status"] == 503  # type: ignore[typeddict-item]
    headers = dict(start["headers"])  # type: ignore[typeddict-item]
    assert headers[b"retry-after"] == b"1"
    assert headers[b"connection"] == b"close"
    assert b'"code":"stopping"' in body["body"]  # type: ignore[typeddict-item]
    assert "GET /slow is cut off by the stop" in caplog.text


async def test_an_answer_that_has_begun_is_not_begun_again() -> None:
    stop = Stop(1.0)
    stop.begin()
    [start] = await asked(half, stop)
    assert start["status"] == 200  # type: ignore[typeddict-item]


async def test_only_a_stop_closes_connections() -> None:
    [start] = await asked(half, Stop(1.0))
    assert start["headers"] == []  # type: ignore[typeddict-item]
