"""A test's own ends: of the broker, of the mail catcher, and SMTP servers that misbehave."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

import aiohttp
import asyncpg
import msgspec
import nats
from aiosmtpd.smtp import SMTP, Envelope, Session
from nats.aio.client import Client
from nats.aio.msg import Msg

from common.contracts.account import (
    AccountChanged,
    AccountRegistered,
    EmailChanged,
    PasswordChanged,
    PasswordResetRequested,
    VerificationRequested,
)
from common.contracts.message import Item, Message, Purchase
from common.contracts.purchase import PurchaseCancelled, PurchaseCompleted
from common.ids import new_id
from common.messaging.outbox import as_outgoing
from mail.settings import MailSettings
from tests.support import eventually


class Wire:
    """Says what account and purchase would; hears what is accepted."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.accepted: list[str] = []

    async def say(self, *messages: Message, as_id: str = "") -> None:
        """Stored when it returns. The stream drops a repeated id: `as_id` gets a repetition past it."""
        js = self.client.jetstream(timeout=30)
        for message in messages:
            out = as_outgoing(message)
            headers = out.headers() | ({"Nats-Msg-Id": as_id} if as_id else {})
            await js.publish(out.subject, out.payload, headers=headers)

    async def on_message(self, message: Msg) -> None:
        assert message.headers
        self.accepted.append(message.headers["Nats-Msg-Id"])

    async def acceptance(self, event: Message) -> None:
        await eventually(lambda: f"{event.id}:r" in self.accepted)


@asynccontextmanager
async def wire(url: str) -> AsyncIterator[Wire]:
    client = await nats.connect(url)
    end = Wire(client)
    await client.subscribe("evt.mail.>", cb=end.on_message)
    yield end
    await client.close()


class Caught:
    """MailHog's API, as the demo reads it."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self.session = session

    async def to(self, mailbox: str) -> list[dict[str, Any]]:
        """Newest first."""
        query = {"kind": "to", "query": mailbox, "limit": "1000"}
        async with self.session.get("/api/v2/search", params=query) as response:
            found: dict[str, Any] = await response.json()
        items: list[dict[str, Any]] = found["items"]
        return items

    async def one_to(self, mailbox: str) -> dict[str, Any]:
        await eventually(lambda: self.to(mailbox))
        [only] = await self.to(mailbox)
        return only


Answer = Callable[[str], str]
"""Recipient -> what the server says to it."""


class Moody:
    """An SMTP server with a mind of its own; `taken` are the letters it has got, whatever it said then.

    Without `takes` they have to wait.
    """

    def __init__(self, *, pipelines: bool = True) -> None:
        self.pipelines = pipelines
        self.port = 0
        self.to_recipient: Answer = lambda _: "250 OK"
        self.to_text: Answer = lambda _: "250 OK"
        self.takes = asyncio.Event()
        self.takes.set()
        self.taken: list[tuple[str, bytes]] = []
        self.sessions = 0

    async def handle_EHLO(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        self.sessions += 1
        session.host_name = hostname
        return [*responses[:-1], *(["250-PIPELINING"] if self.pipelines else []), responses[-1]]

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        answer = self.to_recipient(address)
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        [recipient] = envelope.rcpt_tos
        assert isinstance(envelope.content, bytes)
        await self.takes.wait()
        self.taken.append((recipient, envelope.content))
        answer = self.to_text(recipient)
        if answer == "drop":
            assert isinstance(server.transport, asyncio.Transport)
            server.transport.abort()
        return answer


async def rows(settings: MailSettings, query: str) -> list[tuple[object, ...]]:
    connection = await asyncpg.connect(settings.database_url)
    try:
        return [tuple(row) for row in await connection.fetch(query)]
    finally:
        await connection.close()


def purchase(account_id: UUID, *, attempt: int = 0) -> Purchase:
    now = datetime.now(UTC)
    return Purchase(
        id=new_id(),
        attempt=attempt,
        account_id=account_id,
        items=(Item(product_id=new_id(), quantity=2, name="Trà sen", brand_name="Leaf", unit_price=500),),
        total=1000,
        currency_code="VND",
        method="cash",
        installments=1,
        issued_on=now.date(),
        deadline_at=now + timedelta(seconds=30),
    )


def completed(account_id: UUID) -> PurchaseCompleted:
    return PurchaseCompleted(purchase=purchase(account_id))


def cancelled(account_id: UUID, reason: str) -> PurchaseCancelled:
    return PurchaseCancelled(purchase=purchase(account_id), status="FAILED", reason=reason)


def mailbox(account_id: UUID) -> str:
    return f"{account_id.hex}@example.org"


def registered(account_id: UUID) -> AccountRegistered:
    return msgspec.convert(_state(account_id, 1, mailbox(account_id)), AccountRegistered)


def changed(account_id: UUID, version: int, email: str) -> AccountChanged:
    return msgspec.convert(_state(account_id, version, email), AccountChanged)


def code(
    account_id: UUID, *, version: int = 1, text: str = "01234567", seconds: float = 600
) -> VerificationRequested:
    """`seconds`: how long it counts."""
    now = datetime.now(UTC)
    return VerificationRequested(
        entity_id=account_id,
        version=version,
        issued_on=now.date(),
        email=mailbox(account_id),
        first_name="An",
        code=text,
        expires_at=now + timedelta(seconds=seconds),
    )


def reset(account_id: UUID, *, text: str) -> PasswordResetRequested:
    asked = msgspec.structs.asdict(code(account_id, text=text))
    return PasswordResetRequested(**asked)


C = TypeVar("C", PasswordChanged, EmailChanged)


def told_of(kind: type[C], account_id: UUID) -> C:
    return kind(
        entity_id=account_id,
        version=4,
        issued_on=datetime.now(UTC).date(),
        email=mailbox(account_id),
        first_name="An",
    )


def _state(account_id: UUID, version: int, email: str) -> dict[str, object]:
    return {
        "entity_id": account_id,
        "version": version,
        "issued_on": datetime.now(UTC).date(),
        "email": email,
        "first_name": "An",
        "last_name": "Lê",
        "address": "1 Quay",
        "phone_number": "+84123456",
        "role": "customer",
        "verified": False,
        "active": True,
    }
