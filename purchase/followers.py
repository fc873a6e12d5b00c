"""Who follows what in this process, and what each still has to be sent."""

import asyncio
import logging
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Sequence, Set
from contextlib import contextmanager
from itertools import cycle
from uuid import UUID

from common.http.auth import Caller
from common.postgres.database import UNAVAILABLE, Database
from purchase import event_log
from purchase.event_log import Event

log = logging.getLogger(__name__)

POLL_SECONDS = 4.0
"""With the statement, less than the five seconds within which an event arrives without Redis."""
HEARTBEAT_SECONDS = 15
MOST_WAITING = 64

Frame = tuple[int, str, bytes, str | None]
"""Number, type, what is sent, and its trace: written once for all who follow the same."""


def encoded(number: int, kind: str, data: str, trace: str | None) -> Frame:
    return number, kind, f"id: {number}\nevent: {kind}\ndata: {data}\n\n".encode(), trace


class Follower:
    """One open stream: a bounded queue, and whether the log must be read again.

    What it sends next is decided here, without any waiting: a model checker runs over it.
    """

    def __init__(self, key: UUID, caller: Caller, *, of_account: bool) -> None:
        self.key = key
        self.caller = caller
        self.of_account = of_account
        self.sent = 0
        self.has_gap = False
        self.is_closed = False
        self.found: deque[Frame] = deque()
        self.waiting: deque[Frame] = deque()
        self._is_woken = False
        self._asleep: asyncio.Future[bool] | None = None

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
        self.found.extend(page)
        self.has_gap |= len(page) == most

    def take(self) -> Frame | None:
        """The next frame to send; None when the log must be read first, or nothing is left."""
        if self.found:
            return self._sending(self.found.popleft())
        while self.waiting and not self.has_gap:
            frame = self.waiting.popleft()
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

    def beat(self) -> None:
        """Time for a sign of life, if there is nothing better to say."""
        if self._asleep and not self._asleep.done():
            self._asleep.set_result(False)

    async def woken(self) -> bool:
        """Whether it was by an event; else it is time for a sign of life."""
        if not self._is_woken:
            self._asleep = asyncio.get_running_loop().create_future()
            try:
                if not await self._asleep:
                    return False
            finally:
                self._asleep = None
        self._is_woken = False
        return True

    def _wake(self) -> None:
        self._is_woken = True
        if self._asleep and not self._asleep.done():
            self._asleep.set_result(True)


class Followers:
    """Routes events to the streams of this process; nobody waits for a slow one.

    A stream is open for as long as `admits` says that its caller still may call.
    """

    def __init__(self, db: Database, admits: Callable[[Caller], bool] = lambda _caller: True) -> None:
        self.db = db
        self.admits = admits
        self.is_stopping = False
        self._by_key: defaultdict[UUID, set[Follower]] = defaultdict(set)
        self._of_account: defaultdict[UUID, set[Follower]] = defaultdict(set)
        self._wheel: list[set[Follower]] = [set() for _ in range(HEARTBEAT_SECONDS)]
        self._next_spoke = cycle(self._wheel)

    def count(self, account_id: UUID) -> int:
        return len(self._of_account.get(account_id, ()))

    @contextmanager
    def follow(self, follower: Follower) -> Iterator[Follower]:
        """From here on nothing is missed: register first, read the log second (protocol 8)."""
        places = ((self._by_key, follower.key), (self._of_account, follower.caller.account_id))
        for followers, key in places:
            followers[key].add(follower)
        spoke = next(self._next_spoke)
        spoke.add(follower)
        self.look_at({follower.caller.account_id})
        if self.is_stopping:  # it was let in just before
            follower.close()
        try:
            yield follower
        finally:
            spoke.discard(follower)
            for followers, key in places:
                followers[key].discard(follower)
                if not followers[key]:
                    del followers[key]

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
        for follower in self._everybody():
            follower.look_again()

    def stop(self) -> None:
        """Ends every stream; the clients come back to another replica with their Last-Event-ID."""
        self.is_stopping = True
        for follower in self._everybody():
            follower.close()

    async def beat(self) -> None:
        """Runs until cancelled: one timer for all streams, each of which has its second of a turn."""
        while True:
            for spoke in self._wheel:
                await asyncio.sleep(1)
                for follower in spoke:
                    follower.beat()

    async def poll(self) -> None:
        """Runs until cancelled: one statement per process finds the streams that are behind the log."""
        while True:
            await asyncio.sleep(POLL_SECONDS)
            try:
                await self._find_behind()
            except UNAVAILABLE as error:
                log.warning("looking for missed events: %r", error)

    async def _find_behind(self) -> None:
        everybody = self._everybody()
        if not everybody:
            return
        purchases = [each.key for each in everybody if not each.of_account]
        accounts = [each.key for each in everybody if each.of_account]
        async with self.db.read() as tx:
            newest = await event_log.newest(tx, purchases, accounts)
        for follower in everybody:
            if newest.get(follower.key, 0) > follower.sent:
                follower.look_again()

    def _everybody(self) -> list[Follower]:
        return [follower for followers in self._by_key.values() for follower in followers]
