"""Server-sent events (HTML Living Standard, 9.2): the log after Last-Event-ID, then live, in order, once."""

import asyncio
import random
from collections.abc import AsyncGenerator
from contextlib import AbstractContextManager
from uuid import UUID

from common.http.auth import Caller
from common.postgres.database import UNAVAILABLE, Database
from common.telemetry import spans
from purchase import event_log
from purchase.followers import Follower, Followers, Frame, encoded
from purchase.model import is_last

RETRY_MS = 2000
FAREWELL_MS = (500, 4000)
AGAIN_SECONDS = 1.0
PAGE = 500

STILL_HERE: Frame = (0, "", b": still here\n\n", None)
HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


def greeting() -> bytes:
    """Jittered, so that a restarted replica's clients do not come back all at once."""
    return f"retry: {int(RETRY_MS * random.uniform(0.75, 1.25))}\n\n".encode()  # noqa: S311  # jitter


def farewell() -> bytes:
    """The last words of a replica that stops: its clients come to the others one after another."""
    return f"retry: {random.randint(*FAREWELL_MS)}\n\n".encode()  # noqa: S311  # jitter


async def purchase_stream(
    db: Database, followers: Followers, purchase_id: UUID, caller: Caller, last_id: int
) -> AsyncGenerator[bytes]:
    """Ends after `completed` or `settled`."""
    follower = Follower(purchase_id, caller, of_account=False)
    with followers.follow(follower):
        yield greeting()
        async for frame in events(db, follower, last_id):
            with delivering(frame):
                yield frame[2]
            if is_last(frame[1]):
                return
        if followers.is_stopping:
            yield farewell()


async def account_stream(
    db: Database, followers: Followers, caller: Caller, last_id: int, *, is_new: bool
) -> AsyncGenerator[bytes]:
    """Ends with its session; one that is new starts now, and says where now is."""
    follower = Follower(caller.account_id, caller, of_account=True)
    with followers.follow(follower):
        yield greeting()
        if is_new:
            yield f"id: {last_id}\n: now\n\n".encode()
        async for frame in events(db, follower, last_id):
            with delivering(frame):
                yield frame[2]
        if followers.is_stopping:
            yield farewell()


def delivering(frame: Frame) -> AbstractContextManager[object]:
    """While it goes out to a client; the end of a purchase's trace."""
    number, kind, _, trace = frame
    if not spans.is_recorded(trace):
        return spans.NOTHING
    return spans.aside(f"deliver {kind}", {"shop.event.type": kind, "shop.event.number": number}, of=trace)


async def events(db: Database, follower: Follower, last_id: int) -> AsyncGenerator[Frame]:
    """Every event once and in order; a frame without a kind is a heartbeat.

    While the database is away it stays open, and then goes on where it was.
    """
    follower.resume(last_id)
    while not follower.is_closed:
        if follower.starts_reading():
            try:
                page = await _page(db, follower)
            except (*UNAVAILABLE, TimeoutError):
                follower.has_gap = True
                yield STILL_HERE
                await asyncio.sleep(AGAIN_SECONDS)
                continue
            follower.read(page, PAGE)
        while each := follower.take():
            yield each
        if follower.is_idle and not await follower.woken():
            yield STILL_HERE


async def _page(db: Database, follower: Follower) -> list[Frame]:
    """No connection is held while the client reads."""
    async with db.read() as tx:
        rows = await event_log.after(tx, follower.key, follower.sent, PAGE, of_account=follower.of_account)
    return [encoded(*row) for row in rows]
