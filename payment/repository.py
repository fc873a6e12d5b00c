"""Every SQL statement of the payment service."""

from collections.abc import Iterable, Sequence
from uuid import UUID

import msgspec

from common.postgres.database import Row, Transaction, columns
from payment.model.row import Payment, Schedule, Status, Unanswered

ADD = """
INSERT INTO payments (id, account_id, amount, currency_code, method, installments, token,
                      status, reason, unanswered, traceparent, next_call_at)
SELECT id, account_id, amount, currency_code, method, installments, token,
       status, reason, unanswered, traceparent, now() + make_interval(secs => wait)
FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::text[], $5::text[], $6::int[], $7::text[],
            $8::text[], $9::text[], $10::jsonb[], $11::text[], $12::float[])
  AS new(id, account_id, amount, currency_code, method, installments, token,
         status, reason, unanswered, traceparent, wait)
ON CONFLICT DO NOTHING RETURNING id
"""
LOCK = "SELECT * FROM payments WHERE id = ANY($1::uuid[]) ORDER BY id FOR UPDATE"

# A question is put off only by a new status or by another call in vain; never by a repeated command.
SAVE = """
UPDATE payments SET
  status = new.status, reason = new.reason, unanswered = new.unanswered, calls = new.calls,
  traceparent = new.traceparent,
  next_call_at = CASE WHEN (payments.status, payments.calls) = (new.status, new.calls)
                      THEN payments.next_call_at ELSE now() + make_interval(secs => new.wait) END,
  status_at = CASE WHEN payments.status = new.status THEN payments.status_at ELSE now() END
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::jsonb[], $5::int[], $6::text[], $7::float[])
  AS new(id, status, reason, unanswered, calls, traceparent, wait)
WHERE payments.id = new.id
"""
CLAIM = """
WITH due AS (
  SELECT id FROM payments WHERE next_call_at <= now()
  ORDER BY next_call_at LIMIT $1 FOR UPDATE SKIP LOCKED
)
UPDATE payments SET next_call_at = now() + make_interval(secs => $2)
FROM due WHERE payments.id = due.id
RETURNING payments.*, status_at < now() - make_interval(secs => $3) AS hopeless
"""
RETURN_TO_ALL = """
UPDATE payments SET next_call_at = now()
WHERE next_call_at IS NOT NULL
  AND id IN (SELECT id FROM payments WHERE id = ANY($1::uuid[]) FOR UPDATE SKIP LOCKED)
"""

# In an order that only the index has: a plan made for the empty table would go on reading all of it.
UNANSWERED = """
SELECT count(*) FROM (
  SELECT calls FROM payments WHERE next_call_at IS NOT NULL ORDER BY next_call_at LIMIT 100000
) AS open WHERE calls > 0
"""
ONE = "SELECT * FROM payments WHERE id = $1 AND status <> 'TOMBSTONE'"
PAGE = """
SELECT * FROM payments
WHERE status <> 'TOMBSTONE' AND ($1::uuid IS NULL OR id < $1) ORDER BY id DESC LIMIT $2
"""


async def add(tx: Transaction, payments: Iterable[Payment], schedule: Schedule) -> set[UUID]:
    """Inserts those that are not there, in id order so that batches cannot deadlock; returns their ids."""
    rows = [
        (
            *(payment.id, payment.account_id, payment.amount, payment.currency_code),
            *(payment.method, payment.installments, payment.token, payment.status, payment.reason),
            *(payment.unanswered, payment.traceparent, schedule.wait(payment)),
        )
        for payment in sorted(payments, key=lambda payment: payment.id)
    ]
    return {row["id"] for row in await tx.fetch(ADD, *columns(rows, 12))} if rows else set()


async def lock(tx: Transaction, ids: Iterable[UUID]) -> dict[UUID, Payment]:
    wanted = list(ids)
    return {row["id"]: _payment(row) for row in await tx.fetch(LOCK, wanted)} if wanted else {}


async def save(tx: Transaction, payments: Iterable[Payment], schedule: Schedule) -> None:
    rows = [
        (
            *(payment.id, payment.status, payment.reason, payment.unanswered, payment.calls),
            *(payment.traceparent, schedule.wait(payment)),
        )
        for payment in payments
    ]
    if rows:
        await tx.execute(SAVE, *columns(rows, 7))


async def claim(tx: Transaction, limit: int, schedule: Schedule) -> list[tuple[Payment, bool]]:
    """Those that are due, for one lease this process's alone, and whether each has waited too long."""
    rows = await tx.fetch(CLAIM, limit, schedule.lease, schedule.give_up)
    return [(_payment(row), row["hopeless"]) for row in rows]


async def return_to_all(tx: Transaction, ids: Sequence[UUID]) -> None:
    """Due at once, for whoever sweeps first."""
    await tx.execute(RETURN_TO_ALL, ids)


async def unanswered(tx: Transaction) -> int:
    count: int = await tx.value(UNANSWERED)
    return count


async def find(tx: Transaction, payment_id: UUID) -> Row | None:
    return await tx.row(ONE, payment_id)


async def page(tx: Transaction, before: UUID | None, limit: int) -> list[Row]:
    """Newest first."""
    return await tx.fetch(PAGE, before, limit)


def _payment(row: Row) -> Payment:
    return Payment(
        id=row["id"],
        account_id=row["account_id"],
        amount=row["amount"],
        currency_code=row["currency_code"],
        method=row["method"],
        installments=row["installments"],
        token=row["token"],
        status=Status(row["status"]),
        reason=row["reason"],
        unanswered=msgspec.convert(row["unanswered"], Unanswered),
        calls=row["calls"],
        traceparent=row["traceparent"],
    )
