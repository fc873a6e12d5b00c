"""Stock: what the seller puts in and takes out; what a purchase would find."""

from uuid import UUID

import msgspec
from litestar import get, post
from litestar.params import FromPath, JSONBody

from common.contracts.product import MOST_UNITS, Check, Wishes
from common.http.dependencies import Db, Me, Words
from common.http.errors import InvalidField, NotFound, Refused
from common.http.openapi import also
from common.http.paging import Limit, Offset, SortedPage
from product.model import announcements, ledger
from product.model.catalogue import Product, StockOrder
from product.model.ledger import Movement
from product.repository import products, stock
from product.routes.cursors import Word, understood
from product.routes.guards import seller


@post("/products/{product_id:uuid}/stock", guards=[seller], status_code=200, opt=also(409, 422))
async def change_stock(
    product_id: FromPath[UUID], data: JSONBody[StockOrder], db: Db, outbox: Words, caller: Me
) -> Product:
    """Acts on what can still be bought: never below zero, whatever is being bought meanwhile."""
    if not data.is_clear:
        raise InvalidField("change", "Exactly one of change and set is needed.")
    async with db.begin() as tx:
        available = await stock.lock(tx, product_id)
        product = await products.find(tx, product_id)
        if available is None or product is None:
            raise NotFound("product")
        after = _acceptable(data, available)
        level = await stock.restock(tx, product_id, after, data.kind, caller.account_id)
        await outbox.put(tx, [announcements.stock_changed(level)])
    return msgspec.structs.replace(product, inventory=level.available)


@get("/products/{product_id:uuid}/stock/movements", guards=[seller])
async def list_movements(
    product_id: FromPath[UUID], db: Db, limit: Limit = 20, offset: Offset = 0, cursor: Word = None
) -> SortedPage[Movement]:
    """Everything that was ever put in, taken out, reserved and given back; the last one first."""
    before = None if cursor is None else understood(ledger.place, cursor, product_id)
    async with db.read() as tx:
        found = await stock.movements(tx, product_id, before, offset, limit + 1)
    more = ledger.cursor(found[limit - 1], product_id) if len(found) > limit else None
    return SortedPage(items=found[:limit], next=more)


@post("/products/check", opt={"public": True}, status_code=200)
async def check_products(data: JSONBody[Wishes], db: Db) -> Check:
    """A look, not a promise: only a purchase reserves."""
    async with db.read() as tx:
        return await products.check(tx, data)


def _acceptable(order: StockOrder, available: int) -> int:
    after = order.applied_to(available)
    if after < 0:
        raise Refused(409, "insufficient_stock", f"Only {available} can still be bought.")
    if after > max(available, MOST_UNITS):
        raise InvalidField("change", f"At most {MOST_UNITS} units.")
    return after


ROUTES = [change_stock, list_movements, check_products]
