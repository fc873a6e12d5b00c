"""Who forgot a password: what was asked, before anybody has looked whether there is such an account."""

from common.postgres.database import Transaction

ADD = "INSERT INTO reset_requests (email) VALUES ($1)"
TAKE = """
DELETE FROM reset_requests WHERE id IN (
  SELECT id FROM reset_requests ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED
) RETURNING email
"""


async def add(tx: Transaction, email: str) -> None:
    await tx.execute(ADD, email)


async def take(tx: Transaction, limit: int) -> list[str]:
    """Nobody else's until the transaction ends, and then nobody's."""
    return [row["email"] for row in await tx.fetch(TAKE, limit)]
