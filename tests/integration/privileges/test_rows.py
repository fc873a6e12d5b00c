"""What every runtime role may do to the rows of its service: what the tables say, and nothing beside it."""

import importlib
import pkgutil
import re
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import TypeAlias

import asyncpg
import pytest
from sqlalchemy import MetaData, Table

from common.postgres.migrate import on_database
from common.postgres.rights import Undeclared, allowed, grants
from deploy.embedded.layout import WITH_DATABASE
from tests.servers import Servers

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

GRANTED = """
SELECT relname, privilege_type AS granted
FROM pg_class, aclexplode(relacl)
WHERE relnamespace = 'public'::regnamespace AND grantee IN (0, to_regrole($1))
UNION ALL
SELECT relname, format('%s (%s)', privilege_type, attname)
FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid, aclexplode(attacl)
WHERE relnamespace = 'public'::regnamespace AND grantee IN (0, to_regrole($1))
"""
"""To the role or to everybody: tables, partitions, sequences, views, and columns of them."""

PARTITIONS = "SELECT relname FROM pg_class WHERE relispartition AND relkind = 'r'"
STATEMENT = re.compile(r"\s*(SELECT|INSERT|UPDATE|DELETE|WITH)\b")
COMMON = ("common.messaging", "common.standing")
NO_STATEMENTS = (asyncpg.PostgresSyntaxError, asyncpg.UndefinedTableError)
"""A piece of one; one about tables that this service does not have."""

BEFORE = """
GRANT ALL ON ALL TABLES IN SCHEMA public TO order_runtime;
GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO order_runtime;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO order_runtime;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO order_runtime;
"""
"""More than any release ever granted."""

REWRITING = (
    *("DELETE FROM outbox", "UPDATE outbox SET payload = ''", "UPDATE outbox SET subject = ''"),
    *("DELETE FROM inbox", "UPDATE inbox SET message_id = ''"),
    *("DELETE FROM dead_letter", "UPDATE dead_letter SET error = ''", "DELETE FROM suspect"),
    *("UPDATE dead_letter SET payload = NULL", "UPDATE dead_letter_trail SET payload = NULL"),
    *("DELETE FROM dead_letter_trail", "UPDATE dead_letter_trail SET by = ''"),
    *("DELETE FROM relay_state", "UPDATE alembic_version SET version_num = ''"),
    *("SELECT setval('outbox_position', 1)", "ALTER SEQUENCE outbox_position RESTART"),
)
OF_ONE = {
    "account": (
        *("DELETE FROM account_changes", "UPDATE account_changes SET what = ''", "DELETE FROM accounts"),
        *("UPDATE codes SET hash = ''", "UPDATE refresh_tokens SET expires_at = now()"),
    ),
    "mail": ("DELETE FROM accounts", "UPDATE mails SET about = about"),
    "media": ("DELETE FROM products", "UPDATE media SET account_id = id", "UPDATE media SET format = ''"),
    "order": ("DELETE FROM orders", "UPDATE orders SET total = 0", "UPDATE order_lines SET price = 0"),
    "payment": ("DELETE FROM payments", "UPDATE payments SET amount = 1"),
    "product": ("DELETE FROM products", "UPDATE products SET seller_id = id", "DELETE FROM reservations"),
    "purchase": (
        *("DELETE FROM purchase_event", "UPDATE purchase_event SET data = ''", "DELETE FROM purchases"),
        "UPDATE purchases SET account_id = id",
    ),
}


def metadata(service: str) -> MetaData:
    known: MetaData = importlib.import_module(f"{service}.tables").METADATA
    return known


def declared(table: Table) -> set[str]:
    """Each right by itself."""
    found = set()
    for verb, columns in re.findall(r"(\w+)(?: \(([^)]*)\))?", allowed(table)):
        found |= {f"{verb} ({column})" for column in columns.split(", ")} if columns else {verb}
    return found


async def granted(connection: Connection, service: str) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for relation, right in await connection.fetch(GRANTED, f"{service}_runtime"):
        found.setdefault(relation, set()).add(right)
    return found


def expected(service: str) -> dict[str, set[str]]:
    """Neither Alembic's table nor any partition."""
    tables = {table.name: declared(table) for table in metadata(service).sorted_tables}
    return tables | {"outbox_position": {"USAGE"}}


