"""Reading orders. Nobody writes one over HTTP: an order is what a purchase makes."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from litestar import get
from litestar.params import FromPath, QueryParameter

from common.http.auth import Caller
from common.http.dependencies import Db, Me
from common.http.errors import NotFound, Refused
from common.http.openapi import also
from common.http.paging import CountedPage, Cursor, Limit, Offset
from common.postgres.database import Row, Transaction
from order import repository


class LineView(msgspec.Struct, frozen=True, kw_only=True):
    """As it was at purchase time."""

    product_id: UUID
    name: str
    brand_name: str
    price: int
    quantity: int
    total: int


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    address: str
    phone_number: str


class OrderView(msgspec.Struct, frozen=True, kw_only=True):
    """`id` is the purchase's, and the payment's."""

    id: UUID
    account_id: UUID
    status: str
    items: list[LineView]
    total: int
    currency_code: str
    delivery: Delivery
    created_at: datetime


Everybody = Annotated[bool, QueryParameter(description="Everybody's orders; administrators only.")]
Whose = Annotated[
    UUID | None, QueryParameter(description="One account's orders; others': administrators only.")
]


@get("/orders", opt=also(403))
async def list_orders(
    db: Db,
    caller: Me,
    all: Everybody = False,  # noqa: A002  # the parameter's public name
    account_id: Whose = None,
    cursor: Cursor = None,
    offset: Offset = 0,
    limit: Limit = 20,
) -> CountedPage[OrderView]:
    """The caller's own, newest first."""
    whose = _whose(caller, everybody=all, account_id=account_id)
    async with db.read() as tx:
        total = await repository.total(tx, whose)
        rows = await repository.page(tx, whose, after=cursor, offset=offset, limit=limit + 1)
        items = await _views(tx, rows[:limit])
    return CountedPage(items=items, next=items[-1].id if len(rows) > limit else None, total=total)


@get("/orders/{order_id:uuid}")
async def show_order(db: Db, caller: Me, order_id: FromPath[UUID]) -> OrderView:
    async with db.read() as tx:
        row = await repository.find(tx, order_id)
        if row is None or not (caller.is_admin or row["account_id"] == caller.account_id):
            raise NotFound("order")
        [view] = await _views(tx, [row])
    return view


def _whose(caller: Caller, *, everybody: bool, account_id: UUID | None) -> UUID | None:
    """None: everybody's."""
    if (everybody or account_id not in {None, caller.account_id}) and not caller.is_admin:
        raise Refused(403, "forbidden", "Only an administrator may see the orders of others.")
    return account_id if everybody or account_id else caller.account_id


async def _views(tx: Transaction, rows: Sequence[Row]) -> list[OrderView]:
    lines: defaultdict[UUID, list[LineView]] = defaultdict(list)
    for line in await repository.lines(tx, [row["id"] for row in rows]):
        lines[line["order_id"]].append(_line(line))
    return [_order(row, lines[row["id"]]) for row in rows]


def _order(row: Row, lines: Iterable[LineView]) -> OrderView:
    return OrderView(
        id=row["id"],
        account_id=row["account_id"],
        status=row["status"],
        items=list(lines),
        total=row["total"],
        currency_code=row["currency_code"],
        delivery=Delivery(address=row["address"], phone_number=row["phone_number"]),
        created_at=row["created_at"],
    )


def _line(row: Row) -> LineView:
    return LineView(
        product_id=row["product_id"],
        name=row["name"],
        brand_name=row["brand_name"],
        price=row["price"],
        quantity=row["quantity"],
        total=row["price"] * row["quantity"],
    )


ROUTES = [list_orders, show_order]
