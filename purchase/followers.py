"""Who follows what in this process, and what each still has to be sent."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Sequence, Set
from contextlib import suppress
from uuid import UUID

from common.http.auth import Caller
from common.postgres.database import UNAVAILABLE, Database
from purchase import event_log
from purchase.event_log import Event

log = logging.getLogger(__name__)

POLL_SECONDS = 4.0
"""With the statement, less than the five seconds within which an event arrives without Redis."""
ASKED_AT_ONCE = 1000
"""Streams that one statement looks for: a few milliseconds of this process."""
MOST_WAITING = 64
OF_PURCHASE, OF_ACCOUNT = "purchase", "account"

Frame = tuple[int, str, bytes, str | None]
"""Number, type, what is sent, and its trace: written once for all who follow the same."""


def encoded(number: int, kind: str, data: str, trace: str | None) -> Frame:
    return number, kind, f"id: {number}\nevent: {kind}\ndata: {data}\n\n".encode(), trace


class Follower:
    """One open stream: a bounded queue, and whether the log must be read again.

    What it sends next is decided here, without any waiting: a model checker runs over it. Most of its life it
    has nothing to send, and there are ten thousand like it: lists, because an empty deque has room for 64.
    """

    __slots__ = (
        "_asleep",
        "_is_woken",
        "caller",
        "found",
        "has_gap",
        "is_closed",
        "key",
        "of_account",
        "sent",
        "waiting",
    )

    def __init__(self, key: UUID, caller: Caller, *, of_account: bool) -> None:
        self.key = key
        self.caller = caller
        self.of_account = of_account
        self.sent = 0
        self.has_gap = False
        self.is_closed = False
        self.found: list[Frame] = []
        """From the log; the next one is the last."""
        self.waiting: list[Frame] = []
        self._is_woken = False
        self._asleep: asyncio.Future[None] | None = None

    @property
    def kind(self) -> str:
        return OF_ACCOUNT if self.of_account else OF_PURCHASE

    def resume(self, last_id: int) -> None:
        """Everything after `last_id` is still to be sent; what of it is old stands in the log."""
        self.sent = last_id
        self.has_gap = True

    def starts_reading(self) -> bool:
        """Whether the log must be read; what is missed from now on is a gap of its own."""
        starts, self.has_gap = self.has_gap, False
        return starts

    def read(self, page: Sequence[Frame], most: int) -> None:
        """What the log holds after `sent`: at most `most`, so a full page may not be all."""
        self.found = list(reversed(page))
        self.has_gap |= len(page) == most

    def take(self) -> Frame | None:
        """The next frame to send; None when the log must be read first, or nothing is left."""
        if self.found:
            return self._sending(self.found.pop())
        while self.waiting and not self.has_gap:
            frame = self.waiting.pop(0)
            if frame[0] == self.sent + 1:
                return self._sending(frame)
            self.has_gap = frame[0] > self.sent
        return None

    @property
    def is_idle(self) -> bool:
        return not (self.has_gap or self.waiting)

    def _sending(self, frame: Frame) -> Frame:
        self.sent = frame[0]
        return frame

    def offer(self, frame: Frame) -> None:
        """A stream that cannot keep up loses its queue, not its events: it reads them from the log."""
        if len(self.waiting) >= MOST_WAITING:
            self.waiting.clear()
            self.has_gap = True
        else:
            self.waiting.append(frame)
        self._wake()

    def look_again(self) -> None:
        self.has_gap = True
        self._wake()

    def close(self) -> None:
        self.is_closed = True
        self._wake()

    async def woken(self) -> None:
        """Returns when there may be something to send."""
        if not self._is_woken:
            self._asleep = asyncio.get_running_loop().create_future()
            try:
                await self._asleep
            finally:
                self._asleep = None
        self._is_woken = False

    def _wake(self) -> None:
        self._is_woken = True
        if self._asleep and not self._asleep.done():
            self._asleep.set_result(None)


class Followers:
    """Routes events to the streams of this process; nobody waits for a slow one.

    A stream is open for as long as `admits` says that its caller still may call.
    """

    def __init__(self, db: Database, admits: Callable[[Caller], bool] = lambda _caller: True) -> None:
        self.db = db
        self.admits = admits
        self.is_stopping = False
        self.open = {OF_PURCHASE: 0, OF_ACCOUNT: 0}
        self.sent = 0
        """Events, on all streams of this process."""
        self._by_key: defaultdict[UUID, set[Follower]] = defaultdict(set)
        self._of_account: defaultdict[UUID, set[Follower]] = defaultdict(set)
        self._is_missing = asyncio.Event()

    def count(self, account_id: UUID) -> int:
        return len(self._of_account.get(account_id, ()))

    def add(self, follower: Follower) -> None:
        """From here on nothing is missed: register first, read the log second (protocol 8)."""
        self.open[follower.kind] += 1
        self._by_key[follower.key].add(follower)
        self._of_account[follower.caller.account_id].add(follower)
        self.look_at({follower.caller.account_id})
        if self.is_stopping:  # it was let in just before
            follower.close()

    def remove(self, follower: Follower) -> None:
        self.open[follower.kind] -= 1
        _discard(self._by_key, follower.key, follower)
        _discard(self._of_account, follower.caller.account_id, follower)

    def look_at(self, accounts: Set[UUID]) -> None:
        """Ends the streams of those who may not call any more."""
        for account_id in accounts & self._of_account.keys():
            for follower in self._of_account[account_id]:
                if not self.admits(follower.caller):
                    follower.close()

    def hear(self, events: Sequence[Event]) -> None:
        """From this process after its commit, or from another one by Redis; twice is no harm."""
        for event in events:
            for key, number in ((event.purchase_id, event.seq), (event.account_id, event.account_seq)):
                if followers := self._by_key.get(key):
                    frame = encoded(number, event.type, event.data, event.traceparent)
                    for follower in followers:
                        follower.offer(frame)

    def look_again(self) -> None:
        """Anything may have been missed: whoever has missed something is found at once."""
        self._is_missing.set()

    def stop(self) -> None:
        """Ends every stream; the clients come back to another replica with their Last-Event-ID."""
        self.is_stopping = True
        for follower in self._everybody():
            follower.close()

    async def poll(self) -> None:
        """Runs until cancelled: finds the streams that are behind the log, by few statements for all."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(POLL_SECONDS):
                    await self._is_missing.wait()
            self._is_missing.clear()
            everybody = self._everybody()
            try:
                for first in range(0, len(everybody), ASKED_AT_ONCE):
                    await self._find_behind(everybody[first : first + ASKED_AT_ONCE])
            except UNAVAILABLE as error:
                log.warning("looking for missed events: %r", error)

    async def _find_behind(self, followers: Sequence[Follower]) -> None:
        purchases = [each.key for each in followers if not each.of_account]
        accounts = [each.key for each in followers if each.of_account]
        async with self.db.read() as tx:
            newest = await event_log.newest(tx, purchases, accounts)
        for follower in followers:
            if newest.get(follower.key, 0) > follower.sent:
                follower.look_again()

    def _everybody(self) -> list[Follower]:
        return [follower for followers in self._by_key.values() for follower in followers]


def _discard(followers: dict[UUID, set[Follower]], key: UUID, follower: Follower) -> None:
    followers[key].discard(follower)
    if not followers[key]:
        del followers[key]
