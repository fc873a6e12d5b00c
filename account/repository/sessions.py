"""Sessions and their refresh tokens."""

from typing import NamedTuple
from uuid import UUID

from account.model import Account
from account.repository.accounts import COLUMNS, from_row
from common.postgres.database import Row, Transaction

# Nothing is started for an account that was switched off while its password was being checked.
START = """
WITH session AS (
  INSERT INTO sessions (id, account_id, user_agent)
  SELECT $1, id, $3 FROM accounts WHERE id = $2 AND active RETURNING id
)
INSERT INTO refresh_tokens (hash, session_id, expires_at)
SELECT $4, id, now() + make_interval(secs => $5) FROM session RETURNING session_id
"""
FURTHER = """
INSERT INTO refresh_tokens (hash, session_id, expires_at) VALUES ($1, $2, now() + make_interval(secs => $3))
"""
# One compare-and-set: of many exchanges of one token, one finds it not rotated. A successor that is used has
# arrived: nobody needs to be told it again.
ROTATE = f"""
WITH rotated AS (
  UPDATE refresh_tokens AS token SET rotated_at = now(), successor = $2, sealed_successor = $3
  FROM sessions AS session JOIN accounts ON accounts.id = session.account_id
  WHERE token.hash = $1 AND token.rotated_at IS NULL AND token.expires_at > now()
    AND session.id = token.session_id AND session.revoked_at IS NULL AND accounts.active
  RETURNING session.id AS session_id, session.account_id
), added AS (
  INSERT INTO refresh_tokens (hash, session_id, expires_at)
  SELECT $2, session_id, now() + make_interval(secs => $4) FROM rotated
), arrived AS (
  UPDATE refresh_tokens SET sealed_successor = NULL WHERE successor = $1 AND EXISTS (SELECT FROM rotated)
)
SELECT session_id, {COLUMNS} FROM rotated JOIN accounts ON id = account_id
"""
SPENT = f"""
WITH spent AS (
  SELECT session.id AS session_id, session.account_id,
         CASE WHEN token.rotated_at > now() - make_interval(secs => $2)
              THEN token.sealed_successor END AS seal
  FROM refresh_tokens AS token JOIN sessions AS session ON session.id = token.session_id
  WHERE token.hash = $1 AND token.rotated_at IS NOT NULL AND session.revoked_at IS NULL
)
SELECT session_id, seal, {COLUMNS} FROM spent JOIN accounts ON id = account_id WHERE active
"""
REVOKE = "UPDATE sessions SET revoked_at = now(), revoked_for = $2 WHERE id = $1 AND revoked_at IS NULL"
IS_LIVE = """
SELECT EXISTS (
  SELECT FROM sessions AS session JOIN accounts AS account ON account.id = session.account_id
  WHERE session.id = $1 AND account.id = $2 AND session.revoked_at IS NULL AND account.active
)
"""


class Continued(NamedTuple):
    """The session that a refresh token belongs to."""

    session_id: UUID
    account: Account


class Spent(NamedTuple):
    """A token that was exchanged before; `seal` holds its successor while that may be repeated."""

    continued: Continued
    seal: bytes | None


async def start(
    tx: Transaction, session_id: UUID, account_id: UUID, *, user_agent: str, token: bytes, seconds: float
) -> bool:
    """False when the account is not active (any more)."""
    return await tx.value(START, session_id, account_id, user_agent, token, seconds) is not None


async def add_token(tx: Transaction, session_id: UUID, token: bytes, seconds: float) -> None:
    """A further token of the session, beside the one it has."""
    await tx.execute(FURTHER, token, session_id, seconds)


async def rotate(
    tx: Transaction, token: bytes, successor: bytes, seal: bytes, seconds: float
) -> Continued | None:
    """None when the token is unknown, expired, spent, or its session or account ended."""
    row = await tx.row(ROTATE, token, successor, seal, seconds)
    return _continued(row) if row else None


async def spent(tx: Transaction, token: bytes, grace_seconds: float) -> Spent | None:
    row = await tx.row(SPENT, token, grace_seconds)
    return Spent(_continued(row), row["seal"]) if row else None


async def revoke(tx: Transaction, session_id: UUID, reason: str) -> None:
    await tx.execute(REVOKE, session_id, reason)


async def is_live(tx: Transaction, session_id: UUID, account_id: UUID) -> bool:
    live: bool = await tx.value(IS_LIVE, session_id, account_id)
    return live


def _continued(row: Row) -> Continued:
    return Continued(row["session_id"], from_row(row))
