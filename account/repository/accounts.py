"""The accounts themselves."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

import asyncpg

from account.model import Account, Taken
from common.contracts.account import Standing
from common.postgres.database import Row, Transaction

COLUMNS = ", ".join(Account.__struct_fields__)

ADD = f"""
INSERT INTO accounts (id, email, password_hash, first_name, last_name, address, phone_number)
VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING {COLUMNS}
"""
KNOWN = f"SELECT {COLUMNS}, password_hash FROM accounts"
BY_EMAIL = f"{KNOWN} WHERE email = $1"
BY_ID = f"{KNOWN} WHERE id = $1"
LOCK_BY_EMAIL = f"SELECT {COLUMNS} FROM accounts WHERE email = $1 FOR UPDATE"
# In one order, whoever asks: two who lock several accounts wait for each other and do not deadlock.
LOCK_ACTIVE = f"""
SELECT {COLUMNS} FROM accounts WHERE email = ANY($1) AND active ORDER BY id FOR UPDATE
"""
STANDING = "SELECT id, active, verified, role FROM accounts WHERE id = ANY($1::uuid[])"
FIND = f"SELECT {COLUMNS} FROM accounts WHERE id = $1"
LOCK = f"{FIND} FOR UPDATE"
# What is not given stays. Whoever changes the address has yet to prove the new mailbox.
CHANGE = f"""
UPDATE accounts SET
  email = coalesce($2, email), first_name = coalesce($3, first_name), last_name = coalesce($4, last_name),
  address = coalesce($5, address), phone_number = coalesce($6, phone_number),
  verified = verified AND coalesce($2, email) = email, version = version + 1, updated_at = now()
WHERE id = $1 RETURNING {COLUMNS}
"""
VERIFY = f"""
UPDATE accounts SET verified = true, version = version + 1, updated_at = now() WHERE id = $1
RETURNING {COLUMNS}
"""
# Whoever signed in with the password of before is out: their tokens are from before the least version.
SET_PASSWORD = f"""
UPDATE accounts
SET password_hash = $2, version = version + 1, least_version = version + 1, updated_at = now()
WHERE id = $1 RETURNING {COLUMNS}
"""
REHASH = "UPDATE accounts SET password_hash = $3 WHERE id = $1 AND password_hash = $2"

UNIQUE = {"uq_accounts_email": "email", "uq_accounts_phone_number": "phone_number"}


class Known(NamedTuple):
    account: Account
    password_hash: str


class Changes(NamedTuple):
    """None leaves a field as it is."""

    email: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    address: str | None = None
    phone_number: str | None = None


class New(NamedTuple):
    id: UUID
    email: str
    password_hash: str
    first_name: str
    last_name: str
    address: str
    phone_number: str


async def add(tx: Transaction, new: New) -> Account:
    """Raises Taken; the transaction is then lost."""
    return await _written(tx, ADD, *new)


async def change(tx: Transaction, account_id: UUID, changes: Changes) -> Account:
    """Raises Taken; the transaction is then lost."""
    return await _written(tx, CHANGE, account_id, *changes)


async def verify(tx: Transaction, account_id: UUID) -> Account:
    return await _written(tx, VERIFY, account_id)


async def set_password(tx: Transaction, account_id: UUID, password_hash: str) -> Account:
    """Ends every token that was signed before."""
    return await _written(tx, SET_PASSWORD, account_id, password_hash)


async def by_email(tx: Transaction, email: str) -> Known | None:
    row = await tx.row(BY_EMAIL, email)
    return Known(from_row(row), row["password_hash"]) if row else None


async def known(tx: Transaction, account_id: UUID) -> Known:
    row = await tx.row(BY_ID, account_id)
    assert row is not None, "accounts are never deleted"
    return Known(from_row(row), row["password_hash"])


async def lock_by_email(tx: Transaction, email: str) -> Account | None:
    row = await tx.row(LOCK_BY_EMAIL, email)
    return from_row(row) if row else None


async def lock_active(tx: Transaction, emails: Sequence[str]) -> list[Account]:
    """Those that there are."""
    return [from_row(row) for row in await tx.fetch(LOCK_ACTIVE, emails)]


async def find(tx: Transaction, account_id: UUID) -> Account | None:
    row = await tx.row(FIND, account_id)
    return from_row(row) if row else None


async def standing(tx: Transaction, account_ids: Sequence[UUID]) -> list[Standing]:
    return [Standing(**row) for row in await tx.fetch(STANDING, account_ids)]


async def lock(tx: Transaction, account_id: UUID) -> Account:
    """Whoever changes what an account is allowed to do takes its row first."""
    return await _written(tx, LOCK, account_id)


async def rehash(tx: Transaction, account_id: UUID, *, old: str, new: str) -> None:
    """Nothing happens when the password was changed meanwhile."""
    await tx.execute(REHASH, account_id, old, new)


def from_row(row: Row) -> Account:
    """From any row that has its columns."""
    return Account(**{name: row[name] for name in Account.__struct_fields__})


async def _written(tx: Transaction, statement: str, *values: object) -> Account:
    try:
        row = await tx.row(statement, *values)
    except asyncpg.UniqueViolationError as error:
        raise Taken(UNIQUE[str(error.constraint_name)]) from error
    assert row is not None, "accounts are never deleted"
    return from_row(row)
