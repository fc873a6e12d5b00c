"""What changed, from the service's own words: here at once, on every replica soon.

A process hears what it commits itself. A consumer of the service's own events, at least once, raises the
fences in Redis and rings; every process listens. A ring that is lost costs the rest of an answer's life.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from itertools import chain

import msgspec

from common.cache.lists import Lists, begin_epoch
from common.cache.memory import Memory
from common.cache.model import Change, newest
from common.cache.store import Away, Store
from common.contracts.message import Message
from common.messaging.codec import Codec
from common.messaging.consumer import Work
from common.messaging.pull import Received
from common.redis import LOST, Bell

log = logging.getLogger(__name__)

RETRY_SECONDS = 0.5
PAUSE_SECONDS = 0.05
"""After a batch: what comes meanwhile is one batch, and costs one. Stock changes with every purchase."""


class Heard(msgspec.Struct, frozen=True, array_like=True):
    """What one or more words change."""

    changes: list[Change]
    lists: bool = False


Meaning = Callable[[Message], Heard]
"""What a word of the service changes of what is kept; nothing, for most."""

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Heard).decode


class Changes:
    """Between the words and what one process keeps."""

    def __init__(
        self, store: Store, bell: Bell, meaning: Meaning, memory: Memory, lists: Lists | None = None
    ) -> None:
        self._store = store
        self._bell = bell
        self._meaning = meaning
        self._memory = memory
        self._lists = lists

    def committed(self, messages: Iterable[Message]) -> None:
        """After this process's own commit, before anybody is answered."""
        heard = self._together(messages)
        self._hear(heard)
        if heard.lists and self._lists:
            self._lists.forget()

    def work(self, codec: Codec, also: Callable[[Sequence[Message]], Awaitable[None]] | None = None) -> Work:
        """What the consumer does with a batch; while Redis is away it is held. `also` hears it, too."""

        async def work(deliveries: Sequence[Received]) -> None:
            messages = [codec.heard(each.subject, each.payload) for each in deliveries]
            heard = self._together(messages)
            if heard.changes:
                await self._store.raise_fences(heard.changes)
            if heard.lists:
                await begin_epoch(self._store)
            if also is not None:
                await also(messages)
            if heard.changes or heard.lists:
                await self._ring(heard)
            await asyncio.sleep(PAUSE_SECONDS)

        return work

    async def listen(self) -> None:
        """Runs until cancelled. After every (re)subscription anything may have been missed."""
        while True:
            try:
                async with self._bell.listening() as rings:
                    self._forget()
                    async for ring in rings:
                        self._rung(ring)
            except LOST as error:
                log.warning("changes of other replicas are not heard: %r", error)
                await asyncio.sleep(RETRY_SECONDS)

    def _rung(self, ring: bytes) -> None:
        try:
            heard = _decode(ring)
        except msgspec.DecodeError:  # another release rings otherwise: it means something all the same
            self._forget()
            return
        self._hear(heard)
        if heard.lists and self._lists:
            self._lists.turn()

    def _forget(self) -> None:
        self._memory.clear()
        if self._lists:
            self._lists.turn()

    async def _ring(self, heard: Heard) -> None:
        """Raises Away: whoever was not told would otherwise go on until the end of what it keeps."""
        try:
            await self._bell.ring(_encode(heard))
        except LOST as error:
            raise Away(f"Redis: {error!r}") from error

    def _together(self, messages: Iterable[Message]) -> Heard:
        heard = [self._meaning(message) for message in messages]
        changes = newest(list(chain.from_iterable(each.changes for each in heard)))
        return Heard(changes, any(each.lists for each in heard))

    def _hear(self, heard: Heard) -> None:
        for change in heard.changes:
            self._memory.hear(change)
