"""Every runtime role tries to leave its rows: other databases, the schema, the server, its own limits."""

from collections.abc import Callable

import asyncpg
import pytest

from deploy.embedded.layout import WITH_DATABASE
from tests.servers import OnStack

STATEMENTS = [
    *(
        "CREATE TABLE mine ()",
        "CREATE TEMP TABLE mine ()",
        "CREATE VIEW mine AS SELECT 1",
        "CREATE SCHEMA mine",
    ),
    "CREATE FUNCTION mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE FUNCTION pg_temp.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE SERVER mine FOREIGN DATA WRAPPER x",
    *(
        "CREATE ROLE mine",
        "CREATE DATABASE mine",
        "CREATE PUBLICATION mine",
        "CREATE EVENT TRIGGER mine ON ddl_command_start EXECUTE FUNCTION x()",
    ),
    *(
        "DROP TABLE outbox",
        "TRUNCATE outbox",
        "ALTER TABLE outbox ADD mine int",
        "CREATE INDEX ON outbox (position)",
    ),
    *("ALTER FUNCTION maintain_partitions() RESET ALL", "DROP FUNCTION maintain_partitions()"),
    *(
        "COPY outbox TO PROGRAM 'cat'",
        "COPY outbox FROM PROGRAM 'cat'",
        "COPY outbox TO '/dev/null'",
        "COPY outbox FROM '/dev/null'",
    ),
    *(
        "SELECT pg_read_file('/etc/passwd')",
        "SELECT pg_read_binary_file('PG_VERSION')",
        "SELECT pg_ls_dir('.')",
    ),
    *(
        "SELECT pg_stat_file('PG_VERSION')",
        "SELECT lo_import('/etc/passwd')",
        "SELECT lo_export(1, '/dev/null')",
    ),
    *("SELECT lo_create(0)", "SELECT lo_creat(1)", "SELECT lo_from_bytea(0, 'x')"),
    *("SELECT pg_logical_emit_message(true, 'x', 'y')", "SELECT pg_switch_wal()", "SELECT pg_reload_conf()"),
    *(
        "SELECT * FROM pg_authid",
        "SELECT * FROM pg_shadow",
        "SELECT * FROM pg_hba_file_rules",
        "SELECT * FROM pg_user_mapping",
    ),
    *(
        "SELECT pg_terminate_backend((SELECT pid FROM pg_stat_activity WHERE usename = 'postgres' LIMIT 1))",
        "CHECKPOINT",
    ),
    *(
        "ALTER SYSTEM SET work_mem = '1GB'",
        "SET session_replication_role = replica",
        "SET log_statement = 'none'",
    ),
    *(
        "ALTER ROLE CURRENT_USER CONNECTION LIMIT -1",
        "ALTER ROLE CURRENT_USER SUPERUSER",
        "ALTER ROLE CURRENT_USER CREATEDB",
    ),
    *("SET ROLE postgres", "SET SESSION AUTHORIZATION postgres", "GRANT pg_read_all_data TO CURRENT_USER"),
    *(
        "ALTER ROLE postgres PASSWORD 'x'",
        "SECURITY LABEL ON TABLE outbox IS 'x'",
        "DO LANGUAGE plpython3u 'pass'",
    ),
]
OF_THE_OWNER = """
SELECT proname, proconfig FROM pg_proc WHERE prosecdef AND pronamespace = 'public'::regnamespace
"""
REFUSALS = (
    asyncpg.InsufficientPrivilegeError,
    asyncpg.UndefinedObjectError,  # there is no such language, label provider or wrapper at all
    asyncpg.InvalidParameterValueError,
)


@pytest.mark.parametrize("service", WITH_DATABASE)
async def test_a_runtime_role_changes_rows_of_its_own_and_nothing_else(
    service: str, database: Callable[[str], str]
) -> None:
    others = [other for other in WITH_DATABASE if other != service]
    probes = [
        *STATEMENTS,
        *(
            f"SET ROLE {other}_{role}"
            for other in WITH_DATABASE
            for role in ("owner", "runtime")
            if (other, role) != (service, "runtime")
        ),
        *(f"ALTER ROLE {other}_runtime PASSWORD 'x'" for other in others),
    ]
    connection = await asyncpg.connect(database(service))
    try:
        allowed = [probe for probe in probes if not await is_refused(connection, probe)]
    finally:
        await connection.close()
    print(f"{service}_runtime: refused are {len(probes) - len(allowed)} of {len(probes)} statements")  # noqa: T201  # how much was tried
    assert allowed == []


async def is_refused(connection: "asyncpg.Connection[asyncpg.Record]", probe: str) -> bool:
    try:
        await connection.execute(probe)
    except REFUSALS:
        return True
    return False


@pytest.mark.parametrize("service", WITH_DATABASE)
@pytest.mark.parametrize("role", ["runtime", "owner"])
async def test_no_role_enters_a_database_of_another(service: str, role: str, servers: OnStack) -> None:
    mine = servers.stack.database_url(service, role)
    for database in {*WITH_DATABASE, "postgres", "template1"} - {service}:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await asyncpg.connect(mine.rpartition("/")[0] + f"/{database}")


async def test_what_runs_with_the_owners_rights_looks_nowhere_but_in_its_schema(
    database: Callable[[str], str],
) -> None:
    for service in WITH_DATABASE:
        connection = await asyncpg.connect(database(service))
        try:
            found = await connection.fetch(OF_THE_OWNER)
        finally:
            await connection.close()
        ledger = ["maintain_movements"] if service == "product" else []
        assert sorted(row["proname"] for row in found) == ["forget_letters", *ledger, "maintain_partitions"]
        assert all("search_path=public, pg_temp" in row["proconfig"] for row in found)


async def test_every_role_may_open_so_many_connections_and_no_more(servers: OnStack) -> None:
    connection = await asyncpg.connect(servers.stack.postgres.superuser_url("postgres"))
    try:
        rows = await connection.fetch(
            "SELECT rolname, rolconnlimit FROM pg_roles WHERE rolname ~ '_(owner|runtime)$'"
        )
        most = int(await connection.fetchval("SHOW max_connections"))
    finally:
        await connection.close()
    limits = {row["rolname"]: row["rolconnlimit"] for row in rows}
    for service in WITH_DATABASE:
        assert 0 < limits[f"{service}_owner"] < limits[f"{service}_runtime"] <= most / 2
