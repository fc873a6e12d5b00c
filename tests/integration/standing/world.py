"""Two replicas of one service, of which only the first hears anything, and what account would say to it."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import aiohttp

import order.__main__
import order.settings
import payment.__main__
import payment.settings
import product.__main__
import product.settings
import purchase.__main__
import purchase.settings
from common.contracts.account import AccountChanged, SessionEnded
from common.contracts.message import Message
from common.ids import new_id
from common.main import Role
from common.messaging.broker import broker
from common.messaging.outbox import as_outgoing
from common.messaging.publisher import Publisher
from tests.servers import Servers
from tests.support import Issuer, eventually, free_port, running

SERVICES: Mapping[str, tuple[Any, Any]] = {
    "product": (product.settings.ProductSettings, product.__main__.program),
    "order": (order.settings.OrderSettings, order.__main__.program),
    "payment": (payment.settings.PaymentSettings, payment.__main__.program),
    "purchase": (purchase.settings.PurchaseSettings, purchase.__main__.program),
}
Route = tuple[str, str]
GUARDED: Mapping[str, tuple[Route, int]] = {
    "product": (("DELETE", f"/products/{new_id()}"), 404),
    "order": (("GET", "/orders"), 200),
    "payment": (("GET", f"/payments/{new_id()}"), 404),
    "purchase": (("GET", "/purchases"), 200),
}
"""A route for any account, and what it answers to one that may call."""


@dataclass
class Session:
    """Somebody who signed in, and the version of the account then."""

    issuer: Issuer
    account_id: UUID = field(default_factory=new_id)
    session_id: UUID = field(default_factory=new_id)

    def headers(self, version: int = 1, *, role: str = "customer", verified: bool = True) -> dict[str, str]:
        token = self.issuer.token(
            self.account_id, role=role, verified=verified, ver=version, sid=str(self.session_id)
        )
        return {"Authorization": f"Bearer {token}"}

    def changed(self, version: int = 2, **changes: Any) -> AccountChanged:
        state: dict[str, Any] = {
            "email": "an@example.org",
            "first_name": "An",
            "last_name": "Lê",
            "address": "1 Quay",
            "phone_number": "+84123456",
            "role": "customer",
            "verified": True,
            "active": True,
        }
        return AccountChanged(
            entity_id=self.account_id, version=version, issued_on=datetime.now(UTC).date(), **state | changes
        )

    def ended(self) -> SessionEnded:
        today = datetime.now(UTC).date()
        return SessionEnded(entity_id=self.session_id, version=1, issued_on=today, account_id=self.account_id)


@dataclass
class World:
    """The bases of the replicas, and the broker."""

    service: str
    bases: list[str]
    http: aiohttp.ClientSession
    publisher: Publisher

    async def say(self, *messages: Message) -> float:
        """Returns when account would have committed it, before it is published."""
        at = time.monotonic()
        assert all(await self.publisher.publish([as_outgoing(message) for message in messages]))
        return at

    async def statuses(self, route: Route, headers: Mapping[str, str]) -> list[int]:
        """What every replica answers."""
        return [await self._status(base, route, headers) for base in self.bases]

    async def _status(self, base: str, route: Route, headers: Mapping[str, str]) -> int:
        method, path = route
        async with self.http.request(method, f"{base}/api/v1{path}", headers=headers, json={}) as response:
            await response.read()
            return response.status

    async def both_answer(self, status: int, route: Route, headers: Mapping[str, str]) -> float:
        """When both did first; each is asked for itself."""

        async def answers(base: str) -> float:
            async def so() -> bool:
                return await self._status(base, route, headers) == status

            await eventually(so)
            return time.monotonic()

        return max(await asyncio.gather(*map(answers, self.bases)))


@asynccontextmanager
async def world(
    service: str, servers: Servers, nats_url: str, issuer: Issuer, database_url: str
) -> AsyncIterator[World]:
    kind, program = SERVICES[service]
    common: dict[str, object] = {
        "service": service,
        "nats_url": nats_url,
        "database_url": database_url,
        "jwks_url": issuer.jwks_url,
        "redis_url": servers.redis_url,
        "psp_url": "http://127.0.0.1:9",
    }
    known = {name: common[name] for name in kind.__struct_fields__ if name in common}
    async with AsyncExitStack() as stack:
        bases = [
            await stack.enter_async_context(running(kind(**known, port=free_port()), program, role))
            for role in (Role.ALL, Role.API)
        ]
        http = await stack.enter_async_context(aiohttp.ClientSession())
        connection = await stack.enter_async_context(broker(nats_url, "account"))
        yield World(service, bases, http, Publisher(connection))
