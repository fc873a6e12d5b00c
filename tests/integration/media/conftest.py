"""The real media service in the test's own loop, and a client of it."""

import io
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any
from uuid import UUID

import aiohttp
import asyncpg
import msgspec
import pytest
import pytest_asyncio

from common.ids import new_id
from common.main import Role
from deploy.privileges.s3 import MEDIA
from media.__main__ import program
from media.settings import MediaSettings
from media.store import Store, connect
from tests.integration.media.samples import form
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
        *,
        by: UUID | None = SELLER,
        verified: bool = True,
        raw: Any = None,
        kind: str = "",
    ) -> Answer:
        raw = io.BytesIO(raw) if isinstance(raw, bytes) else raw
        return await ask(
            self.session,
            method,
            f"{self.base}/api/v1{path}",
            self.shop.issuer,
            by=by,
            verified=verified,
            headers={"Content-Type": kind} if kind else {},
            data=raw,
        )

    async def send(
        self, parts: Iterable[tuple[str, bytes]], *, names: Iterable[str] = (), **who: Any
    ) -> Answer:
        raw, kind = form(parts, names=names)
        return await self("POST", "/media/upload", raw=raw, kind=kind, **who)

    async def upload(self, *files: bytes, product: UUID | None = None, **who: Any) -> Answer:
        """For a product of the seller's own."""
        product = product or await self.shop.product()
        return await self.send(
            [("product_id", str(product).encode()), *(("data", each) for each in files)], **who
        )

    async def listed(self, product: UUID) -> list[dict[str, Any]]:
        answer = await self("GET", f"/media?product_id={product}", by=None)
        assert answer.status == 200, answer.body
        items: list[dict[str, Any]] = answer.body["items"]
        return items


class Shop:
    """Replicas of the service on one database, which the test may look into as its owner."""

    def __init__(
        self, servers: Servers, issuer: Issuer, settings: MediaSettings, objects: Store, until: AsyncExitStack
    ) -> None:
        self.servers = servers
        self.issuer = issuer
        self.settings = settings
        self.objects = objects
        self._until = until

    async def start(self, role: Role = Role.ALL, **changed: Any) -> Client:
        settings = msgspec.structs.replace(self.settings, port=free_port(), **changed)
        return await self.client(await self._until.enter_async_context(running(settings, program, role)))

    async def client(self, base: str) -> Client:
        session = await self._until.enter_async_context(aiohttp.ClientSession())
        return Client(session, base, self)

    async def product(self, seller: UUID = SELLER, *, deleted: bool = False) -> UUID:
        """One that product has told of."""
        made = new_id()
        await self.look("INSERT INTO products VALUES ($1, $2, 1, $3)", made, seller, deleted)
        return made

    async def look(self, question: str, *values: Any) -> list[asyncpg.Record]:
        connection = await asyncpg.connect(self.servers.owner_url(self.settings.database_url))
        try:
            return await connection.fetch(question, *values)
        finally:
            await connection.close()

    async def statuses(self) -> dict[str, int]:
        rows = await self.look("SELECT status, count(*) AS count FROM media GROUP BY status")
        return {row["status"]: row["count"] for row in rows}

    async def objects_of(self, ids: Iterable[UUID | str]) -> list[str]:
        """Those that are really there, by the beginning of their names."""
        known = {str(each) for each in ids}
        names = [name for bucket in ("images", "videos") for name in await self.objects.names(bucket, "")]
        return [name for name in names if name[:36] in known]


@asynccontextmanager
async def opened(servers: Servers, issuer: Issuer) -> AsyncIterator[Shop]:
    with servers.databases() as database:
        settings = settings_of(servers, issuer, database("media"))
        async with AsyncExitStack() as until:
            objects = await until.enter_async_context(connect(settings))
            yield Shop(servers, issuer, settings, objects, until)


def settings_of(servers: Servers, issuer: Issuer, url: str) -> MediaSettings:
    return MediaSettings(
        port=0,
        nats_url=servers.nats_url_of(MEDIA),
        database_url=url,
        pool_size=4,
        jwks_url=issuer.jwks_url,
        s3_address=servers.s3.address,
        s3_password=servers.s3.media_password,
        s3_public_url=f"http://{servers.s3.address}",
        graceful_seconds=2.0,
        media_sweep_seconds=0.1,
    )


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
