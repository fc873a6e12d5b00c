"""Customers that keep buying at a rate of their own, whatever happens, and write down what they were told.

Intent before the request, outcome after it (as Jepsen's clients do): what the shop promised is in this log,
and the databases have to agree with it.
"""

import asyncio
import random
import secrets
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from deploy.client import AWAY, Customer, Shop, Unexpected
from deploy.events import Event

TOKENS = (*["tok_ok"] * 12, "tok_decline", "tok_decline", "tok_slow", "tok_error_after", "tok_timeout_after")
CANCELLED = 0.05
"""Of all purchases: their customers think better of it at once, whatever has happened by then."""
MOST_PAUSE = 1.6
"""Seconds between two tries of one request."""
MOST_OPEN = 2000
"""Requests that wait for an answer; what is due then is not asked at all."""


@dataclass(slots=True)
class Bought:
    """One click. Times in seconds of the monotonic clock."""

    customer: Customer
    basket: dict[str, int]
    payment: dict[str, str]
    key: str
    clicked: float
    answered: float | None = None
    id: str = ""
    decided: float | None = None
    outcome: str = ""
    settled: float | None = None
    last_seq: int = 0


@dataclass
class Buyer:
    """One customer, who follows everything on one stream and comes back after its last event."""

    customer: Customer
    traffic: "Traffic"
    last_id: int = 0
    resumed: int = -1

    async def follow(self) -> None:
        """Runs until cancelled."""
        while True:
            self.resumed += 1
            with suppress(*AWAY, Unexpected):
                async with self.customer.watch_all(self.last_id) as events:
                    async for event in events:
                        self._hear(event)
            await asyncio.sleep(0.2)

    def _hear(self, event: Event) -> None:
        if event.id != self.last_id + 1:
            self.traffic.wrong.append(f"I8: an account's event {event.id} came after {self.last_id}")
        self.last_id = event.id
        self.traffic.hear(event)

    async def stay_signed_in(self) -> None:
        """Runs until cancelled; in an outage the old token goes on for a while."""
        while True:
            with suppress(*AWAY):
                await self.customer.stay_signed_in()
            await asyncio.sleep(5)


@dataclass
class Traffic:
    """What all customers of one shop were told."""

    shop: Shop
    buyers: list[Buyer] = field(default_factory=list)
    products: list[str] = field(default_factory=list)
    clicks: list[Bought] = field(default_factory=list)
    by_id: dict[str, Bought] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    not_asked: int = 0
    cancelled: float = CANCELLED
    cancelled_within: float = 0.0
    """Seconds until they do; half of them need less than a quarter of it."""
    _early: dict[str, list[Event]] = field(default_factory=dict)
    _open: set["asyncio.Task[None]"] = field(default_factory=set)

    @asynccontextmanager
    async def flowing(self, rate: float, draw: random.Random) -> AsyncIterator[None]:
        """Inside, somebody buys `rate` times a second; leaving ends that, and waits for nobody."""
        async with asyncio.TaskGroup() as tasks:
            pumping = tasks.create_task(self._pump(rate, draw))
            try:
                yield
            finally:
                pumping.cancel()

    async def _pump(self, rate: float, draw: random.Random) -> None:
        began, number = time.monotonic(), 0
        while True:
            number += 1
            await asyncio.sleep(began + number / rate - time.monotonic())
            if len(self._open) >= MOST_OPEN:
                self.not_asked += 1
            else:
                self.click(draw)

    def click(self, draw: random.Random, basket: dict[str, int] | None = None, token: str = "") -> Bought:
        """One purchase, whose answer comes later."""
        bought = Bought(
            customer=draw.choice(self.buyers).customer,
            basket=basket or dict.fromkeys(draw.sample(self.products, 2), 1),
            payment={"token": token or draw.choice(TOKENS)},
            key=secrets.token_urlsafe(12),
            clicked=time.monotonic(),
        )
        self.clicks.append(bought)
        patience = self.cancelled_within * draw.random() ** 2 if draw.random() < self.cancelled else None
        asking = asyncio.ensure_future(self._buy(bought, patience))
        self._open.add(asking)
        asking.add_done_callback(self._open.discard)
        return bought

    async def _buy(self, bought: Bought, patience: float | None = None) -> None:
        """Until there is an answer; the Idempotency-Key makes the repetitions one purchase."""
        pause = 0.1
        while not bought.id:
            try:
                answer = await bought.customer.buy(bought.basket, key=bought.key, **bought.payment)
            except AWAY:
                await asyncio.sleep(pause * random.uniform(0.5, 1))  # noqa: S311  # jitter
                pause = min(MOST_PAUSE, 2 * pause)
            except Unexpected as error:
                self.wrong.append(f"a purchase was refused: {error}")
                return
            else:
                bought.answered, bought.id = time.monotonic(), answer["id"]
        self.by_id[bought.id] = bought
        for event in self._early.pop(bought.id, ()):
            self._apply(bought, event)
        if patience is not None:
            await asyncio.sleep(patience)
            with suppress(Unexpected, *AWAY):  # decided already, or nobody there: both are fine
                await bought.customer.call("POST", f"/purchases/{bought.id}/cancel")

    async def watched(self, customer: Customer, basket: dict[str, int], token: str) -> Bought:
        """A purchase of somebody who has no account stream, followed on its own to the end."""
        bought = Bought(customer, basket, {"token": token}, secrets.token_urlsafe(12), time.monotonic())
        self.clicks.append(bought)
        await self._buy(bought)
        async for event in customer.watch(bought.id):
            self._apply(bought, event)
        return bought

    def hear(self, event: Event) -> None:
        """Events may overtake the answer to the POST."""
        bought = self.by_id.get(event.data["purchase_id"])
        if bought:
            self._apply(bought, event)
        else:
            self._early.setdefault(event.data["purchase_id"], []).append(event)

    def _apply(self, bought: Bought, event: Event) -> None:
        seq = event.data["seq"]
        if seq != bought.last_seq + 1:
            self.wrong.append(f"I8: {bought.id}: event {seq} came after {bought.last_seq}")
        bought.last_seq = seq
        if event.is_decision:
            if bought.outcome:
                self.wrong.append(f"I5: {bought.id} was decided twice: {bought.outcome}, {event.type}")
            bought.outcome, bought.decided = event.type, time.monotonic()
        if event.type == "settled":
            bought.settled = time.monotonic()

    async def all_told(self) -> bool | None:
        """Every click has its answer, and every answer its decision."""
        return (not self._open and all(each.outcome for each in self.by_id.values())) or None

    async def repeat_some(self, draw: random.Random, count: int) -> None:
        """I11: the same request under an old key is the old purchase, long afterwards too."""
        told = [each for each in self.clicks if each.id]
        for each in draw.sample(told, min(count, len(told))):
            again = await each.customer.buy(each.basket, key=each.key, **each.payment)
            if again["id"] != each.id:
                self.wrong.append(f"I11: the key of {each.id} became {again['id']}")