def statements(service: str) -> Iterator[str]:
    """All that stand in the modules of the service, and in what it has in common with others."""
    for package in (service, *COMMON):
        path = importlib.import_module(package).__path__
        for module in pkgutil.walk_packages(path, f"{package}."):
            if "migrations" not in module.name and not module.name.endswith("__main__"):
                values = vars(importlib.import_module(module.name)).values()
                yield from (value for value in values if isinstance(value, str) and STATEMENT.match(value))


class Databases:
    """One of every service: as its owner, and under its runtime role."""

    def __init__(self, servers: Servers, database: Callable[[str], str]) -> None:
        self.runtime = {service: database(service) for service in WITH_DATABASE}
        self.owner = {service: servers.owner_url(url) for service, url in self.runtime.items()}

    @asynccontextmanager
    async def both(self, service: str) -> AsyncIterator[tuple[Connection, Connection]]:
        owner = await asyncpg.connect(self.owner[service])
        runtime = await asyncpg.connect(self.runtime[service])
        try:
            yield owner, runtime
        finally:
            await owner.close()
            await runtime.close()


@pytest.fixture(scope="module")
def databases(servers: Servers) -> Iterator[Databases]:
    with servers.databases() as database:
        yield Databases(servers, database)


async def may_run(runtime: Connection, statement: str) -> bool:
    """Planned, not run: the executor asks for the rights before it begins."""
    try:
        await runtime.execute(f"EXPLAIN (GENERIC_PLAN) {statement}")
    except asyncpg.InsufficientPrivilegeError:
        return False
    return True


async def known_statements(runtime: Connection, service: str) -> list[str]:
    found = []
    for statement in statements(service):
        try:
            assert await may_run(runtime, statement), statement
        except NO_STATEMENTS:
            continue
        found.append(statement)
    return found


@pytest.mark.parametrize("service", WITH_DATABASE)
async def test_the_runtime_role_may_what_the_tables_say_and_nothing_else(
    service: str, databases: Databases
) -> None:
    async with databases.both(service) as (owner, _):
        assert await granted(owner, service) == expected(service)


@pytest.mark.parametrize("service", WITH_DATABASE)
async def test_every_statement_may_run_and_every_right_is_needed(service: str, databases: Databases) -> None:
    async with databases.both(service) as (owner, runtime):
        asked = await known_statements(runtime, service)
        assert len(asked) > 15
        superfluous = []
        for table in metadata(service).sorted_tables:
            for right in declared(table) - {"SELECT"}:
                change = f'{right} ON "{table.name}" {{}} {service}_runtime'
                await owner.execute(f"REVOKE {change.format('FROM')}")
                for statement in asked:
                    if not await may_run(runtime, statement):
                        break
                else:
                    superfluous.append((table.name, right))
                await owner.execute(f"GRANT {change.format('TO')}")
        assert superfluous == []


@pytest.mark.parametrize("service", WITH_DATABASE)
async def test_nobody_rewrites_what_was_said_heard_or_noted(service: str, databases: Databases) -> None:
    async with databases.both(service) as (owner, runtime):
        partitions = [row["relname"] for row in await owner.fetch(PARTITIONS)]
        assert len(partitions) > 5
        probes = [f"{verb} {each}" for each in partitions for verb in ("DELETE FROM", "TABLE", "TRUNCATE")]
        probes += [*REWRITING, *OF_ONE[service]]
        probes += [f"TRUNCATE {table} CASCADE" for table in metadata(service).tables]
        for probe in probes:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await runtime.execute(probe)


async def test_what_was_granted_before_is_taken_back_by_the_next_migration(databases: Databases) -> None:
    async with databases.both("order") as (owner, runtime):
        await owner.execute(BEFORE)
        await runtime.execute("DELETE FROM outbox")
        await on_database(databases.owner["order"], "order", "upgrade", revision="head")
        await owner.execute("CREATE TABLE later (id serial)")
        assert await granted(owner, "order") == expected("order")


def test_a_table_that_says_nothing_stops_the_migration() -> None:
    silent = MetaData()
    Table("silent", silent)
    with pytest.raises(Undeclared, match="silent"):
        list(grants(silent, "order"))
