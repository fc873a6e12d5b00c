"""Products: everybody reads, verified accounts sell, the seller changes."""

from typing import Annotated
from uuid import UUID

from litestar import Response, delete, get, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, HeaderParameter, JSONBody, QueryParameter

from common.http.auth import verified
from common.http.dependencies import Db, Me, Words
from common.http.errors import InvalidField, NotFound, Refused
from common.http.openapi import also
from common.http.paging import Cursor, Limit, Offset, Page
from product.model import announcements
from product.model.catalogue import NewProduct, Product, ProductChanges
from product.repository import categories, products, stock
from product.repository.products import Listing
from product.routes.guards import seller

Currencies = NamedDependency[tuple[str, ...]]
IfMatch = Annotated[
    str | None,
    HeaderParameter(name="If-Match", max_length=1000, description="The ETag that is to be changed."),
]
Search = Annotated[
    str | None,
    QueryParameter(min_length=1, max_length=100, pattern=r"^[^\x00]+$", description="Words in the name."),
]
InCategory = Annotated[UUID | None, QueryParameter()]


@post("/products", guards=[verified], opt=also(422))
async def create_product(
    data: JSONBody[NewProduct], db: Db, outbox: Words, caller: Me, currencies: Currencies
) -> Response[Product]:
    """The caller is its seller."""
    if data.id_account not in {None, caller.account_id}:
        raise Refused(403, "forbidden", "Nobody sells in another account's name.")
    currency_code = _supported(data.currency_code or currencies[0], currencies)
    async with db.begin() as tx:
        product_id = await products.add(tx, caller.account_id, data, currency_code)
        if product_id is None:
            raise _unknown_category()
        product = _existing(await products.find(tx, product_id))
        level = await stock.level(tx, product_id)
        await outbox.put(tx, [announcements.created(product), announcements.stock_changed(level)])
    return _tagged(product, status_code=201)


@get("/products", opt={"public": True})
async def list_products(
    db: Db,
    category_id: InCategory = None,
    q: Search = None,
    limit: Limit = 20,
    offset: Offset = 0,
    cursor: Cursor = None,
) -> Page[Product]:
    """Newest first."""
    async with db.read() as tx:
        found = await products.page(tx, Listing(cursor, category_id, q, offset, limit + 1))
    return Page(items=found[:limit], next=found[limit - 1].id if len(found) > limit else None)


@get("/products/{product_id:uuid}", opt={"public": True})
async def read_product(product_id: FromPath[UUID], db: Db) -> Response[Product]:
    async with db.read() as tx:
        return _tagged(_existing(await products.find(tx, product_id)))


@put("/products/{product_id:uuid}", guards=[seller], opt=also(412, 422))
async def change_product(
    product_id: FromPath[UUID],
    data: JSONBody[ProductChanges],
    db: Db,
    outbox: Words,
    currencies: Currencies,
    if_match: IfMatch = None,
) -> Response[Product]:
    """What is left out stays. The next purchase sees the new price; those under way keep theirs."""
    if data.currency_code:
        _supported(data.currency_code, currencies)
    async with db.begin() as tx:
        product = _existing(await products.lock(tx, product_id))
        if not product.is_meant_by(if_match):
            raise Refused(412, "version_mismatch", "The product has changed in the meantime.")
        if data.category_id and not await categories.hold(tx, data.category_id):
            raise _unknown_category()
        if data != ProductChanges():
            await products.change(tx, product_id, data)
            product = _existing(await products.find(tx, product_id))
            await outbox.put(tx, [announcements.changed(product)])
    return _tagged(product)


@delete("/products/{product_id:uuid}", guards=[seller])
async def delete_product(product_id: FromPath[UUID], db: Db, outbox: Words) -> None:
    """No longer sold or shown; what was bought stays bought."""
    async with db.begin() as tx:
        deletion = await products.delete(tx, product_id)
        if deletion is None:
            raise NotFound("product")
        await outbox.put(tx, [announcements.deleted(product_id, *deletion)])


def _existing(product: Product | None) -> Product:
    if product is None:
        raise NotFound("product")
    return product


def _tagged(product: Product, status_code: int = 200) -> Response[Product]:
    return Response(product, status_code=status_code, headers={"ETag": product.etag})


def _supported(currency_code: str, currencies: tuple[str, ...]) -> str:
    if currency_code not in currencies:
        raise InvalidField("currency_code", f"One of {', '.join(currencies)}.", code="currency_not_supported")
    return currency_code


def _unknown_category() -> InvalidField:
    return InvalidField("category_id", "No such category.", code="unknown_category")


ROUTES = [create_product, list_products, read_product, change_product, delete_product]
