"""Argon2id, off the event loop, one or two at a time, behind everything else: never may it starve others."""

import asyncio
import os
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

T = TypeVar("T")

PROCESSORS = os.cpu_count() or 1
AT_ONCE = 1 if PROCESSORS <= 2 else 2
"""Of two processors one is left free: besides time, a hash takes the memory's bandwidth."""
COMMON = Path(__file__).with_name("common_passwords.txt")
"""Its head says where it is from."""


class Busy(Exception):
    """More passwords are waiting than may wait."""


class Passwords:
    def __init__(
        self, *, memory_kib: int, passes: int, queue: int, share: float, at_once: int = AT_ONCE
    ) -> None:
        """`share`: of the time of all processors, the most that hashing may take."""
        self._hasher = PasswordHasher(time_cost=passes, memory_cost=memory_kib, parallelism=1)
        self._pace = Pace(min(1.0, share * PROCESSORS / at_once))
        self._threads = ThreadPoolExecutor(at_once, "passwords", _stand_back)
        self._most = queue + at_once
        self._present = 0
        self._common = frozenset(COMMON.read_text().partition("\n\n")[2].split())
        self._nobodys = self._hasher.hash("nobody has this password")

    async def hash(self, password: str) -> str:
        """Raises Busy."""
        return await self.in_turn(lambda: self._hasher.hash(password))

    async def match(self, password: str, stored: str | None) -> bool:
        """Without a stored hash (an unknown user) it takes the same time to say no. Raises Busy."""
        return await self.in_turn(lambda: self._verify(stored or self._nobodys, password)) and bool(stored)

    def is_common(self, password: str) -> bool:
        """Whether it is among the first that anybody would try, in capitals or not."""
        return password.casefold() in self._common

    def is_outdated(self, stored: str) -> bool:
        """Whether the settings ask for more work than this hash took."""
        return self._hasher.check_needs_rehash(stored)

    def _verify(self, stored: str, password: str) -> bool:
        with suppress(VerificationError, InvalidHashError):
            return self._hasher.verify(stored, password)
        return False

    async def in_turn(self, work: Callable[[], T]) -> T:
        """Off the loop, when a thread is free. Raises Busy."""
        async with self._queued():
            return await asyncio.get_running_loop().run_in_executor(self._threads, self._pace.of, work)

    @asynccontextmanager
    async def _queued(self) -> AsyncIterator[None]:
        if self._present >= self._most:
            raise Busy
        self._present += 1
        try:
            yield
        finally:
            self._present -= 1


class Pace(threading.local):
    """One per thread: it rests after a work, so that a flood of passwords leaves the caches to others.

    Standing back is not enough: a hash drives what everybody else needs next out of the processor's cache.
    With twenty logins a second, all of them at the lowest priority, the p99 of purchases was a third longer.
    """

    def __init__(self, share: float) -> None:
        """`share`: of the thread's time, at most 1."""
        self._rest = 1 / share - 1
        self._next = 0.0

    def of(self, work: Callable[[], T]) -> T:
        """The rest comes before the next work, and so delays nobody who comes alone."""
        time.sleep(max(0.0, self._next - time.monotonic()))
        began = time.thread_time()
        try:
            return work()
        finally:
            self._next = time.monotonic() + self._rest * (time.thread_time() - began)


def _stand_back() -> None:
    """Whatever else wants a processor gets it at once. Niceness would let a hash finish its slice first."""
    if sys.platform == "linux":  # which alone schedules threads one by one
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
