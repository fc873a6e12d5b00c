"""`./just history 1000000`: a running shop gets a past, so that it can be measured what a past costs.

Three purchases really happen; then all databases and the provider's ledger hold copies of them, spread over
days and customers, each whole: log and feed, reservation and ledger of the stock, order, payment, mail, and
the words of the last days as far as they are kept. `./just audit` finds nothing wrong with it. All or
nothing: it commits when everything is written. A shop with a past of its own gets none.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import TypeAlias
from uuid import UUID

import asyncpg
from aiohttp import ClientError

from common.ids import new_id
from deploy.audit.words import least_id
from deploy.bench import copies, past
from deploy.bench.copies import Renamed
from deploy.bench.ledger import continued
from deploy.bench.past import Past
from deploy.bench.samples import Samples, made
from deploy.client import Unexpected
from deploy.embedded.errors import Misconfigured, NotRunning, StackError
from deploy.embedded.layout import WITH_DATABASE
from deploy.embedded.stack import Stack

COUNT, DAYS = 1_000_000, 30.0
CUSTOMERS = 1000
SERVICES = ("purchase", "product", "order", "payment", "mail")
BEFORE = "SELECT EXISTS (SELECT FROM purchases WHERE id < $1)"

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


async def run(stack: Stack, count: int, days: float) -> None:
    began = time.monotonic()
    async with AsyncExitStack() as opened:
        databases = {each: await opened.enter_async_context(owner(stack, each)) for each in WITH_DATABASE}
        if await databases["purchase"].fetchval(BEFORE, least_id(datetime.now(UTC) - timedelta(days=1))):
            raise Misconfigured(
                "this shop has purchases of other days already: no history is put before them"
            )
        samples = await made(stack)
        whole = spread(samples, count, days)
        transactions = [each.transaction() for each in databases.values()]
        for transaction in transactions:
            await transaction.start()
        sampled = await databases["purchase"].fetch(copies.SAMPLED, list(samples.purchases))
        async with asyncio.TaskGroup() as tasks:
            for service, database in databases.items():
                tasks.create_task(write(service, database, whole, sampled))
        tell(began, f"{count:,} purchases are written")
        with continued(stack, samples) as entries:
            async for purchase, sample, shift in numbered(databases["payment"]):
                entries.write(purchase, sample, shift)
            for transaction in transactions:
                await transaction.commit()
        tell(began, "they have happened")
        async with asyncio.TaskGroup() as tasks:
            for database in databases.values():
                tasks.create_task(database.execute("VACUUM (ANALYZE)"))
        await asyncio.to_thread(stack.postgres.run, "CHECKPOINT")
        tell(began, "everything is counted and swept")


@asynccontextmanager
async def owner(stack: Stack, service: str) -> AsyncIterator[Connection]:
    settings = {"work_mem": "128MB", "jit": "off", "application_name": "history"}
    connection = await asyncpg.connect(stack.database_url(service, "owner"), server_settings=settings)
    try:
        yield connection
    finally:
        await connection.close()


def spread(samples: Samples, count: int, days: float) -> Past:
    """Evenly, to an hour ago: whatever is measured now happens behind it."""
    until, span = datetime.now(UTC) - timedelta(hours=1), timedelta(days=days)
    customers = [new_id() for _ in range(min(CUSTOMERS, count))]
    return Past(samples, count, until - span, span / count, customers)


async def write(service: str, database: Connection, whole: Past, sampled: list[asyncpg.Record]) -> None:
    for statement in copies.customers(service, whole.samples):
        await database.execute(statement, whole.customers)
    if service == "product":
        await database.execute(copies.dense(is_over=False))
    if service in SERVICES:
        await past.number(database, whole, sampled)
        await database.execute(past.DAYS)
        for copied in copies.tables(service, Renamed(whole.samples)):
            await database.execute(copies.copy(service, copied, whole.samples))
    if service == "purchase":
        await database.execute(copies.FEEDS, whole.customers)
    if service == "product":
        for statement in (*copies.moved(whole), copies.dense(is_over=True)):
            await database.execute(statement)


async def numbered(database: Connection) -> AsyncIterator[tuple[UUID, UUID, timedelta]]:
    async for row in database.cursor("SELECT id, sample, shift FROM history ORDER BY n", prefetch=5000):
        yield row["id"], row["sample"], row["shift"]


def tell(began: float, what: str) -> None:
    print(f"{time.monotonic() - began:6.1f} s  {what}", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(prog="./just history", description=__doc__)
    parser.add_argument("count", type=int, nargs="?", default=COUNT, help=f"how many purchases ({COUNT:,})")
    parser.add_argument("--days", type=float, default=DAYS, help=f"over how many days ({DAYS:.0f})")
    given = parser.parse_args()
    try:
        stack = Stack.from_environment()
        if not stack.is_running:
            raise NotRunning("the stack is not running; ./just up starts it")
        asyncio.run(run(stack.as_running(), given.count, given.days))
    except (StackError, Unexpected, ClientError, TimeoutError, OSError) as error:
        print(f"history: {error or 'the shop does not answer'}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
