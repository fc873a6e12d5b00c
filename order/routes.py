"""Reading orders. Nobody writes one over HTTP: an order is what a purchase makes."""

from typing import Annotated
from uuid import UUID

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter

from common.http.auth import Caller
from common.http.dependencies import Db, Me
from common.http.errors import NotFound, Refused
from common.http.openapi import also
from common.http.paging import CountedPage, Cursor, Limit, Offset
from common.http.ready import sent
from order import repository
from order.views import OrderReads, OrderView, views

Orders = NamedDependency[OrderReads]

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
        items = await views(tx, rows[:limit])
    return CountedPage(items=items, next=items[-1].id if len(rows) > limit else None, total=total)


@get("/orders/{order_id:uuid}")
async def show_order(orders: Orders, caller: Me, order_id: FromPath[UUID]) -> Response[OrderView]:
    answer = await orders.one(order_id)
    if answer is None or not (caller.is_admin or answer.owner == caller.account_id):
        raise NotFound("order")
    return sent(answer)


def _whose(caller: Caller, *, everybody: bool, account_id: UUID | None) -> UUID | None:
    """None: everybody's."""
    if (everybody or account_id not in {None, caller.account_id}) and not caller.is_admin:
        raise Refused(403, "forbidden", "Only an administrator may see the orders of others.")
    return account_id if everybody or account_id else caller.account_id


ROUTES = [list_orders, show_order]
