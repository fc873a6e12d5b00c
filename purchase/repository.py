"""Every statement about purchases; the event log has its own."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

import msgspec

from common.contracts.message import Item
from common.postgres.database import Row as Record
from common.postgres.database import Transaction, columns
from purchase.model import Outcome, Row, Status

STATE = """id, account_id, status, reason, rank, attempt, issued_on, deadline_at, acknowledged, items::text,
total, currency_code, method, installments, payment_token, traceparent, last_seq"""

ADD = """
INSERT INTO purchases (id, account_id, issued_on, items, currency_code, method, installments, payment_token,
                       traceparent, idempotency_key, request_hash, deadline_at, next_drive_at)
SELECT id, account_id, issued_on, items::jsonb, currency_code, method, installments, payment_token,
       traceparent, idempotency_key, request_hash,
       now() + $12 * interval '1 second', now() + $13 * interval '1 second'
FROM unnest($1::uuid[], $2::uuid[], $3::date[], $4::text[], $5::text[], $6::text[], $7::int[], $8::text[],
            $9::text[], $10::text[], $11::bytea[])
     AS new (id, account_id, issued_on, items, currency_code, method, installments, payment_token,
             traceparent, idempotency_key, request_hash)
ON CONFLICT (account_id, idempotency_key) DO NOTHING
RETURNING id, created_at, deadline_at
"""
BY_KEY = """
SELECT p.id, p.account_id, p.idempotency_key, p.request_hash, p.created_at, p.deadline_at
FROM purchases p JOIN unnest($1::uuid[], $2::text[]) AS wanted (account_id, idempotency_key)
     USING (account_id, idempotency_key)
"""
PENDING_OF = """
SELECT account_id, count(*) AS pending FROM purchases
WHERE status = 'PENDING' AND account_id = ANY($1::uuid[]) GROUP BY account_id
"""
LOCK = f"SELECT {STATE}, now() FROM purchases WHERE id = ANY($1::uuid[]) ORDER BY id FOR UPDATE"
# P9: any replica may sweep; what another one holds is skipped, so nobody waits here.
OVERDUE = f"""
SELECT {STATE}, now() FROM purchases WHERE status = 'PENDING' AND deadline_at < now()
ORDER BY deadline_at LIMIT $1 FOR UPDATE SKIP LOCKED
"""
UNSETTLED = f"""
SELECT {STATE}, now() FROM purchases WHERE next_drive_at < now()
ORDER BY next_drive_at LIMIT $1 FOR UPDATE SKIP LOCKED
"""
# The next re-drive is put off when it is near or a decision was made, not by every step: a row whose indexed
# columns stay as they are is written where it is (heap-only), and none of its six indexes hears of it.
SAVE = """
UPDATE purchases p SET
  status = new.status, reason = new.reason, rank = new.rank, acknowledged = new.acknowledged,
  items = coalesce(new.items::jsonb, p.items), total = new.total, last_seq = new.last_seq,
  decided_at = CASE WHEN new.status = 'PENDING' THEN NULL ELSE coalesce(p.decided_at, now()) END,
  settled_at = CASE WHEN new.settled THEN coalesce(p.settled_at, now()) END,
  next_drive_at = CASE WHEN new.settled THEN NULL
                  WHEN new.status = p.status AND p.next_drive_at > now() + $10::float * interval '0.5 second'
                  THEN p.next_drive_at
                  ELSE now() + least(600, $10 * 2 ^ least(p.drives, 10)) * interval '1 second' END
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::int[], $5::int[], $6::text[], $7::bigint[], $8::int[],
            $9::boolean[])
     AS new (id, status, reason, rank, acknowledged, items, total, last_seq, settled)
WHERE p.id = new.id
"""
DRIVEN = """
UPDATE purchases p SET
  attempt = new.attempt, issued_on = new.issued_on, drives = p.drives + 1, attention = p.drives >= 5,
  next_drive_at = now() + least(600, $4 * 2 ^ least(p.drives + 1, 10)) * interval '1 second'
FROM unnest($1::uuid[], $2::int[], $3::date[]) AS new (id, attempt, issued_on)
WHERE p.id = new.id RETURNING p.id, p.attention
"""
BACKLOG = """
SELECT count(*) FROM (SELECT FROM purchases WHERE status = 'PENDING'
                      AND created_at < now() - interval '10 seconds' LIMIT $1) AS waiting
"""
VIEW = """
SELECT id, account_id, status, reason, settled_at IS NOT NULL AS settled, items::text, total, currency_code,
       method, installments, created_at, deadline_at, decided_at
