"""The whole shop in the test's own event loop: every service real, replicas and settings as a test wants."""

import asyncio
import itertools
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import aiohttp
import asyncpg
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

import account.__main__
import account.settings
import mail.__main__
import mail.settings
import media.__main__
import media.settings
import orchestrator.__main__
import orchestrator.settings
import order.__main__
import order.settings
import payment.__main__
import payment.settings
import product.__main__
import product.settings
import purchase.__main__
import purchase.settings
from deploy.audit.books import Books
from deploy.client import Customer, Shop, until
from deploy.privileges.redis import SERVICES as WITH_REDIS
from tests.integration.psp.provider import PspProcess
from tests.servers import Servers
from tests.support import free_port, running

AT_ONCE = 10
"""Registrations, of customers who are not what a test is about."""

SERVICES: Mapping[str, tuple[Any, Any]] = {
    "account": (account.settings.AccountSettings, account.__main__.program),
    "product": (product.settings.ProductSettings, product.__main__.program),
    "order": (order.settings.OrderSettings, order.__main__.program),
    "payment": (payment.settings.PaymentSettings, payment.__main__.program),
    "purchase": (purchase.settings.PurchaseSettings, purchase.__main__.program),
    "orchestrator": (orchestrator.settings.OrchestratorSettings, orchestrator.__main__.program),
    "media": (media.settings.MediaSettings, media.__main__.program),
    "mail": (mail.settings.MailSettings, mail.__main__.program),
}
OWNER_OF = {
    "account": "account",
    "products": "product",
    "categories": "product",
    "orders": "order",
    "payments": "payment",
    "purchases": "purchase",
    "media": "media",
}
PATIENT: dict[str, object] = {"deadline": 300.0, "access_seconds": 7200}
"""No purchase and no token comes to its end only because the machine is busy."""
FAST_PASSWORDS = {
    "password_memory_kib": 1024,
    "password_passes": 1,
    "codes_per_hour": 1000,
    "password_queue": 1000,
    "tries_per_address": 100_000,
}


@dataclass
class Direct(Shop):
    """Without an edge: each call goes to the next replica of the service that owns the path."""

    replicas: Mapping[str, Iterator[str]] = field(default_factory=dict)

    def url(self, path: str) -> str:
        service = OWNER_OF[path.split("/")[1].split("?")[0]]
        return f"{next(self.replicas[service])}/api/v1{path}"

    async def code_mailed_to(self, address: str, *, seconds: float = 60.0) -> str:
        return await super().code_mailed_to(address, seconds=seconds)


@dataclass
class Part:
    """One replica of a service, which may be stopped, and started again where it was."""

    settings: Any
    program: Any
    _opened: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def start(self) -> str:
        return await self._opened.enter_async_context(running(self.settings, self.program))

    async def stop(self) -> None:
        await self._opened.aclose()


@dataclass
class Whole:
    """A running shop, its books, and a client of it."""

    shop: Direct
    databases: Mapping[str, str]
    psp: PspProcess
    seller: Customer
    category: str
    parts: Mapping[str, list[Part]]

    async def customer(self) -> Customer:
        made = await self.shop.register()
        await made.verify()
        return made

    async def customers(self, count: int) -> list[Customer]:
        """A few at a time: a busy machine does not register a hundred within a request's five seconds."""
        made: list[Customer] = []
        while len(made) < count:
            made += await asyncio.gather(*(self.customer() for _ in range(min(AT_ONCE, count - len(made)))))
        return made

    async def product(self, *, inventory: int, price: int = 1000) -> str:
        made = await self.seller.create_product(self.category, "Lamp", price=price, inventory=inventory)
        return str(made["id"])

    @property
    def books(self) -> Books:
        return Books(self.databases, self.psp.entries())

    async def settled(self, *, seconds: float = 120.0) -> None:
        async def answer() -> bool | None:
            return await Books(self.databases, ()).are_closed() or None

        await until(answer, seconds=seconds)

    async def assert_exact(self) -> Counter[str]:
        """Every invariant holds; returns how many purchases ended how."""
        if wrong := await self.books.violations():
            raise AssertionError("\n".join(wrong))
        return await self.books.outcomes()


@asynccontextmanager
async def whole(
    servers: Servers,
    home: Path,
    database: Callable[[str], str] | None = None,
    /,
    *,
    replicas: int | Mapping[str, int] = 1,
    psp: Mapping[str, object] | None = None,
    **changed: Mapping[str, object],
) -> AsyncIterator[Whole]:
    """`changed`: settings by service, over what the servers decide. `replicas`: of all, or of some.

    `database` makes those that are to last longer than the shop.
    """
    key = home / "signing.pem"
    key.write_bytes(
        Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    provider = PspProcess(home / "ledger.jsonl", **(psp or {})).start()
    common: dict[str, object] = PATIENT | {
        "redis_cluster": "," in servers.redis_url,
        "signing_key_file": str(key),
        "psp_url": provider.url,
        "smtp_host": servers.smtp_host,
        "smtp_port": servers.smtp_port,
        "s3_address": servers.s3.address,
        "s3_password": servers.s3.media_password,
        "s3_public_url": f"http://{servers.s3.address}",
    }
    try:
        async with AsyncExitStack() as stack:
            new = database or stack.enter_context(servers.databases())
            databases = {name: new(name) for name in SERVICES if name != "orchestrator"}
            urls: dict[str, list[str]] = {}
            parts: dict[str, list[Part]] = {}
            for name, (kind, program) in SERVICES.items():
                for _ in range(replicas if isinstance(replicas, int) else replicas.get(name, 1)):
                    known = common | {
                        "service": name,
                        "port": free_port(),
                        "database_url": databases.get(name),
                        "nats_url": servers.nats_url_of(name),
                    }
                    known |= {"jwks_url": f"{urls['account'][0]}/api/v1/account/jwks"} if urls else {}
                    known |= {"redis_url": servers.redis_url_of(name)} if name in WITH_REDIS else {}
                    known |= FAST_PASSWORDS if name == "account" else {}
                    known |= changed.get(name, {})
                    settings = kind(
                        **{field: known[field] for field in kind.__struct_fields__ if field in known}
                    )
                    part = Part(settings, program)
                    stack.push_async_callback(part.stop)
                    urls.setdefault(name, []).append(await part.start())
                    parts.setdefault(name, []).append(part)
            session = await stack.enter_async_context(
                aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=300))
            )
            turns = {name: itertools.cycle(of) for name, of in urls.items()}
            shop = Direct("", servers.mail_api, session, turns)
            seller = await shop.register()
            await seller.verify()
            category = await seller.call(
                "POST", "/categories", expect=201, body={"name": f"Lamps {home.name}", "description": "-"}
            )
            yield Whole(shop, databases, provider, seller, category["id"], parts)
    finally:
        provider.stop()


async def run_out(servers: Servers, shop: Whole, purchase: str) -> None:
    """The time of a purchase, now: no number of seconds lets it come so far and no further on any machine."""
    connection = await asyncpg.connect(servers.owner_url(shop.databases["purchase"]))
    try:
        await connection.execute("UPDATE purchases SET deadline_at = now() WHERE id = $1", UUID(purchase))
    finally:
        await connection.close()
