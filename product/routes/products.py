"""Products: everybody reads, verified accounts sell, the seller changes."""

from uuid import UUID

import msgspec
from litestar import Response, delete, get, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from common.http.auth import verified
from common.http.dependencies import Db, Me, Words
from common.http.errors import InvalidField, NotFound, Refused
from common.http.openapi import also
from common.http.ready import sent
from product.model import announcements
from product.model.catalogue import NewProduct, Product, ProductChanges
from product.repository import categories, products
from product.routes.guards import seller
from product.routes.versions import IfMatch, require_meant, tagged
from product.views import Catalogue

Currencies = NamedDependency[tuple[str, ...]]
Shown = NamedDependency[Catalogue]
"""Parameter `catalogue`."""


@post("/products", guards=[verified], opt=also(422))
async def create_product(
    data: JSONBody[NewProduct], db: Db, outbox: Words, caller: Me, currencies: Currencies
) -> Response[Product]:
    """The caller is its seller."""
    if data.id_account not in {None, caller.account_id}:
        raise Refused(403, "forbidden", "Nobody sells in another account's name.")
    currency_code = _supported(data.currency_code or currencies[0], currencies)
    async with db.begin() as tx:
        added = await products.add(
            tx, caller.account_id, [msgspec.structs.replace(data, currency_code=currency_code)]
        )
        if not added:
            raise _unknown_category()
        await outbox.put(tx, announcements.offered(added))
    return tagged(added[0], status_code=201)


@get("/products/{product_id:uuid}", opt={"public": True})
async def read_product(product_id: FromPath[UUID], catalogue: Shown) -> Response[Product]:
    answer = await catalogue.product(product_id)
    if answer is None:
        raise NotFound("product")
    return sent(answer)


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
        require_meant(product, if_match)
        if data.category_id and not await categories.hold(tx, data.category_id):
            raise _unknown_category()
        if data != ProductChanges():
            await products.change(tx, product_id, data)
            product = _existing(await products.find(tx, product_id))
            await outbox.put(tx, [announcements.changed(product)])
    return tagged(product)


@delete("/products/{product_id:uuid}", guards=[seller])
async def delete_product(product_id: FromPath[UUID], db: Db, outbox: Words) -> None:
    """No longer sold or shown; what was bought stays bought."""
    async with db.begin() as tx:
        deletion = await products.delete(tx, product_id)
        if deletion is None:
            raise NotFound("product")
        await outbox.put(tx, [announcements.deleted(product_id, deletion)])


def _existing(product: Product | None) -> Product:
    if product is None:
        raise NotFound("product")
    return product


def _supported(currency_code: str, currencies: tuple[str, ...]) -> str:
    if currency_code not in currencies:
        raise InvalidField("currency_code", f"One of {', '.join(currencies)}.", code="currency_not_supported")
    return currency_code


def _unknown_category() -> InvalidField:
    return InvalidField("category_id", "No such category.", code="unknown_category")


ROUTES = [create_product, read_product, change_product, delete_product]
