"""Where tries are counted."""

import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from common.limits.model import Bucket, Friend, Limit, Seen
from common.redis import asking, client

V = TypeVar("V")

FRIEND_SECONDS = 90 * 86_400
REMEMBERED = 50_000
"""Buckets that a process counts by itself; the one that was idle longest goes first."""


class Counters(Protocol):
    async def count(self, buckets: Sequence[Bucket], friend: Friend | None) -> tuple[list[Seen], bool]:
        """One more try in each; whether the friend is one. At once, so that no try goes uncounted."""

    async def pass_gate(self, buckets: Sequence[Bucket], waits: Sequence[float]) -> bool:
        """Whether all gates were open; they are closed now, each for its wait. One of many gets through."""

    async def settle(
        self, forgotten: Sequence[Bucket], returned: Sequence[Bucket], friend: Friend | None
    ) -> None:
        """A try went well: these are empty, those count one less, and the friend is one."""


class SharedCounters:
    """In Redis, one round trip each: INCR, DECR, EXPIRE, PTTL, EXISTS, SET and DEL, of `limits:*` alone."""

    def __init__(self, url: str, *, cluster: bool) -> None:
        self._client = client(url, cluster=cluster)

    async def count(self, buckets: Sequence[Bucket], friend: Friend | None) -> tuple[list[Seen], bool]:
        async with self._client.pipeline(transaction=False) as pipe:
            for bucket in buckets:
                pipe.incr(bucket.key)
                pipe.expire(bucket.key, _seconds(bucket.limit), nx=True)
                pipe.pttl(bucket.gate)
            if friend:
                pipe.exists(friend.key)
            with asking("PIPELINE"):
                answers = await pipe.execute()
        seen = [
            Seen(bucket, int(count), max(0, int(closed)) / 1000)
            for bucket, count, closed in zip(buckets, answers[::3], answers[2::3], strict=False)
        ]
        return seen, bool(friend and answers[-1])

    async def pass_gate(self, buckets: Sequence[Bucket], waits: Sequence[float]) -> bool:
        async with self._client.pipeline(transaction=False) as pipe:
            for bucket, wait in zip(buckets, waits, strict=True):
                pipe.set(bucket.gate, 1, nx=True, px=max(1, round(1000 * wait)))
            with asking("PIPELINE"):
                return all(await pipe.execute())

    async def settle(
        self, forgotten: Sequence[Bucket], returned: Sequence[Bucket], friend: Friend | None
    ) -> None:
        async with self._client.pipeline(transaction=False) as pipe:
            for bucket in forgotten:
                pipe.delete(bucket.key)
                pipe.delete(bucket.gate)
            for bucket in returned:
                pipe.decr(bucket.key)
                pipe.expire(bucket.key, _seconds(bucket.limit), nx=True)
            if friend:
                pipe.set(friend.key, 1, ex=FRIEND_SECONDS)
            with asking("PIPELINE"):
                await pipe.execute()

    async def answers(self) -> None:
        """The readiness probe."""
        await self._client.exists("limits:probe")

    async def aclose(self) -> None:
        await self._client.aclose()


class OwnCounters:
    """In this process alone. Nobody is a friend here, and fewer tries are free: others count as well."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._counts: OrderedDict[str, tuple[int, float]] = OrderedDict()
        self._gates: OrderedDict[str, float] = OrderedDict()

    async def count(self, buckets: Sequence[Bucket], _friend: Friend | None) -> tuple[list[Seen], bool]:
        return [self._seen(bucket) for bucket in buckets], False

    async def pass_gate(self, buckets: Sequence[Bucket], waits: Sequence[float]) -> bool:
        now = self._clock()
        is_open = all(self._gates.get(bucket.gate, 0.0) <= now for bucket in buckets)
        for bucket, wait in zip(buckets, waits, strict=True):
            if self._gates.get(bucket.gate, 0.0) <= now:
                _keep(self._gates, bucket.gate, now + wait)
        return is_open

    async def settle(
        self, forgotten: Sequence[Bucket], returned: Sequence[Bucket], _friend: Friend | None
    ) -> None:
        for bucket in forgotten:
            self._counts.pop(bucket.key, None)
            self._gates.pop(bucket.gate, None)
        for bucket in returned:
            if known := self._counts.get(bucket.key):
                self._counts[bucket.key] = (known[0] - 1, known[1])

    def _seen(self, bucket: Bucket) -> Seen:
        now = self._clock()
        count, end = self._counts.get(bucket.key, (0, 0.0))
        if end <= now:
            count, end = 0, now + bucket.limit.seconds
        _keep(self._counts, bucket.key, (count + 1, end))
        stricter = bucket._replace(limit=bucket.limit.stricter)
        return Seen(stricter, count + 1, max(0.0, self._gates.get(bucket.gate, 0.0) - now))


def _keep(kept: OrderedDict[str, V], key: str, value: V) -> None:
    kept[key] = value
    kept.move_to_end(key)
    if len(kept) > REMEMBERED:
        kept.popitem(last=False)


def _seconds(limit: Limit) -> int:
    return max(1, round(limit.seconds))
