"""The level that all replicas share: Redis, asked briefly and never relied upon.

What belongs to one key lies in one slot of a cluster: the answer, its fence, and the lock of who loads it.
The fence is a sorted set of parts, whose scores are versions: ZADD GT raises one and never lowers it, in one
step and without a script.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import msgspec

from common.breaker import Breaker
from common.cache.model import Answer, Change
from common.redis import LOST, Client, asking, client

ANSWER_SECONDS = 1.0
"""A read waits no longer, and then asks the database. Redis needs a thousandth of it, but a busy process gets
to its answer late, and must not take that for an outage."""
MOST_AT_ONCE = 32
"""Questions of one process."""
LOCK_SECONDS = 2.0
SURE_SECONDS = 1.0
"""So long after it was taken a lock is certainly still ours."""
LEAST_MS = 20
"""What would live no longer is not worth keeping."""

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Answer).decode


class Away(OSError):
    """Redis does not answer, or did not a moment ago."""


class Found(NamedTuple):
    answer: Answer
    seconds: float
    """That it still has."""


class Store:
    """`space` begins every key: the service, and its database, so that two of them never share an answer."""

    def __init__(self, url: str, *, cluster: bool, space: str, fence_seconds: float) -> None:
        self.space = space
        self._client = client(url, cluster=cluster)
        self._breaker = Breaker()
        self._gate = asyncio.Semaphore(MOST_AT_ONCE)
        self._fence_ms = round(1000 * fence_seconds)

    def key(self, name: str, what: str) -> str:
        return f"{self.space}:{{{name}}}:{what}"

    async def look(self, name: str) -> Found | None:
        """None also for what is older than its fence says, or cannot be read. Raises Away."""
        async with self._asking("PIPELINE") as redis:
            pipe = redis.pipeline(transaction=False)
            pipe.get(self.key(name, "answer"))
            pipe.pttl(self.key(name, "answer"))
            pipe.zrange(self.key(name, "fence"), 0, -1, withscores=True)
            packed, left_ms, parts = await pipe.execute()
        if packed is None:
            return None
        try:
            answer = _decode(packed)
        except msgspec.DecodeError:  # another release has written it
            return None
        if any(
            answer.versions[int(part)] < score for part, score in parts if int(part) < len(answer.versions)
        ):
            return None
        return Found(answer, left_ms / 1000)

    async def keep(self, name: str, answer: Answer, seconds: float) -> None:
        """Whoever comes late overwrites a newer one in vain: the fence is looked at when it is read."""
        left_ms = round(1000 * seconds)
        if left_ms > LEAST_MS:
            async with self._asking("SET") as redis:
                await redis.set(self.key(name, "answer"), _encode(answer), px=left_ms)

    async def lock(self, name: str) -> bool:
        """Whether it is for us to load it. A lock that is lost costs a second load, and nothing else."""
        async with self._asking("SET") as redis:
            token, lives_ms = secrets.token_hex(4), round(1000 * LOCK_SECONDS)
            return bool(await redis.set(self.key(name, "lock"), token, nx=True, px=lives_ms))

    async def unlock(self, name: str) -> None:
        """Only while it is surely ours."""
        async with self._asking("DEL") as redis:
            await redis.delete(self.key(name, "lock"))

    async def raise_fences(self, changes: Sequence[Change]) -> None:
        """Outlives whatever may still be stored that is older."""
        async with self._asking("PIPELINE") as redis:
            pipe = redis.pipeline(transaction=False)
            for change in changes:
                fence = self.key(change.key, "fence")
                pipe.zadd(fence, {str(change.part): change.version}, gt=True)
                pipe.pexpire(fence, self._fence_ms)
            await pipe.execute()

    async def word(self, name: str) -> bytes | None:
        """A single value under a name of its own."""
        async with self._asking("GET") as redis:
            found = await redis.get(self.key(name, "word"))
            return found if isinstance(found, bytes) else None

    async def set_word(self, name: str, word: str) -> None:
        async with self._asking("SET") as redis:
            await redis.set(self.key(name, "word"), word)

    async def ask(self, *commands: Sequence[str | int | bytes]) -> list[Any]:
        """Of one slot, in order; what Redis says against one of them is its answer. Raises Away."""
        async with self._asking("PIPELINE") as redis:
            pipe = redis.pipeline(transaction=False)
            for command in commands:
                pipe.execute_command(*command)
            return list(await pipe.execute(raise_on_error=False))

    async def answers(self) -> None:
        """The readiness probe; also how one that nobody asks finds out that Redis is back."""
        async with self._asking("GET") as redis:
            await redis.get(self.key("probe", "answer"))

    async def aclose(self) -> None:
        await self._client.aclose()

    @asynccontextmanager
    async def _asking(self, command: str) -> AsyncIterator[Client]:
        async with self._gate:
            if not self._breaker.admits():
                raise Away("Redis is left alone")
            try:
                with asking(command):
                    async with asyncio.timeout(ANSWER_SECONDS):
                        yield self._client
            except LOST as error:
                self._breaker.failed()
                raise Away(f"Redis: {error!r}") from error
            self._breaker.succeeded()
