"""The auditor reads the columns that its statements need, in every database, and nothing that is secret."""

import re
from collections.abc import AsyncIterator, Callable

import asyncpg
import pytest

from common.postgres.migrate import on_database
from common.postgres.rights import AUDITOR, audits
from deploy.audit import statements
from deploy.embedded.layout import WITH_DATABASE
from tests.integration.privileges.test_postgres import STATEMENTS, is_refused
from tests.integration.privileges.test_rows import GRANTED, Connection, metadata
from tests.servers import OnStack, Servers

ASKED = [each for name, each in vars(statements).items() if name.isupper()]
ELSEWHERE = (asyncpg.UndefinedTableError, asyncpg.UndefinedColumnError)
"""About tables that this service does not have."""

SECRET = {
    ("account", "accounts"): ("email", "phone_number", "password_hash", "first_name", "last_name", "address"),
    ("account", "codes"): ("hash",),
    ("account", "refresh_tokens"): ("hash",),
    ("mail", "accounts"): ("email", "name"),
    ("mail", "mails"): ("recipient", "content"),
    ("order", "accounts"): ("address", "phone_number"),
    ("order", "orders"): ("address", "phone_number"),
    ("payment", "payments"): ("token", "unanswered"),
    ("purchase", "purchases"): ("payment_token", "items"),
}


@pytest.fixture(params=WITH_DATABASE)
def service(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def owner(service: str, servers: Servers, database: Callable[[str], str]) -> AsyncIterator[Connection]:
    """Of a database of its own: rights are taken away here."""
    connection = await asyncpg.connect(servers.owner_url(database(service)))
    yield connection
    await connection.close()


@pytest.fixture
async def auditor(owner: Connection, service: str, servers: Servers) -> AsyncIterator[Connection]:
    """It may switch off what keeps it from trying to write; what it may, that does not change."""
    name = await owner.fetchval("SELECT current_database()")
    connection = await asyncpg.connect(servers.auditor_url(f"/{name}"))
    await connection.execute("SET default_transaction_read_only = off")
    yield connection
    await connection.close()


def declared(service: str) -> dict[str, set[str]]:
    """As the catalogue lists it: column by column."""
    found: dict[str, set[str]] = {}
    for statement in audits(metadata(service)):
        if granted := re.fullmatch(r'GRANT SELECT \((.*)\) ON "(\w+)" TO "auditor"', statement):
            found[granted[2]] = {f"SELECT ({column})" for column in granted[1].split(", ")}
    return found


async def may_run(connection: Connection, statement: str) -> bool:
    try:
        await connection.execute(f"EXPLAIN (GENERIC_PLAN) {statement}")
    except asyncpg.InsufficientPrivilegeError:
        return False
    return True


async def test_it_may_read_what_the_tables_say_and_nothing_else(owner: Connection, service: str) -> None:
    found: dict[str, set[str]] = {}
    for relation, right in await owner.fetch(GRANTED, AUDITOR):
        found.setdefault(relation, set()).add(right)
    assert found == declared(service)
    assert {"inbox", "outbox", "dead_letter"} <= found.keys()


async def test_every_statement_may_run_and_every_column_is_needed(
    owner: Connection, auditor: Connection, service: str
) -> None:
    asked = []
    for statement in ASKED:
        try:
            assert await may_run(auditor, statement), statement
        except ELSEWHERE:
            continue
        asked.append(statement)
    superfluous = []
    for table, rights in declared(service).items():
        for right in rights:
            await owner.execute(f'REVOKE {right} ON "{table}" FROM {AUDITOR}')
            if all([await may_run(auditor, statement) for statement in asked]):
                superfluous.append((table, right))
            await owner.execute(f'GRANT {right} ON "{table}" TO {AUDITOR}')
    assert superfluous == []


async def test_every_column_that_is_not_named_is_closed_and_so_is_every_write(
    auditor: Connection, service: str
) -> None:
    known = declared(service)
    probes = []
    for table in metadata(service).sorted_tables:
        columns = [column.name for column in table.columns]
        closed = [name for name in columns if f"SELECT ({name})" not in known.get(table.name, ())]
        probes += [f'SELECT "{name}" FROM "{table.name}"' for name in closed]
        probes += [f'{verb} "{table.name}"' for verb in ("DELETE FROM", "TRUNCATE")]
        probes += [f'UPDATE "{table.name}" SET "{columns[0]}" = DEFAULT']
        probes += [f'INSERT INTO "{table.name}" DEFAULT VALUES']
        for secret in SECRET.get((service, table.name), ()):
            assert secret in closed
    for probe in probes:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await auditor.execute(probe)
    for sequence in ("outbox_position", "dead_letter_id_seq"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await auditor.execute(f"SELECT nextval('{sequence}')")


async def test_it_leaves_its_rows_as_little_as_a_service_does(auditor: Connection) -> None:
    assert [probe for probe in STATEMENTS if not await is_refused(auditor, probe)] == []
    others = [f"SET ROLE {service}_{role}" for service in WITH_DATABASE for role in ("owner", "runtime")]
    assert [probe for probe in others if not await is_refused(auditor, probe)] == []


async def test_it_may_call_no_function_of_an_owner(auditor: Connection) -> None:
    allowed = await auditor.fetch(
        "SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prosecdef"
        " AND has_function_privilege(oid, 'EXECUTE')"
    )
    assert allowed == []


async def test_what_was_granted_before_is_taken_back_by_the_next_migration(
    servers: Servers, database: Callable[[str], str]
) -> None:
    url = servers.owner_url(database("account"))
    owner = await asyncpg.connect(url)
    try:
        await owner.execute(f"GRANT SELECT, DELETE ON accounts TO {AUDITOR}")
        await on_database(url, "account", "upgrade", revision="head")
        assert not [row for row in await owner.fetch(GRANTED, AUDITOR) if row["relname"] == "accounts"]
    finally:
        await owner.close()


async def test_it_enters_the_databases_of_services_and_no_other_for_a_bounded_time(servers: OnStack) -> None:
    url = servers.stack.postgres.auditor_url("order")
    for database in ("postgres", "template1"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await asyncpg.connect(url.rpartition("/")[0] + f"/{database}")
    connection = await asyncpg.connect(url)
    try:
        assert await connection.fetchval("SHOW statement_timeout") == "30s"
        assert await connection.fetchval("SHOW default_transaction_read_only") == "on"
        limit = await connection.fetchval("SELECT rolconnlimit FROM pg_roles WHERE rolname = current_user")
    finally:
        await connection.close()
    assert limit == 2 * len(WITH_DATABASE)
