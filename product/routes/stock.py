"""Stock: what the seller puts in and takes out; what a purchase would find."""

from uuid import UUID

import msgspec
from litestar import post
from litestar.params import FromPath, JSONBody

from common.contracts.product import MOST_UNITS, Check, Wishes
from common.http.dependencies import Db, Words
from common.http.errors import InvalidField, NotFound, Refused
from common.http.openapi import also
from product.model import announcements
from product.model.catalogue import Product, StockOrder
from product.repository import products, stock
from product.routes.guards import seller


@post("/products/{product_id:uuid}/stock", guards=[seller], status_code=200, opt=also(409, 422))
async def change_stock(
    product_id: FromPath[UUID], data: JSONBody[StockOrder], db: Db, outbox: Words
) -> Product:
    """Acts on what can still be bought: never below zero, whatever is being bought meanwhile."""
    if not data.is_clear:
        raise InvalidField("change", "Exactly one of change and set is needed.")
    async with db.begin() as tx:
        available = await stock.lock(tx, product_id)
        product = await products.find(tx, product_id)
        if available is None or product is None:
            raise NotFound("product")
        level = await stock.restock(tx, product_id, _acceptable(data, available))
        await outbox.put(tx, [announcements.stock_changed(level)])
    return msgspec.structs.replace(product, inventory=level.available)


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


ROUTES = [change_stock, check_products]
