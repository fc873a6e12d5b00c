"""What administrators see and do."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from account.model import Account
from account.repository.accounts import COLUMNS, from_row
from common.postgres.database import Transaction

MATCHING = """
FROM accounts
WHERE ($1::text IS NULL OR role = $1) AND ($2::boolean IS NULL OR active = $2)
  AND ($3::text IS NULL OR starts_with(email, $3))
"""
COUNT = f"SELECT count(*) {MATCHING}"
PAGE = f"""
SELECT {COLUMNS} {MATCHING} AND id < coalesce($4::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
ORDER BY id DESC LIMIT $5
"""
# Who takes rights away holds all administrators: of two who demote each other at once, one comes second and
# is no administrator any more.
LOCK = f"""
SELECT {COLUMNS} FROM accounts WHERE id = $1 OR (role = 'admin' AND active) ORDER BY id FOR UPDATE
"""
GOVERN = f"""
UPDATE accounts
SET role = $2, active = $3, version = version + 1, updated_at = now(),
    least_version = CASE WHEN $4 THEN version + 1 ELSE least_version END
WHERE id = $1 RETURNING {COLUMNS}
"""
NOTE = 'INSERT INTO account_changes ("by", account_id, what) SELECT $1, $2, unnest($3::text[])'


class Wanted(NamedTuple):
    """None: any."""

    role: str | None
    active: bool | None
    prefix: str | None


async def page(tx: Transaction, wanted: Wanted, before: UUID | None, limit: int) -> list[Account]:
    """Newest first."""
    return [from_row(row) for row in await tx.fetch(PAGE, *wanted, before, limit)]


async def count(tx: Transaction, wanted: Wanted) -> int:
    found: int = await tx.value(COUNT, *wanted)
    return found


async def lock(tx: Transaction, account_id: UUID) -> dict[UUID, Account]:
    """The account, if there is one, and all active administrators."""
    return {row["id"]: from_row(row) for row in await tx.fetch(LOCK, account_id)}


async def govern(tx: Transaction, account_id: UUID, *, role: str, active: bool, less: bool) -> Account:
    """`less`: of a right that tokens carry; those signed before are dead then."""
    row = await tx.row(GOVERN, account_id, role, active, less)
    assert row is not None, "accounts are never deleted"
    return from_row(row)


async def note(tx: Transaction, by: UUID | None, account_id: UUID, what: Sequence[str]) -> None:
    """`by` None: somebody at the command line."""
    await tx.execute(NOTE, by, account_id, what)
