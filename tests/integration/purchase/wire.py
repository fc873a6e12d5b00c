"""A client of the purchase service, and the words of everybody else."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import aiohttp
import msgspec

from common.contracts import mail, order, payment, product, purchase
from common.contracts.message import Item, Message, Purchase, PurchaseMessage
from common.ids import new_id
from common.messaging.broker import broker
from common.messaging.codec import Codec, words
from common.messaging.outbox import as_outgoing
from common.messaging.publisher import Publisher
from purchase.__main__ import program
from purchase.settings import PurchaseSettings
from tests.integration.patience import put_on_stream
from tests.sse import Event, stream
from tests.support import Issuer, running

Make = Callable[..., PurchaseSettings]
CODEC = Codec(words(purchase, product, order, payment, mail))


@dataclass
class Shop:
    """A client of the service, and the voice of everybody else."""

    url: str
    session: aiohttp.ClientSession
    headers: dict[str, str]
    publisher: Publisher
    heard: asyncio.Queue[PurchaseMessage]

    async def post(self, body: Any, **headers: str) -> aiohttp.ClientResponse:
        response = await self.session.post(
            f"{self.url}/api/v1/purchases", json=body, headers=self.headers | headers
        )
        await response.read()
        return response

    async def buy(self, **payment_choice: Any) -> UUID:
        response = await self.post(body(**payment_choice))
        assert response.status == 202, await response.text()
        return UUID((await response.json())["id"])

    async def get(self, path: str) -> Any:
        async with self.session.get(f"{self.url}/api/v1{path}", headers=self.headers) as response:
            assert response.status == 200, await response.text()
            return await response.json()

    async def say(self, *messages: Message) -> None:
        await put_on_stream(self.publisher, [as_outgoing(message) for message in messages])

    async def hear(self, kind: type[PurchaseMessage]) -> PurchaseMessage:
        """The next word of this kind that the service says."""
        while True:
            message = await asyncio.wait_for(self.heard.get(), 30)
            if isinstance(message, kind):
                return message

    async def events(self, purchase_id: UUID, last_id: int | None = None) -> list[Event]:
        url = f"{self.url}/api/v1/purchases/{purchase_id}/events"
        async with stream(self.session, url, self.headers, last_id) as events:
            return [event async for event in events]


def body(quantity: int = 2, **payment_choice: Any) -> dict[str, Any]:
    return {
        "order_items": [{"product_id": str(new_id()), "quantity": quantity}],
        "payment": {"currency_code": "VND"} | payment_choice,
    }


def priced(context: Purchase) -> Purchase:
    items = tuple(
        Item(
            product_id=item.product_id, quantity=item.quantity, name="Lamp", brand_name="Lux", unit_price=500
        )
        for item in context.items
    )
    return msgspec.structs.replace(context, items=items, total=sum(500 * item.quantity for item in items))


@asynccontextmanager
async def shop(
    settings: PurchaseSettings, issuer: Issuer, account_id: UUID | None = None, *, voice: str | None = None
) -> AsyncIterator[Shop]:
    """`voice`: the broker's URL for the others' words, where the service's own rights are too narrow."""
    heard: asyncio.Queue[PurchaseMessage] = asyncio.Queue()

    async def on_message(message: Any) -> None:
        decoded = CODEC.decode(message.data)
        assert isinstance(decoded, PurchaseMessage)
        heard.put_nowait(decoded)

    async with (
        running(settings, program) as url,
        broker(voice or settings.nats_url, "tests") as connection,
        aiohttp.ClientSession() as session,
    ):
        client = await connection.ready()
        await client.subscribe("evt.purchase.>", cb=on_message)
        await client.flush()
        headers = issuer.headers(account_id or new_id())
        yield Shop(url, session, headers, Publisher(connection), heard)


def types(events: Sequence[Event]) -> list[str]:
    return [
        f"{event.data.get('step', '')}:{event.data.get('status', '')}" if event.type == "step" else event.type
        for event in events
    ]


DONE = ["accepted:done", "reserve:done", "order:done", "payment:done", "completed"]
