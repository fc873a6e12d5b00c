"""The real product service in the test's own loop, and a client of it."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any
from uuid import UUID

import aiohttp
import asyncpg
import msgspec
import pytest
import pytest_asyncio

from common.main import Role
from product.__main__ import program
from product.settings import ProductSettings
from tests.people import SELLER, Answer, ask
from tests.servers import Servers
from tests.support import Issuer, free_port, running


class Client:
    """Speaks as the seller unless told otherwise; `by=None` is nobody."""

    def __init__(self, session: aiohttp.ClientSession, base: str, shop: "Shop") -> None:
        self.session = session
        self.base = base
        self.shop = shop

    async def __call__(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        by: UUID | None = SELLER,
        verified: bool = True,
        headers: dict[str, str] | None = None,
        raw: bytes | None = None,
    ) -> Answer:
        sent = {"Content-Type": "application/json"} if raw is not None else {}
        content: dict[str, Any] = (
            {"data": raw} if raw is not None else {"json": body} if body is not None else {}
        )
        return await ask(
            self.session,
            method,
            f"{self.base}/api/v1{path}",
            self.shop.issuer,
            by=by,
            verified=verified,
            headers=sent | (headers or {}),
            **content,
        )

    async def category(self, **changed: Any) -> str:
        answer = await self("POST", "/categories", {"name": "Drinks", "description": ""} | changed)
        assert answer.status == 201, answer.body
        return str(answer.body["id"])

    async def product(self, **changed: Any) -> dict[str, Any]:
        new = {
            "category_id": changed.pop("category_id", None) or await self.category(),
            "name": "Tea",
            "description": "Green.",
            "brand_name": "Leaf",
            "price": 100,
            "inventory": 5,
        }
        answer = await self("POST", "/products", new | changed)
        assert answer.status == 201, answer.body
        product: dict[str, Any] = answer.body
        return product


class Shop:
    """Replicas of the service on one database, which the test may look into as its owner."""

    def __init__(self, url: str, servers: Servers, issuer: Issuer, open_until: AsyncExitStack) -> None:
        self.url = url
        self.owner_url = servers.owner_url(url)
        self.nats_url = servers.nats_url
        self.servers = servers
        self.issuer = issuer
        self._open_until = open_until

    async def start(self, role: Role = Role.ALL, **changed: Any) -> Client:
        settings = ProductSettings(
            service="product",
            port=free_port(),
            nats_url=self.nats_url,
            database_url=self.url,
            redis_url=self.servers.redis_url_of("product"),
            jwks_url=self.issuer.jwks_url,
            currencies=("VND", "USD"),
            graceful_seconds=2.0,
        )
        settings = msgspec.structs.replace(settings, **changed)
        base = await self._open_until.enter_async_context(running(settings, program, role))
        session = await self._open_until.enter_async_context(aiohttp.ClientSession())
        return Client(session, base, self)

    async def look(self, question: str, *values: Any) -> list[asyncpg.Record]:
        connection = await asyncpg.connect(self.owner_url)
        try:
            return await connection.fetch(question, *values)
        finally:
            await connection.close()

    async def said(self, subject: str) -> list[dict[str, Any]]:
        """The messages under one subject, in the order of their writing."""
        rows = await self.look("SELECT payload FROM outbox WHERE subject = $1 ORDER BY position", subject)
        return [msgspec.json.decode(row["payload"]) for row in rows]


async def shown(client: Client, product_id: object) -> dict[str, object]:
    answer = await client("GET", f"/products/{product_id}", by=None)
    assert answer.status == 200, answer.body
    body: dict[str, object] = answer.body
    return body


async def metrics(client: Client) -> dict[str, float]:
    async with client.session.get(f"{client.base}/metrics") as answer:
        lines = (await answer.text()).splitlines()
    return {
        name: float(number) for name, _, number in (line.rpartition(" ") for line in lines if line[0] != "#")
    }


def space(shop: Shop) -> str:
    """Whatever the service keeps in Redis begins with it."""
    return f"product:{shop.url.rpartition('/')[2]}"


@asynccontextmanager
async def opened(servers: Servers, issuer: Issuer) -> AsyncIterator[Shop]:
    with servers.databases() as database:
        async with AsyncExitStack() as open_until:
            yield Shop(database("product"), servers, issuer, open_until)


@pytest.fixture
async def shop(servers: Servers, nats_url: str, issuer: Issuer) -> AsyncIterator[Shop]:
    """A fresh one, nothing started, before an empty stream."""
    async with opened(servers, issuer) as shop:
        yield shop


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(servers: Servers, issuer: Issuer) -> AsyncIterator[Client]:
    """Of one API, shared by the tests of a module: each makes what it looks at."""
    async with opened(servers, issuer) as shop:
        yield await shop.start(Role.API)
