"""Every SQL statement of the order service."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from common.contracts.account import AccountState
from common.contracts.message import Command
from common.postgres.database import Row, Transaction, columns
from order.model import Account, Order, Status

KEEP_ACCOUNTS = """
INSERT INTO accounts (account_id, version, active, address, phone_number)
SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::bool[], $4::text[], $5::text[])
ON CONFLICT (account_id) DO UPDATE SET (version, active, address, phone_number)
  = (excluded.version, excluded.active, excluded.address, excluded.phone_number)
WHERE accounts.version < excluded.version
"""

ACCOUNTS = "SELECT account_id, active, address, phone_number FROM accounts WHERE account_id = ANY($1::uuid[])"

# Headers and lines in one round trip; a line is written only under a header that is new.
OPEN = """
WITH opened AS (
  INSERT INTO orders
    (id, account_id, status, reason, total, currency_code, address, phone_number, created_at)
  SELECT new.*, CASE WHEN new.total IS NOT NULL THEN now() END
  FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[],
              $5::bigint[], $6::text[], $7::text[], $8::text[])
    AS new (id, account_id, status, reason, total, currency_code, address, phone_number)
  ON CONFLICT (id) DO NOTHING RETURNING id
), written AS (
  INSERT INTO order_lines (order_id, line, product_id, name, brand_name, price, quantity)
  SELECT line.*
  FROM unnest($9::uuid[], $10::int[], $11::uuid[], $12::text[], $13::text[], $14::bigint[], $15::bigint[])
    AS line (order_id, line, product_id, name, brand_name, price, quantity)
  JOIN opened ON opened.id = line.order_id
)
SELECT id FROM opened
"""

LOCK = "SELECT id, status, reason FROM orders WHERE id = ANY($1::uuid[]) ORDER BY id FOR UPDATE"

MOVE = """
UPDATE orders SET status = moved.status
FROM unnest($1::uuid[], $2::text[]) AS moved (id, status) WHERE orders.id = moved.id
"""

SHOWN = """
SELECT id, account_id, status, total, currency_code, address, phone_number, created_at
FROM orders WHERE created_at IS NOT NULL
"""
ONE = f"{SHOWN} AND id = $1"
# Two statements each, not one with an OR: a generic plan of that would walk everybody's orders.
PAGE_OF_ALL = f"{SHOWN} AND id < $1 ORDER BY id DESC OFFSET $2 LIMIT $3"
PAGE_OF_ONE = f"{SHOWN} AND id < $1 AND account_id = $4 ORDER BY id DESC OFFSET $2 LIMIT $3"
TOTAL_OF_ALL = "SELECT count(*) FROM orders WHERE created_at IS NOT NULL"
TOTAL_OF_ONE = "SELECT count(*) FROM orders WHERE created_at IS NOT NULL AND account_id = $1"
LINES = """
SELECT order_id, product_id, name, brand_name, price, quantity FROM order_lines
WHERE order_id = ANY($1::uuid[]) ORDER BY order_id, line
"""


LAST = UUID(int=2**128 - 1)
"""Beyond every id."""


class Opening(NamedTuple):
    """The first command of a purchase, and the row it makes unless there is one."""

    command: Command
    order: Order
    account: Account | None


async def keep_accounts(tx: Transaction, states: Iterable[AccountState]) -> None:
    """At most one state per account; an older one changes nothing."""
    rows = sorted(
        (state.entity_id, state.version, state.active, state.address, state.phone_number) for state in states
    )
    if rows:
        await tx.execute(KEEP_ACCOUNTS, *columns(rows, 5))


async def accounts(tx: Transaction, ids: Iterable[UUID]) -> dict[UUID, Account]:
    """Those that have been heard of."""
    wanted = list(ids)
    rows = await tx.fetch(ACCOUNTS, wanted) if wanted else []
    return {account_id: Account(*known) for account_id, *known in rows}


async def open_orders(tx: Transaction, openings: Collection[Opening]) -> set[UUID]:
    """Inserts, in id order, those that are not there; returns their ids. They are locked from here on."""
    if not openings:
        return set()
    headers = sorted(map(_header, openings))
    lines = [
        line for opening in openings if opening.order.status is Status.PROCESSING for line in _lines(opening)
    ]
    rows = await tx.fetch(OPEN, *columns(headers, 8), *columns(lines, 7))
    return {row["id"] for row in rows}


def _header(opening: Opening) -> tuple[Any, ...]:
    purchase, order, account = opening.command.purchase, opening.order, opening.account
    shown: tuple[Any, ...] = (None, None, None, None)
    if order.status is Status.PROCESSING and account is not None:
        shown = (purchase.total, purchase.currency_code, account.address, account.phone_number)
    return (purchase.id, purchase.account_id, order.status, order.reason, *shown)


def _lines(opening: Opening) -> Iterable[tuple[Any, ...]]:
    purchase = opening.command.purchase
    for number, item in enumerate(purchase.items, start=1):
        yield purchase.id, number, item.product_id, item.name, item.brand_name, item.unit_price, item.quantity


async def lock(tx: Transaction, ids: Iterable[UUID]) -> dict[UUID, Order]:
    """Locks, in id order, those that are there."""
    wanted = list(ids)
    rows = await tx.fetch(LOCK, wanted) if wanted else []
    return {row["id"]: Order(Status(row["status"]), row["reason"]) for row in rows}


async def move(tx: Transaction, moved: Mapping[UUID, Status]) -> None:
    if moved:
        await tx.execute(MOVE, list(moved), list(moved.values()))


async def find(tx: Transaction, order_id: UUID) -> Row | None:
    return await tx.row(ONE, order_id)


async def page(
    tx: Transaction, account_id: UUID | None, *, after: UUID | None, offset: int, limit: int
) -> list[Row]:
    """The newest first: ids are in the order of time. Without an account, everybody's."""
    window = (after or LAST, offset, limit)
    if account_id is None:
        return await tx.fetch(PAGE_OF_ALL, *window)
    return await tx.fetch(PAGE_OF_ONE, *window, account_id)


async def total(tx: Transaction, account_id: UUID | None) -> int:
    counting = (TOTAL_OF_ALL,) if account_id is None else (TOTAL_OF_ONE, account_id)
    count: int = await tx.value(*counting)
    return count


async def lines(tx: Transaction, order_ids: Sequence[UUID]) -> list[Row]:
    """Of all orders at once, each order's in their own order."""
    return await tx.fetch(LINES, order_ids) if order_ids else []
