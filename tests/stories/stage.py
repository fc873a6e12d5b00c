"""A whole shop that all stories share, and what one of them remembers."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from deploy.client import Customer, Json
from deploy.events import Event
from tests.e2e.whole import Whole, whole
from tests.servers import Servers, fresh_stream

T = TypeVar("T")
LIMIT = 300_000


class Stage:
    """A shop in a loop of its own, which moves while a scene is played: steps are plain functions."""

    def __init__(self, servers: Servers, home: Path) -> None:
        self._runner = asyncio.Runner()
        self._closing = asyncio.Event()
        self.shop = self.play(self._opened(servers, home))

    def play(self, scene: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(scene)

    async def _opened(self, servers: Servers, home: Path) -> Whole:
        await fresh_stream(servers.nats_url)
        opened: asyncio.Future[Whole] = asyncio.get_running_loop().create_future()
        self._house = asyncio.ensure_future(self._keep(opened, servers, home))
        either: list[asyncio.Future[Any]] = [opened, self._house]
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if self._house.done():
            self._house.result()
        return opened.result()

    async def _keep(self, opened: asyncio.Future[Whole], servers: Servers, home: Path) -> None:
        """One task opens and closes the shop, as its task groups want."""
        async with whole(servers, home, psp={"payment_limit": LIMIT}) as shop:
            opened.set_result(shop)
            await self._closing.wait()

    async def _left(self) -> None:
        self._closing.set()
        await self._house

    def close(self) -> None:
        self.play(self._left())
        self._runner.close()


@dataclass
class Story:
    """What has happened in one of them so far."""

    stage: Stage
    customer: Customer = field(init=False)
    lamp: str = ""
    bought: list[str] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    refusal: tuple[int, Json] = (0, {})
    pages: list[Json] = field(default_factory=list)

    def play(self, scene: Coroutine[Any, Any, T]) -> T:
        return self.stage.play(scene)

    async def buy(self, customer: Customer, count: int, **payment: Any) -> list[Event]:
        """To the end of its stream."""
        bought = await customer.buy({self.lamp: count}, **payment)
        self.bought.append(bought["id"])
        return [event async for event in customer.watch(bought["id"])]

    async def ask(self, path: str, body: Json, *, signed: bool = True) -> tuple[int, Json]:
        shop = self.customer.shop
        headers = self.customer.headers if signed else {}
        async with shop.session.post(shop.url(path), json=body, headers=headers) as response:
            return response.status, await response.json()

    def reads(self, path: str) -> Json:
        return self.play(self.customer.call("GET", path))
