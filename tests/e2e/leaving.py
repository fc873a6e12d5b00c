"""Clients that ask once, and processes that are told to leave."""

import asyncio
import re
import secrets
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import cycle

import psutil

from deploy.client import AWAY, Customer, Shop, Unexpected
from deploy.embedded.stack import Stack
from deploy.events import Event

EXITED = re.compile(r"exited: (\S+) \(exit status (\S+); .*\)|exited: (\S+) \(terminated by (\S+);")


async def gone(process: psutil.Process, seconds: float) -> float:
    """When it was; raises TimeoutExpired."""
    await asyncio.to_thread(process.wait, seconds)
    return time.monotonic()


def statuses(stack: Stack) -> Counter[str]:
    """How every process that ended so far ended: exit statuses and signals, and how often."""
    text = (stack.home / "logs" / "supervisord.log").read_text()
    return Counter(found[2] or found[4] for found in EXITED.finditer(text))


@dataclass
class Load:
    """What clients saw that repeat nothing."""

    asked: int = 0
    bought: int = 0
    streams: int = 0
    failed: list[str] = field(default_factory=list)
    gaps: list[str] = field(default_factory=list)


@dataclass
class Client:
    """A seller who also buys."""

    shop: Shop
    owner: Customer
    products: list[str]
    accepted: int = 0

    @classmethod
    async def of(cls, shop: Shop) -> "Client":
        owner = await shop.register()
        await owner.verify()
        category = await owner.call("POST", "/categories", expect=201, body={"name": "Lamps"})
        made = [
            await owner.create_product(category["id"], f"P{n}", price=1000, inventory=10**6) for n in range(8)
        ]
        return cls(shop, owner, [each["id"] for each in made])

    async def buy(self, product: int = 0, **payment: object) -> str:
        bought = await self.owner.buy({self.products[product]: 1}, key=secrets.token_urlsafe(), **payment)
        self.accepted += 1
        return str(bought["id"])

    @asynccontextmanager
    async def loaded(self, *, buyers: int, tokens: Sequence[str]) -> AsyncIterator[Load]:
        """Inside, some buy and follow what they bought, and others look around."""
        load, is_over = Load(), asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            for number in range(buyers):
                tasks.create_task(self._buying(load, is_over, number, tokens))
                tasks.create_task(self._looking(load, is_over))
            yield load
            is_over.set()

    async def _buying(self, load: Load, is_over: asyncio.Event, product: int, tokens: Sequence[str]) -> None:
        for token in cycle(tokens):
            if is_over.is_set():
                return
            try:
                load.asked += 1
                bought = await self.buy(product, token=token)
            except (*AWAY, Unexpected) as error:
                load.failed.append(f"POST /purchases: {error!r}")
                continue
            load.bought += 1
            load.streams += 1
            seen: list[Event] = [event async for event in self.owner.watch(bought)]
            if [event.id for event in seen] != list(range(1, len(seen) + 1)) or not seen:
                load.gaps.append(f"{bought}: {[event.id for event in seen]}")

    async def _looking(self, load: Load, is_over: asyncio.Event) -> None:
        body = {"address": "1 Main Street"}
        for path in cycle(
            [
                f"/products/{self.products[0]}",
                "/products?limit=5",
                "/orders",
                "/payments/methods",
                f"/media?product_id={self.products[0]}",
                "/account/customer/personal",
                "/purchases",
                "PUT",
            ]
        ):
            if is_over.is_set():
                return
            try:
                load.asked += 1
                if path == "PUT":
                    await self.owner.call("PUT", "/account/customer/delivery", body=body)
                else:
                    await self.owner.call("GET", path)
            except (*AWAY, Unexpected) as error:
                load.failed.append(f"{path}: {error!r}")
            await asyncio.sleep(0.02)
