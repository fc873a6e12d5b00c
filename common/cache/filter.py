"""Which ids cannot exist: asked before the database, and believed only when it is known to know them all.

The filter of the moment is named by a lease that its keeper renews; both are lost together when Redis loses
its memory. A mark inside says that it was filled to the end. An id of the last minutes always passes: it may
not have arrived, or a failover may have lost it again. All of this fails towards the database, never towards
a 404.
"""

import time
from collections.abc import Callable
from uuid import UUID

from common.cache.kinds import Kind
from common.cache.store import Away, Store

NAME = "ids"
MARK = b"complete"
YOUNG_SECONDS = 600.0
"""An id that is younger passes unasked."""
AHEAD_SECONDS = 60.0
"""Clocks differ; an id from further in the future is nobody's."""
AGAIN_SECONDS = 1.0
"""While no filter can be used, one is looked for so often."""


class Filter:
    """The reading side, in every process that serves."""

    def __init__(self, store: Store, kind: Kind | None, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._kind = kind
        self._clock = clock
        self._known = ""
        self._next_look = 0.0

    async def excludes(self, entity_id: UUID) -> bool:
        """Whether there is certainly nothing with this id."""
        if self._kind is None or is_young(entity_id, self._clock()):
            return False
        if not self._known and time.monotonic() < self._next_look:
            return False
        try:
            return await self._is_unknown(self._kind, entity_id)
        except Away:
            return False

    async def _is_unknown(self, kind: Kind, entity_id: UUID) -> bool:
        """In one round trip: who vouches for which filter, and what that one says."""
        lease = lease_key(self._store)
        if not self._known:
            [named] = await self._store.ask(("GET", lease))
            self._learn(named)
            if not self._known:
                return False
        named, seen = await self._store.ask(("GET", lease), kind.exists(self._known, (MARK, entity_id.bytes)))
        if named != self._known.encode():
            self._learn(named)
            return False
        return isinstance(seen, list) and [bool(each) for each in seen] == [True, False]

    def _learn(self, named: object) -> None:
        self._known = named.decode() if isinstance(named, bytes) else ""
        self._next_look = time.monotonic() + AGAIN_SECONDS


def is_young(entity_id: UUID, now: float) -> bool:
    """By the time that a UUIDv7 carries; any other id has no age, and is old."""
    if entity_id.version != 7:
        return False
    age = now - (entity_id.int >> 80) / 1000
    return -AHEAD_SECONDS < age < YOUNG_SECONDS


def lease_key(store: Store) -> str:
    return store.key(NAME, "lease")
