"""Sessions and their refresh tokens."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import msgspec

from account.model import Account, Ended
from account.repository.accounts import COLUMNS, from_row
from common.postgres.database import Row, Transaction

# Nothing is started for an account that was switched off, or given another password, while the password was
# checked: whoever does that holds its row, and then ends all sessions that there are.
START = """
WITH session AS (
  INSERT INTO sessions (id, account_id, user_agent)
  SELECT $1, id, $3 FROM accounts WHERE id = $2 AND active AND least_version = $6 FOR SHARE
  RETURNING id
)
INSERT INTO refresh_tokens (hash, session_id, expires_at)
SELECT $4, id, now() + make_interval(secs => $5) FROM session RETURNING session_id
"""
FURTHER = """
INSERT INTO refresh_tokens (hash, session_id, expires_at) VALUES ($1, $2, now() + make_interval(secs => $3))
"""
# One compare-and-set: of many exchanges of one token, one finds it not rotated. A successor that is used has
# arrived: nobody needs to be told it again. By their lock on the session, this and RENEW wait for each other.
ROTATE = f"""
WITH live AS (
  SELECT session.id, session.account_id
  FROM refresh_tokens AS token JOIN sessions AS session ON session.id = token.session_id
  JOIN accounts ON accounts.id = session.account_id
  WHERE token.hash = $1 AND session.revoked_at IS NULL AND accounts.active
  FOR KEY SHARE OF session
), rotated AS (
  UPDATE refresh_tokens AS token SET rotated_at = now(), successor = $2, sealed_successor = $3
  FROM live
  WHERE token.hash = $1 AND token.rotated_at IS NULL AND token.expires_at > now()
  RETURNING live.id AS session_id, live.account_id
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
END = """
UPDATE sessions SET revoked_at = now(), revoked_for = $2 WHERE revoked_at IS NULL AND account_id = $1 {which}
RETURNING id, account_id, revoked_at
"""
END_ONE = END.format(which="AND id = $3")
END_OTHERS = END.format(which="AND id <> $3")
END_ALL = END.format(which="")
# Its tokens go, also one that is being exchanged at this moment: only the holder of the new one goes on.
RENEW = "SELECT id FROM sessions WHERE id = $1 AND revoked_at IS NULL FOR UPDATE"
FORGET_TOKENS = "DELETE FROM refresh_tokens WHERE session_id = $1"
PAGE = """
SELECT session.id, user_agent, created_at, last_used_at, session.id = $2 AS current
FROM sessions AS session, LATERAL (
  SELECT max(issued_at) AS last_used_at, bool_or(rotated_at IS NULL AND expires_at > now()) AS goes_on
  FROM refresh_tokens WHERE session_id = session.id
) AS token
WHERE account_id = $1 AND revoked_at IS NULL AND (goes_on OR session.id = $2)
  AND id < coalesce($3::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
ORDER BY id DESC LIMIT $4
"""
STANDING = """
SELECT account.active, account.role, account.verified, account.version, account.least_version
FROM sessions AS session JOIN accounts AS account ON account.id = session.account_id
WHERE session.id = $1 AND account.id = $2 AND session.revoked_at IS NULL
"""


class Standing(NamedTuple):
    """The account of a live session, as it is now."""

    active: bool
    role: str
    verified: bool
    version: int
    least_version: int


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """A device that is signed in. `last_used_at`: when it last signed in or renewed its tokens."""

    id: UUID
    user_agent: str
    created_at: datetime
    last_used_at: datetime
    current: bool


class Continued(NamedTuple):
    """The session that a refresh token belongs to."""

    session_id: UUID
    account: Account


class Spent(NamedTuple):
    """A token that was exchanged before; `seal` holds its successor while that may be repeated."""

    continued: Continued
    seal: bytes | None


async def start(
    tx: Transaction, session_id: UUID, account: Account, *, user_agent: str, token: bytes, seconds: float
) -> bool:
    """False when the account is not active, or its password not the same (any more)."""
    values = (session_id, account.id, user_agent, token, seconds, account.least_version)
    return await tx.value(START, *values) is not None


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


async def renew(tx: Transaction, session_id: UUID, token: bytes, seconds: float) -> bool:
    """This is its only token now. False when the session has ended."""
    if await tx.value(RENEW, session_id) is None:
        return False
    await tx.execute(FORGET_TOKENS, session_id)
    await add_token(tx, session_id, token, seconds)
    return True


async def end(tx: Transaction, account_id: UUID, session_id: UUID, reason: str) -> list[Ended]:
    """None if it is somebody else's, or has ended."""
    return _ended(await tx.fetch(END_ONE, account_id, reason, session_id))


async def end_others(tx: Transaction, account_id: UUID, session_id: UUID, reason: str) -> list[Ended]:
    """All but one. The caller holds the account's row."""
    return _ended(await tx.fetch(END_OTHERS, account_id, reason, session_id))


async def end_all(tx: Transaction, account_id: UUID, reason: str) -> list[Ended]:
    """The caller holds the account's row."""
    return _ended(await tx.fetch(END_ALL, account_id, reason))


async def page(
    tx: Transaction, account_id: UUID, current: UUID, before: UUID | None, limit: int
) -> list[Session]:
    """Those somebody can go on with, and the one that asks; newest first."""
    return [Session(**row) for row in await tx.fetch(PAGE, account_id, current, before, limit)]


async def standing(tx: Transaction, session_id: UUID, account_id: UUID) -> Standing | None:
    """None when the session has ended, or is not of this account."""
    row = await tx.row(STANDING, session_id, account_id)
    return Standing(*row) if row else None


def _ended(rows: Sequence[Row]) -> list[Ended]:
    return [Ended(*row) for row in rows]


def _continued(row: Row) -> Continued:
    return Continued(row["session_id"], from_row(row))
