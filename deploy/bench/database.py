"""What Postgres counts: commits and statements by database, fsyncs and bytes of its log."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg

from deploy.bench.costs import Sample
from deploy.embedded.errors import Misconfigured
from deploy.embedded.layout import WITH_DATABASE
from deploy.embedded.stack import Stack

FLUSH_SECONDS = 10.5
"""A server process tells its counts at the end of a transaction, once a second at most, and what is left over
after ten idle seconds."""

COMMITS = """
SELECT datname AS name, xact_commit AS count FROM pg_stat_database WHERE datname = ANY($1::text[])
"""
FSYNCS = """
SELECT backend_type AS name, sum(fsyncs)::bigint AS count FROM pg_stat_io
WHERE object = 'wal' AND fsyncs > 0 GROUP BY 1
"""
BYTES = "SELECT 'bytes' AS name, pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint AS count"

SIZES = (
    "SELECT datname AS name, pg_database_size(oid) AS count FROM pg_database WHERE datname = ANY($1::text[])"
)

COUNTER = "pg_stat_statements"
TEXTS_KIND = "statements_by_text"
INSTALL = f"CREATE EXTENSION IF NOT EXISTS {COUNTER}"
# The services' statements, and not those of whoever looks.
STATEMENTS = """
SELECT d.datname AS name, sum(s.calls)::bigint AS count
FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid JOIN pg_roles r ON r.oid = s.userid
WHERE d.datname = ANY($1::text[]) AND r.rolname = d.datname || '_runtime' GROUP BY 1
"""
# Of its pages, however they came to hand: unlike time, this says the same on a machine that is busy.
BLOCKS = STATEMENTS.replace("s.calls", "s.shared_blks_hit + s.shared_blks_read")
TEXTS = """
SELECT d.datname || ': ' || regexp_replace(s.query, '\\s+', ' ', 'g') AS name, sum(s.calls)::bigint AS count
FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid JOIN pg_roles r ON r.oid = s.userid
WHERE d.datname = ANY($1::text[]) AND r.rolname = d.datname || '_runtime' GROUP BY 1
"""


@dataclass(frozen=True)
class Counters:
    """A connection of somebody who may see everything."""

    connection: "asyncpg.Connection[asyncpg.Record]"
    with_statements: bool

    async def now(self) -> dict[str, Sample]:
        """What is counted at once."""
        known = {"wal": await self._sample(BYTES)}
        if self.with_statements:
            known["statements"] = await self._sample(STATEMENTS, WITH_DATABASE)
            known["blocks"] = await self._sample(BLOCKS, WITH_DATABASE)
            known[TEXTS_KIND] = await self._sample(TEXTS, WITH_DATABASE)
        return known

    async def told(self) -> dict[str, Sample]:
        """What is complete only when everybody has been idle for FLUSH_SECONDS."""
        return {
            "commits": await self._sample(COMMITS, WITH_DATABASE),
            "wal_fsyncs": await self._sample(FSYNCS),
        }

    async def sizes(self) -> dict[str, float]:
        """Of the databases, on the disk, in bytes."""
        return dict((await self._sample(SIZES, WITH_DATABASE)).counts)

    async def _sample(self, statement: str, *values: object) -> Sample:
        rows = await self.connection.fetch(statement, *values)
        return Sample(time.perf_counter(), {row["name"]: float(row["count"]) for row in rows})


@asynccontextmanager
async def counters(stack: Stack, *, statements: bool) -> AsyncIterator[Counters]:
    """Raises Misconfigured for statements on a server that was not started to count them."""
    connection = await asyncpg.connect(stack.postgres.superuser_url("postgres"))
    try:
        if statements:
            await install(connection)
        yield Counters(connection, statements)
    finally:
        await connection.close()


async def install(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    """The view that shows the counts; the counting itself is the preloaded library's."""
    if COUNTER not in await connection.fetchval("SHOW shared_preload_libraries"):
        raise Misconfigured(
            f"the running Postgres does not count statements: ./just down, and let the bench start the "
            f"stack, or start it with SHOP_POSTGRES_PRELOAD={COUNTER}"
        )
    await connection.execute(INSTALL)
