"""Server-sent events (HTML Living Standard, 9.2): the log after Last-Event-ID, then live, in order, once."""

import random
from collections.abc import AsyncIterator
from uuid import UUID

from common.http.auth import Caller
from common.postgres.database import Database
from purchase import event_log
from purchase.followers import Follower, Followers, Frame
from purchase.model import is_last

HEARTBEAT_SECONDS = 15.0
RETRY_MS = 2000
PAGE = 500

HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


def frame(number: int, kind: str, data: str) -> bytes:
    return f"id: {number}\nevent: {kind}\ndata: {data}\n\n".encode()


def greeting() -> bytes:
    """Jittered, so that a restarted replica's clients do not come back all at once."""
    return f"retry: {int(RETRY_MS * random.uniform(0.75, 1.25))}\n\n".encode()  # noqa: S311  # jitter


async def purchase_stream(
    db: Database, followers: Followers, purchase_id: UUID, caller: Caller, last_id: int
) -> AsyncIterator[bytes]:
    """Ends after `completed` or `settled`."""
    follower = Follower(purchase_id, caller, of_account=False)
    with followers.follow(follower):
        yield greeting()
        async for number, kind, data in events(db, follower, last_id):
            yield frame(number, kind, data) if kind else data.encode()
            if is_last(kind):
                return


async def account_stream(
    db: Database, followers: Followers, caller: Caller, last_id: int | None
) -> AsyncIterator[bytes]:
    """Ends with its session; without a Last-Event-ID it starts now, and says where now is."""
    follower = Follower(caller.account_id, caller, of_account=True)
    with followers.follow(follower):
        yield greeting()
        if last_id is None:
            async with db.read() as tx:
                last_id = await event_log.newest_of_account(tx, caller.account_id)
            yield f"id: {last_id}\n: now\n\n".encode()
        async for number, kind, data in events(db, follower, last_id):
            yield frame(number, kind, data) if kind else data.encode()


async def events(db: Database, follower: Follower, last_id: int) -> AsyncIterator[Frame]:
    """Every event once and in order; a frame without a kind is a heartbeat."""
    follower.resume(last_id)
    while not follower.is_closed:
        if follower.starts_reading():
            follower.read(await _page(db, follower), PAGE)
        while each := follower.take():
            yield each
        if follower.is_idle and not await follower.woken(HEARTBEAT_SECONDS):
            yield (0, "", ": still here\n\n")


async def _page(db: Database, follower: Follower) -> list[Frame]:
    """No connection is held while the client reads."""
    async with db.read() as tx:
        rows = await event_log.after(tx, follower.key, follower.sent, PAGE, of_account=follower.of_account)
    return [(number, kind, data) for number, kind, data in rows]
