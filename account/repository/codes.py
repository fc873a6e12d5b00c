"""Verification codes."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from common.postgres.database import Transaction

SENT = """
WITH codes AS (
  SELECT number, created_at + interval '1 hour' - now() AS wait
  FROM verification_codes WHERE account_id = $1
)
SELECT coalesce(max(number), 0), count(*) FILTER (WHERE wait > interval '0'),
       coalesce(extract(epoch FROM min(wait) FILTER (WHERE wait > interval '0')), 0)::float
FROM codes
"""
ADD = """
INSERT INTO verification_codes (account_id, number, hash, expires_at)
VALUES ($1, $2, $3, now() + make_interval(secs => $4)) RETURNING created_at, expires_at
"""
# Counted before it is looked at, so that guesses side by side have no more tries than guesses in a row.
ATTEMPT = """
UPDATE verification_codes SET attempts = attempts + 1
WHERE account_id = $1 AND number = (SELECT max(number) FROM verification_codes WHERE account_id = $1)
  AND used_at IS NULL AND expires_at > now() AND attempts < $2
RETURNING number, hash
"""
USE = "UPDATE verification_codes SET used_at = now() WHERE account_id = $1 AND number = $2"


class Sent(NamedTuple):
    """`wait`: seconds until the oldest code of the last hour is older than that."""

    last: int
    recent: int
    wait: float


class Times(NamedTuple):
    created_at: datetime
    expires_at: datetime


class Attempt(NamedTuple):
    number: int
    hash: bytes


async def sent(tx: Transaction, account_id: UUID) -> Sent:
    row = await tx.row(SENT, account_id)
    assert row is not None
    return Sent(*row)


async def add(tx: Transaction, account_id: UUID, number: int, code: bytes, seconds: float) -> Times:
    """The highest number is the code that counts."""
    row = await tx.row(ADD, account_id, number, code, seconds)
    assert row is not None
    return Times(*row)


async def attempt(tx: Transaction, account_id: UUID, most: int) -> Attempt | None:
    """Uses up one of the tries; None when there is no code to try."""
    row = await tx.row(ATTEMPT, account_id, most)
    return Attempt(*row) if row else None


async def use(tx: Transaction, account_id: UUID, number: int) -> None:
    await tx.execute(USE, account_id, number)
