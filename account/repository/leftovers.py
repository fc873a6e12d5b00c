"""What is deleted once it has been over for long enough: `$1` seconds, `$2` rows at once."""

from common.postgres.database import Transaction

TOKENS = """
DELETE FROM refresh_tokens WHERE hash IN (
  SELECT hash FROM refresh_tokens WHERE expires_at < now() - make_interval(secs => $1)
  LIMIT $2 FOR UPDATE SKIP LOCKED
)
"""
# Ended, or abandoned: without a token left nobody can go on with it. Its tokens go with it.
SESSIONS = """
DELETE FROM sessions WHERE id IN (
  SELECT id FROM sessions AS session
  WHERE revoked_at < now() - make_interval(secs => $1)
     OR (revoked_at IS NULL AND created_at < now() - make_interval(secs => $1)
         AND NOT EXISTS (SELECT FROM refresh_tokens WHERE session_id = session.id))
  LIMIT $2 FOR UPDATE SKIP LOCKED
)
"""
CODES = """
DELETE FROM codes WHERE (account_id, number) IN (
  SELECT account_id, number FROM codes WHERE expires_at < now() - make_interval(secs => $1)
  LIMIT $2 FOR UPDATE SKIP LOCKED
)
"""


async def delete(tx: Transaction, statement: str, seconds: float, most: int) -> int:
    """How many."""
    return int((await tx.execute(statement, seconds, most)).removeprefix("DELETE "))
