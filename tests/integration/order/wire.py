"""A test's own end of the broker: says what the other services would, hears what order answers."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec
import nats
from nats.aio.client import Client
from nats.aio.msg import Msg

from common.contracts import order
from common.contracts.account import AccountChanged, AccountRegistered
from common.contracts.message import Command, Item, Message, Purchase
from common.ids import new_id
from common.messaging.codec import Codec, words
from common.messaging.outbox import as_outgoing
from tests.support import eventually

CODEC = Codec(words(order))


class Wire:
    def __init__(self, client: Client) -> None:
        self.client = client
        self.heard: dict[str, Message] = {}
        self.count = 0

    async def say(self, *messages: Message, as_id: str = "") -> None:
        """Stored when it returns. The stream drops a repeated id: `as_id` gets a repetition past it."""
        js = self.client.jetstream(timeout=30)
        for message in messages:
            out = as_outgoing(message)
            headers = out.headers() | ({"Nats-Msg-Id": as_id} if as_id else {})
            await js.publish(out.subject, out.payload, headers=headers)

    async def pour(self, messages: list[Message]) -> None:
        """Many at once, without waiting for each."""
        for message in messages:
            out = as_outgoing(message)
            await self.client.publish(out.subject, out.payload, headers=out.headers())
        await self.client.flush()

    async def answer(self, command: Command) -> Message:
        reply = f"{command.id}:r"
        await eventually(lambda: reply in self.heard)
        return self.heard[reply]

    async def on_message(self, message: Msg) -> None:
        said = CODEC.decode(message.data)
        self.heard[said.id] = said
        self.count += 1


@asynccontextmanager
async def wire(url: str) -> AsyncIterator[Wire]:
    client = await nats.connect(url)
    end = Wire(client)
    await client.subscribe("evt.order.>", cb=end.on_message)
    yield end
    await client.close()


def item(*, quantity: int = 2, name: str = "Tea", unit_price: int = 500) -> Item:
    return Item(product_id=new_id(), quantity=quantity, name=name, brand_name="Leaf", unit_price=unit_price)


def purchase(account_id: UUID, *items: Item, attempt: int = 0) -> Purchase:
    lines = items or (item(), item(quantity=1, name="Cup", unit_price=12_000))
    now = datetime.now(UTC)
    return Purchase(
        id=new_id(),
        attempt=attempt,
        account_id=account_id,
        items=lines,
        total=sum(each.unit_price * each.quantity for each in lines),
        currency_code="VND",
        method="cash",
        installments=1,
        issued_on=now.date(),
        deadline_at=now + timedelta(seconds=30),
    )


def registered(account_id: UUID, *, address: str = "1 Quay") -> AccountRegistered:
    return msgspec.convert(_state(account_id, 1, address, True), AccountRegistered)


def changed(
    account_id: UUID, version: int, *, address: str = "1 Quay", active: bool = True
) -> AccountChanged:
    return msgspec.convert(_state(account_id, version, address, active), AccountChanged)


def _state(account_id: UUID, version: int, address: str, active: bool) -> dict[str, object]:
    return {
        "entity_id": account_id,
        "version": version,
        "issued_on": datetime.now(UTC).date(),
        "email": "an@example.org",
        "first_name": "An",
        "last_name": "Lê",
        "address": address,
        "phone_number": "+84123456",
        "role": "customer",
        "verified": True,
        "active": active,
    }
