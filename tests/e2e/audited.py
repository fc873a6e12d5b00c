"""A shop whose purchases have come to every kind of end, and that nobody touches any more but the tests."""

import asyncio
import itertools
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit
from uuid import UUID

import asyncpg

from deploy.audit.sources import Sources, listed
from deploy.client import Customer
from deploy.embedded.stack import Stack
from deploy.psp.book import Entry
from deploy.psp.ledger import read
from tests.e2e.whole import Whole, run_out, whole
from tests.servers import Servers, fresh_stream
from tests.support import eventually

AGED = """
UPDATE outbox SET created_at = created_at - interval '2 minutes', published_at = now() - interval '2 minutes';
UPDATE relay_state SET stream_created_at = stream_created_at - interval '1 hour'
"""
"""What was said just now may still be on its way: nobody would judge it."""


class Tampered(Servers, Protocol):
    """Servers whose superuser copies databases."""

    stack: Stack


@dataclass
class Audited:
    """Its databases, the provider's ledger, and a purchase of each kind."""

    servers: Tampered
    databases: Mapping[str, str]
    ledger_file: Path
    purchases: Mapping[str, UUID]
    _numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    @property
    def ledger(self) -> list[Entry]:
        return read(self.ledger_file)

    def of_auditor(self, databases: Mapping[str, str]) -> dict[str, str]:
        return {service: self.servers.auditor_url(url) for service, url in databases.items()}

    def sources(self, databases: Mapping[str, str], ledger: list[Entry] | None = None) -> Sources:
        known = self.ledger if ledger is None else ledger
        return Sources(self.of_auditor(databases), listed(known), self.servers.nats_url_of("viewer"))

    async def seeded(self, service: str, *statements: str) -> dict[str, str]:
        """All databases, one of them a copy that its owner has tampered with."""
        original = urlsplit(self.databases[service]).path.lstrip("/")
        name = f"{original}x{next(self._numbers)}"
        await asyncio.to_thread(
            self.servers.stack.postgres.run,
            f'CREATE DATABASE "{name}" OWNER "{service}_owner" TEMPLATE "{original}" STRATEGY wal_log;'
            f'REVOKE ALL ON DATABASE "{name}" FROM PUBLIC; GRANT CONNECT ON DATABASE "{name}" TO auditor;',
        )
        copy = urlsplit(self.databases[service])._replace(path=f"/{name}").geturl()
        await execute(self.servers.owner_url(copy), [each.format(**self.purchases) for each in statements])
        return {**self.databases, service: copy}


async def execute(url: str, statements: list[str]) -> None:
    """As the owner; each changes something."""
    connection = await asyncpg.connect(url)
    try:
        for each in statements:
            done = await connection.execute(each)
            assert not done.endswith(" 0"), each  # of rows
    finally:
        await connection.close()


async def build(servers: Tampered, database: Callable[[str], str], home: Path) -> Audited:
    """A provider that says nothing is waited for longer than anything takes, one that is away asked soon."""
    await fresh_stream(servers.nats_url)
    asking = {"provider_timeout": 120.0, "retry_seconds": 0.1}
    async with whole(servers, home, database, payment=asking, purchase={"redrive_after": 600.0}) as shop:
        purchases = await buy_everything(servers, shop)
        await shop.settled()
        ends = await shop.assert_exact()
        assert (ends["COMPLETED"], ends["FAILED"], ends["TIMED_OUT"]) == (3, 3, 1), ends
        databases = shop.databases
    for url in databases.values():
        connection = await asyncpg.connect(servers.owner_url(url))
        await connection.execute(AGED)
        await connection.close()
    return Audited(servers, databases, home / "ledger.jsonl", purchases)


async def buy_everything(servers: Servers, shop: Whole) -> dict[str, UUID]:
    """The others stand around those that are tampered with."""
    lamp, customer = await shop.product(inventory=20), await shop.customer()
    bought = {
        "before": await customer.buy({lamp: 1}),
        "completed": await customer.buy({lamp: 2}),
        "declined": await customer.buy({lamp: 1}, token="tok_decline"),
        "out_of_stock": await customer.buy({lamp: 100}),
        "after": await customer.buy({lamp: 1}),
    }
    await asyncio.gather(*(customer.outcome(each["id"]) for each in bought.values()))
    bought["cancelled"] = await held(shop, customer, lamp)
    await customer.call("POST", f"/purchases/{bought['cancelled']['id']}/cancel")
    bought["timed_out"] = await held(shop, customer, lamp)
    await run_out(servers, shop, bought["timed_out"]["id"])
    await asyncio.gather(*(customer.outcome(bought[name]["id"]) for name in ("cancelled", "timed_out")))
    await asyncio.to_thread(shop.psp.stop, signal.SIGKILL)
    await asyncio.to_thread(shop.psp.start)
    return {name: UUID(each["id"]) for name, each in bought.items()}


async def held(shop: Whole, customer: Customer, lamp: str) -> dict[str, str]:
    """A purchase for which the provider holds the money already, and says so when it is started again."""
    bought = await customer.buy({lamp: 1}, token="tok_timeout_after")
    await eventually(lambda: shop.psp.moves(bought["id"]))
    return bought
