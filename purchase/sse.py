"""Server-sent events (HTML Living Standard, 9.2): the log after Last-Event-ID, then live, in order, once."""

import asyncio
import random
from collections.abc import AsyncGenerator
from contextlib import AbstractContextManager

from common.postgres.database import UNAVAILABLE, Database
from common.telemetry import spans
from purchase import event_log
from purchase.followers import Follower, Followers, Frame, encoded
from purchase.model import is_last

RETRY_MS = 2000
FAREWELL_MS = (500, 4000)
AGAIN_SECONDS = 1.0
PAGE = 500

STILL_HERE = b": still here\n\n"
HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


def greeting() -> bytes:
    """Jittered, so that a restarted replica's clients do not come back all at once."""
    return f"retry: {int(RETRY_MS * random.uniform(0.75, 1.25))}\n\n".encode()  # noqa: S311  # jitter


def farewell() -> bytes:
    """The last words of a replica that stops: its clients come to the others one after another."""
    return f"retry: {random.randint(*FAREWELL_MS)}\n\n".encode()  # noqa: S311  # jitter


async def stream(
    db: Database, followers: Followers, follower: Follower, last_id: int, *, says_where: bool = False
) -> AsyncGenerator[bytes]:
    """Every event after `last_id`, once and in order; of a purchase it ends with the last one there is.

    The account's ends with its session. One that is new starts now, and says where now is. While the database
    is away it stays open, and then goes on where it was.
    """
    followers.add(follower)
    try:
        yield greeting()
        if says_where:
            yield f"id: {last_id}\n: now\n\n".encode()
        follower.resume(last_id)
        while not follower.is_closed:
            if follower.starts_reading() and not await _has_read(db, follower):
                await asyncio.sleep(AGAIN_SECONDS)
                continue
            while each := follower.take():
                followers.sent += 1
                with delivering(each):
                    yield each[2]
                if not follower.of_account and is_last(each[1]):
                    return
            if follower.is_idle:
                await follower.woken()
        if followers.is_stopping:
            yield farewell()
    finally:
        followers.remove(follower)


def delivering(frame: Frame) -> AbstractContextManager[object]:
    """While it goes out to a client; the end of a purchase's trace."""
    number, kind, _, trace = frame
    if not spans.is_recorded(trace):
        return spans.NOTHING
    return spans.aside(f"deliver {kind}", {"shop.event.type": kind, "shop.event.number": number}, of=trace)


async def _has_read(db: Database, follower: Follower) -> bool:
    """Whether the log could be read. No connection is held while the client reads."""
    try:
        async with db.read() as tx:
            rows = await event_log.after(
                tx, follower.key, follower.sent, PAGE, of_account=follower.of_account
            )
    except (*UNAVAILABLE, TimeoutError):
        follower.has_gap = True
        return False
    follower.read([encoded(*row) for row in rows], PAGE)
    return True
