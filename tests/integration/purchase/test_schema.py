"""The database itself: what it forbids, and to whom."""

from collections.abc import Callable

import asyncpg
import pytest

from common.ids import new_id
from common.postgres.migrate import on_database
from tests.servers import Servers

PUT_IN = """
INSERT INTO purchases (id, account_id, issued_on, items, currency_code, method, installments, request_hash,
                       deadline_at, status)
VALUES ($1, $2, current_date, '[]', 'VND', 'cash', 1, '', now(), $3)
"""


async def test_the_tables_are_what_the_migrations_make(
    servers: Servers, database: Callable[[str], str]
) -> None:
    await on_database(servers.owner_url(database("purchase")), "purchase", "check")


async def test_a_decision_never_changes_whoever_asks(database: Callable[[str], str]) -> None:
    connection = await asyncpg.connect(database("purchase"))
    for decided in ("COMPLETED", "FAILED", "TIMED_OUT"):
        purchase_id = new_id()
        await connection.execute(PUT_IN, purchase_id, purchase_id, "PENDING")
        await connection.execute("UPDATE purchases SET status = $2 WHERE id = $1", purchase_id, decided)
        for other in {"PENDING", "COMPLETED", "FAILED", "TIMED_OUT"} - {decided}:
            with pytest.raises(asyncpg.IntegrityConstraintViolationError, match="is decided"):
                await connection.execute("UPDATE purchases SET status = $2 WHERE id = $1", purchase_id, other)
        await connection.execute("UPDATE purchases SET status = $2 WHERE id = $1", purchase_id, decided)
    await connection.close()


async def test_the_runtime_role_changes_no_schema(database: Callable[[str], str]) -> None:
    connection = await asyncpg.connect(database("purchase"))
    for forbidden in (
        "CREATE TABLE mine (id int)",
        "DROP TRIGGER decision_is_final ON purchases",
        "ALTER TABLE purchases DISABLE TRIGGER decision_is_final",
        "TRUNCATE purchases",
        "COPY purchases TO PROGRAM 'true'",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(forbidden)
    await connection.close()
