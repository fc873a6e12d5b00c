"""Keeps the filter complete: builds it, vouches for it, and repeats what may have been lost.

What the consumer adds is the quick way. The sure one: whoever vouches has first added everything of the last
minutes once more, straight from the table. A lease that is alive was given after that, and so a filter that a
failover brought back misses nothing but ids that are young.
"""

import asyncio
import logging
import secrets
import time
from collections.abc import Awaitable, Callable, Sequence
from uuid import UUID

from common.cache.filter import MARK, NAME, YOUNG_SECONDS, lease_key
from common.cache.kinds import Kind
from common.cache.store import Away, Store
from common.postgres.database import UNAVAILABLE

log = logging.getLogger(__name__)

EVERY = 1.0
VOUCH_EVERY = 15.0
LEASE_MS = 60_000
"""How long a filter is believed without its keeper, and the most that a failover takes back unnoticed."""
REPEATED_SECONDS = 2 * YOUNG_SECONDS
RENEW_SECONDS = 3600.0
"""Built anew: ids that came past the service are in it then, and deleted ones are not."""
LOCK_MS = 20_000
PAGE = 2_000
LEAST_ROOM = 10_000
MOST_DOUBLINGS = 4


class Broken(Exception):
    """The filter is full or gone: nobody may believe it."""


class Unsupported(Exception):
    """This server has no such filter, or lets us have none."""


Page = Callable[[UUID, int], Awaitable[Sequence[UUID]]]
"""From the database: the ids that follow one, in order, at most so many."""


class Keeper:
    """The writing side, in every process that works; one of them at a time builds or vouches."""

    def __init__(self, store: Store, kind: Kind, page: Page) -> None:
        self._store = store
        self._kind = kind
        self._page = page
        self._lease = lease_key(store)

    async def run(self) -> None:
        """Runs until cancelled, or until it is clear that here is no filter to be had."""
        while True:
            try:
                await self.tend()
            except Unsupported as error:
                log.warning("no filter of ids here, every unknown one is looked up: %s", error)
                return
            except (Away, *UNAVAILABLE) as error:
                log.warning("the filter of ids cannot be kept now: %r", error)
            await asyncio.sleep(EVERY)

    async def tend(self) -> None:
        """One look: a filter that is missing or old is built, one that is there is vouched for."""
        name = await self._vouched()
        is_due = name is None or _age(name) > RENEW_SECONDS
        if is_due and await self._is_ours("build", LOCK_MS):
            await self._build(name)
        elif name is not None and await self._is_ours("vouch", round(1000 * VOUCH_EVERY)):
            await self._vouch(name)

    async def add(self, ids: Sequence[UUID]) -> None:
        """To the filter of the moment; one that is being built finds them in the table. Raises Away."""
        name = await self._vouched()
        if name is not None and ids:
            try:
                await self._insert(name, [each.bytes for each in ids])
            except Broken as error:
                await self._disown(error)

    async def _vouched(self) -> str | None:
        [name] = await self._store.ask(("GET", self._lease))
        return name.decode() if isinstance(name, bytes) else None

    async def _is_ours(self, task: str, ms: int) -> bool:
        """Until it is over, or we are late with it; two at once would do no harm."""
        [taken] = await self._store.ask(("SET", self._store.key(NAME, task), "1", "NX", "PX", ms))
        return bool(taken) and not isinstance(taken, Exception)

    async def _vouch(self, name: str) -> None:
        try:
            await self._add_all(name, after=_made_before(REPEATED_SECONDS))
            await self._check_mark(name)
        except Broken as error:
            await self._disown(error)
        else:
            await self._store.ask(("PEXPIRE", self._lease, LEASE_MS))

    async def _check_mark(self, name: str) -> None:
        [marked] = await self._store.ask(self._kind.exists(name, (MARK,)))
        if marked != [1]:
            raise Broken("it has lost its mark")

    async def _disown(self, why: Broken) -> None:
        log.info("the filter of ids is built anew: %s", why)
        await self._store.ask(("DEL", self._lease))

    async def _build(self, old: str | None) -> None:
        """Into a key of its own; believed from the moment on in which it is named."""
        room = max(LEAST_ROOM, 2 * await self._count())
        for doubling in range(MOST_DOUBLINGS):
            name = self._store.key(NAME, f"filter-{round(time.time())}-{secrets.token_hex(4)}")
            try:
                await self._fill(name, room << doubling)
            except Broken as error:
                log.warning("a filter for %d ids was not built: %s", room << doubling, error)
                await self._store.ask(("DEL", name))
                continue
            await self._store.ask(
                ("SET", self._lease, name, "PX", LEASE_MS),
                *([("DEL", old)] if old else []),
                ("DEL", self._store.key(NAME, "build")),
            )
            return

    async def _fill(self, name: str, room: int) -> None:
        [made, _] = await self._store.ask(
            self._kind.reserve(name, room), ("PEXPIRE", name, round(2000 * RENEW_SECONDS))
        )
        if isinstance(made, Exception):
            raise Unsupported(str(made))
        await self._add_all(name, after=UUID(int=0))
        await self._add_all(name, after=_made_before(REPEATED_SECONDS))
        await self._insert(name, [MARK])

    async def _count(self) -> int:
        """By pages: no statement of a big table takes long."""
        count, after = 0, UUID(int=0)
        while page := await self._page(after, PAGE):
            count, after = count + len(page), page[-1]
        return count

    async def _add_all(self, name: str, *, after: UUID) -> None:
        while page := await self._page(after, PAGE):
            await self._insert(name, [each.bytes for each in page])
            await self._store.ask(("PEXPIRE", self._store.key(NAME, "build"), LOCK_MS))
            after = page[-1]

    async def _insert(self, name: str, members: Sequence[bytes]) -> None:
        [added] = await self._store.ask(self._kind.insert(name, members))
        if isinstance(added, Exception):
            raise Broken(str(added))
        if not all(each in {0, 1} for each in added):
            raise Broken("it is full")


def _made_before(seconds: float) -> UUID:
    """The least id of that time."""
    return UUID(int=max(0, round(1000 * (time.time() - seconds))) << 80)


def _age(name: str) -> float:
    return time.time() - int(name.rpartition("filter-")[2].partition("-")[0])