FROM purchases
"""
ONE = f"{VIEW} WHERE id = $1 AND account_id = $2"
LIST = f"""
{VIEW} WHERE account_id = $1 AND id < coalesce($2, 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid)
ORDER BY id DESC LIMIT $3
"""

decode_items = msgspec.json.Decoder(tuple[Item, ...]).decode


@dataclass(frozen=True)
class NewPurchase:
    """What a customer asked for, checked; `request_hash` recognises the same request again."""

    id: UUID
    account_id: UUID
    issued_on: date
    items: tuple[Item, ...]
    currency_code: str
    method: str
    installments: int
    payment_token: str | None
    traceparent: str | None
    idempotency_key: str | None
    request_hash: bytes


async def add(
    tx: Transaction, new: Iterable[NewPurchase], deadline: float, redrive_after: float
) -> dict[UUID, Record]:
    """Writes those whose idempotency key is new: id -> created_at, deadline_at."""
    rows = [
        [
            *(p.id, p.account_id, p.issued_on, _json(p.items), p.currency_code, p.method, p.installments),
            *(p.payment_token, p.traceparent, p.idempotency_key, p.request_hash),
        ]
        for p in new
    ]
    added = await tx.fetch(ADD, *columns(rows, 11), deadline, redrive_after) if rows else []
    return {row["id"]: row for row in added}


async def by_key(tx: Transaction, asked: Iterable[NewPurchase]) -> dict[tuple[UUID, str], Record]:
    """The purchases that were accepted first under the same account's idempotency keys."""
    found = await tx.fetch(BY_KEY, *columns(((new.account_id, new.idempotency_key) for new in asked), 2))
    return {(row["account_id"], row["idempotency_key"]): row for row in found}


async def pending_of(tx: Transaction, accounts: Iterable[UUID]) -> dict[UUID, int]:
    rows = await tx.fetch(PENDING_OF, sorted(set(accounts)))
    return {row["account_id"]: row["pending"] for row in rows}


async def lock(tx: Transaction, ids: Iterable[UUID]) -> list[Row]:
    """In id order, as everybody does."""
    return [_row(record) for record in await tx.fetch(LOCK, sorted(set(ids)))]


async def overdue(tx: Transaction, limit: int) -> list[Row]:
    return [_row(record) for record in await tx.fetch(OVERDUE, limit)]


async def unsettled(tx: Transaction, limit: int) -> list[Row]:
    return [_row(record) for record in await tx.fetch(UNSETTLED, limit)]


async def save(tx: Transaction, outcomes: Sequence[Outcome], redrive_after: float) -> None:
    """Everything a reaction may change, and the time of the next re-drive."""
    rows = [
        [
            *(row.id, row.status, row.reason, row.rank, row.acknowledged, _json(row.items), row.total),
            *(row.last_seq, row.is_settled),
        ]
        for row in (outcome.row for outcome in outcomes)
    ]
    await tx.execute(SAVE, *columns(rows, 9), redrive_after)


async def driven(tx: Transaction, rows: Sequence[Row], redrive_after: float) -> list[UUID]:
    """Notes the new attempts; returns the purchases that now need somebody's attention."""
    turned = columns(((row.id, row.attempt, row.issued_on) for row in rows), 3)
    return [each["id"] for each in await tx.fetch(DRIVEN, *turned, redrive_after) if each["attention"]]


async def backlog(tx: Transaction, limit: int) -> int:
    """Purchases PENDING for over ten seconds, counted up to the limit."""
    count: int = await tx.value(BACKLOG, limit)
    return count


async def one(tx: Transaction, purchase_id: UUID, account_id: UUID) -> Record | None:
    return await tx.row(ONE, purchase_id, account_id)


async def page(tx: Transaction, account_id: UUID, before: UUID | None, limit: int) -> list[Record]:
    """Newest first."""
    return await tx.fetch(LIST, account_id, before, limit)


def _row(record: Record) -> Row:
    return Row(
        id=record["id"],
        account_id=record["account_id"],
        status=Status(record["status"]),
        reason=record["reason"],
        rank=record["rank"],
        attempt=record["attempt"],
        issued_on=record["issued_on"],
        deadline_at=record["deadline_at"],
        acknowledged=record["acknowledged"],
        items=decode_items(record["items"]),
        total=record["total"],
        currency_code=record["currency_code"],
        method=record["method"],
        installments=record["installments"],
        payment_token=record["payment_token"],
        traceparent=record["traceparent"],
        last_seq=record["last_seq"],
    )


def _json(items: tuple[Item, ...]) -> str:
    return msgspec.json.encode(items).decode()
