"""One stop, one deadline: shared by all that has to come to an end in a process."""

import asyncio
import logging
import math
import os
import signal
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import NoReturn

log = logging.getLogger(__name__)

CLOSING_SECONDS = 1.0
"""What is left after the deadline to close connections; a driver that hangs then is left to itself."""

FOR_THE_OUTBOX = 1.0
"""Seconds of a stop that are kept for saying what was committed last."""


AGAIN_SECONDS = 1.0
"""After which a task that was cancelled, and goes on, is cancelled once more."""


class Stop:
    """Begun once, however often it is asked for: the first signal decides when the last moment is."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.deadline = math.inf
        self._begun = asyncio.Event()
        self._first: list[Callable[[], None]] = []

    @property
    def is_begun(self) -> bool:
        return self._begun.is_set()

    def then(self, callback: Callable[[], None]) -> None:
        """Called at the beginning, or now if that has been; must not block."""
        if self.is_begun:
            callback()
        else:
            self._first.append(callback)

    def begin(self) -> None:
        if self.is_begun:
            return
        self.deadline = asyncio.get_running_loop().time() + self.seconds
        self._begun.set()
        for callback in self._first:
            callback()

    async def begun(self) -> None:
        await self._begun.wait()

    def left(self, *, but: float = 0.0) -> float:
        """Seconds to the deadline, less what others need after the asker; never negative."""
        return max(0.0, self.deadline - but - asyncio.get_running_loop().time())


async def end(tasks: Iterable["asyncio.Task[None]"]) -> None:
    """Cancels until they have ended. Before Python 3.12 `asyncio.wait_for`, by which libraries wait, forgets
    a cancellation that meets its result: a loop would go on for ever.
    """
    left = {each for each in tasks if not each.done()}
    while left:
        for each in left:
            each.cancel()
        _, left = await asyncio.wait(left, timeout=AGAIN_SECONDS)


def on_signals(stop: Stop) -> None:
    """For as long as the process lives: a signal that comes once more, or too late, does nothing.

    The loop's own handlers would be gone before the interpreter is.
    """
    loop = asyncio.get_running_loop()

    def begin(*_: object) -> None:
        with suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(stop.begin)

    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, begin)
    stop.then(lambda: _watch(stop.seconds + CLOSING_SECONDS))


def _watch(seconds: float) -> None:
    """By a thread: what hangs may be the loop, or a thread that the interpreter would wait for.

    Whatever is in hand then is as after a kill, which the protocol allows at any moment.
    """
    timer = threading.Timer(seconds, _give_up)
    timer.daemon = True
    timer.start()


def _give_up() -> None:
    log.critical("not everything could be closed in time; leaving it to be redone")
    leave()


def leave() -> NoReturn:
    """At once: the interpreter's own tidying keeps nothing, and would wait for every thread."""
    logging.shutdown()
    os._exit(0)
