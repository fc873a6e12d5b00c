"""One load at a time of each key, however many wait for it."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Flights(Generic[T]):
    """Whoever asks while a load is under way gets what it brings, an error included.

    The load belongs to nobody: a client that leaves takes it from none of the others.
    """

    def __init__(self) -> None:
        self._under_way: dict[str, asyncio.Future[T]] = {}

    async def join(self, key: str, load: Callable[[], Coroutine[Any, Any, T]]) -> T:
        flight = self._under_way.get(key)
        if flight is None:
            flight = asyncio.ensure_future(load())
            self._under_way[key] = flight
            flight.add_done_callback(lambda done: self._land(key, done))
        return await asyncio.shield(flight)

    def _land(self, key: str, done: "asyncio.Future[T]") -> None:
        self._under_way.pop(key, None)
        if not done.cancelled():
            done.exception()  # seen, also when everybody has left
