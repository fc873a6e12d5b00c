"""Whether somebody may try now: per account, per client address, and all together."""

import asyncio
import logging
from collections.abc import Sequence
from typing import NamedTuple

from common.breaker import Breaker
from common.limits.counters import Counters, OwnCounters, SharedCounters
from common.limits.model import Bucket, Friend, Limit, Seen
from common.redis import LOST

log = logging.getLogger(__name__)

ANSWER_SECONDS = 2.0
"""Redis is quick or it is away."""
EVERYBODY = "everybody"


class Limited(Exception):
    """Not now; how many seconds until it may be tried again."""

    def __init__(self, wait: float) -> None:
        super().__init__(wait)
        self.wait = wait


class Rule(NamedTuple):
    """The limits of one thing that can be tried."""

    account: Limit
    address: Limit
    together: Limit


class Try(NamedTuple):
    """One that was let through."""

    counters: Counters
    own: Sequence[Bucket]
    shared: Sequence[Bucket]
    friend: Friend | None


class Limits:
    """Never an unlimited try, and never a closed shop: while Redis is away the process counts by itself."""

    def __init__(self, shared: SharedCounters) -> None:
        self._shared = shared
        self._own = OwnCounters()
        self._breaker = Breaker()

    async def admit(self, rule: Rule, account: str | None, address: str) -> Try:
        """Counts the try before it is made, so that no number of them at once gets more. Raises Limited."""
        friend = Friend(account, address) if account else None
        own = [Bucket(rule.account, whose) for whose in _accounts(friend)]
        shared = [Bucket(rule.address, address), Bucket(rule.together, EVERYBODY)]
        if self._breaker.admits():
            try:
                async with asyncio.timeout(ANSWER_SECONDS):
                    await _let_through(self._shared, own, shared, friend)
            except Limited:
                self._breaker.succeeded()
                raise
            except LOST as error:
                self._breaker.failed()
                log.warning("Redis is away, tries are counted here: %r", error)
            else:
                self._breaker.succeeded()
                return Try(self._shared, own, shared, friend)
        await _let_through(self._own, own, shared, friend)
        return Try(self._own, own, shared, friend)

    async def forgive(self, tried: Try) -> None:
        """It was no guess: the account's count is forgotten, and the others count one less."""
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await tried.counters.settle(tried.own, tried.shared, tried.friend)
        except LOST as error:
            log.warning("a good try stays counted: %r", error)


def _accounts(friend: Friend | None) -> list[str]:
    """The account wherever one tries, and at this address."""
    return [friend.account, f"{friend.account} at {friend.address}"] if friend else []


async def _let_through(
    counters: Counters, own: Sequence[Bucket], shared: Sequence[Bucket], friend: Friend | None
) -> None:
    seen, is_friend = await counters.count([*own, *shared], friend)
    counted = _counted(seen, own, is_friend=is_friend)
    if closed := max(each.closed for each in counted):
        raise Limited(closed)
    beyond = [each for each in counted if each.wait]
    waits = [each.wait for each in beyond]
    if beyond and not await counters.pass_gate([each.bucket for each in beyond], waits):
        raise Limited(max(waits))


def _counted(seen: Sequence[Seen], own: Sequence[Bucket], *, is_friend: bool) -> list[Seen]:
    """A friend's tries count at its address; a stranger's against those of all strangers."""
    if not own:
        return list(seen)
    anywhere, here, *shared = seen
    return [here if is_friend else anywhere, *shared]
