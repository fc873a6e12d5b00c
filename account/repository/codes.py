"""Codes that were mailed."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from account.model import Purpose
from common.postgres.database import Transaction

SENT = """
SELECT count(*), coalesce(extract(epoch FROM min(created_at) + interval '1 hour' - now()), 0)::float
FROM codes WHERE account_id = $1 AND purpose = $2 AND created_at > now() - interval '1 hour'
"""
# Counted in the account's row: codes are swept away, and a number that came again would be taken for a
# repetition of the mail it once named.
NUMBER = "UPDATE accounts SET codes_sent = codes_sent + 1 WHERE id = $1 RETURNING codes_sent"
ADD = """
INSERT INTO codes (account_id, purpose, number, hash, expires_at)
VALUES ($1, $2, $3, $4, now() + make_interval(secs => $5)) RETURNING created_at, expires_at
"""
# Counted before it is looked at, so that guesses side by side have no more tries than guesses in a row.
ATTEMPT = """
UPDATE codes SET attempts = attempts + 1
WHERE account_id = $1
  AND number = (SELECT max(number) FROM codes WHERE account_id = $1 AND purpose = $2)
  AND used_at IS NULL AND expires_at > now() AND attempts < $3
RETURNING number, hash
"""
USE = "UPDATE codes SET used_at = now() WHERE account_id = $1 AND number = $2"
KILL = "UPDATE codes SET used_at = now() WHERE account_id = $1 AND purpose = $2 AND used_at IS NULL"


class Sent(NamedTuple):
    """`wait`: seconds until the oldest code of the last hour is older than that."""

    recent: int
    wait: float


class Times(NamedTuple):
    created_at: datetime
    expires_at: datetime


class Attempt(NamedTuple):
    number: int
    hash: bytes


async def sent_within_the_hour(tx: Transaction, account_id: UUID, purpose: Purpose) -> Sent:
    row = await tx.row(SENT, account_id, purpose)
    assert row is not None
    return Sent(*row)


async def next_number(tx: Transaction, account_id: UUID) -> int:
    """Of all the codes of an account: it never comes again."""
    number: int = await tx.value(NUMBER, account_id)
    return number


async def add(
    tx: Transaction, account_id: UUID, purpose: Purpose, number: int, code: bytes, seconds: float
) -> Times:
    """The highest number is the code that counts."""
    row = await tx.row(ADD, account_id, purpose, number, code, seconds)
    assert row is not None
    return Times(*row)


async def attempt(tx: Transaction, account_id: UUID, purpose: Purpose, most: int) -> Attempt | None:
    """Uses up one of the tries; None when there is no code to try."""
    row = await tx.row(ATTEMPT, account_id, purpose, most)
    return Attempt(*row) if row else None


async def use(tx: Transaction, account_id: UUID, number: int) -> None:
    await tx.execute(USE, account_id, number)


async def kill(tx: Transaction, account_id: UUID, purpose: Purpose) -> None:
    await tx.execute(KILL, account_id, purpose)
