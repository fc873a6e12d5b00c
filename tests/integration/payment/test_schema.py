"""The database keeps its promises whatever the code does."""

import asyncpg
import pytest

from common.ids import new_id
from common.postgres.database import Database
from common.postgres.migrate import on_database
from payment import repository
from payment.settings import PaymentSettings
from tests.servers import Servers


async def test_the_migrations_make_the_tables_that_the_code_knows(
    settings: PaymentSettings, servers: Servers
) -> None:
    await on_database(servers.owner_url(settings.database_url), "payment", "check")


async def test_the_runtime_role_cannot_change_the_schema(db: Database) -> None:
    for statement in ("DROP TABLE payments", "ALTER TABLE payments ADD x int", "CREATE TABLE x ()"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with db.begin() as tx:
                await tx.execute(statement)


ROW = """
INSERT INTO payments (id, account_id, amount, currency_code, method, installments, status, reason, unanswered,
                      next_call_at)
VALUES ($1, $1, $2, 'VND', 'cash', $3, $4, $5, '{}'::jsonb, CASE WHEN $6::bool THEN now() END)
"""


SENSELESS = [
    (-1, 1, "AUTHORIZED", None, False, "ck_payments_amount"),
    (1, 0, "AUTHORIZED", None, False, "ck_payments_installments"),
    (1, 1, "PAID", None, False, "ck_payments_status"),
    (1, 1, "DECLINED", None, False, "ck_payments_reason"),
    (1, 1, "CAPTURED", "why", False, "ck_payments_reason"),
    (1, 1, "AUTHORIZING", None, False, "ck_payments_next_call_at"),
    (1, 1, "VOIDED", None, True, "ck_payments_next_call_at"),
]


async def test_a_row_that_makes_no_sense_is_refused(db: Database) -> None:
    for *values, constraint in SENSELESS:
        with pytest.raises(asyncpg.CheckViolationError) as refused:
            async with db.begin() as tx:
                await tx.execute(ROW, new_id(), *values)
        assert refused.value.constraint_name == constraint


async def test_what_is_asked_each_second_is_planned_for_more_than_an_empty_table(db: Database) -> None:
    """The plan is made at the first question and kept until somebody analyzes the table."""
    async with db.read() as tx:
        plan = "\n".join(row[0] for row in await tx.fetch(f"EXPLAIN {repository.UNANSWERED}"))
    assert "ix_payments_next_call_at" in plan, plan
