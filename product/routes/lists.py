"""Products as a list: filtered, sorted, page by page."""

from typing import Annotated
from uuid import UUID

from litestar import get
from litestar.di import NamedDependency, Provide
from litestar.params import QueryParameter

from common.http.dependencies import Db
from common.http.errors import InvalidField
from common.http.paging import Limit, Offset, SortedPage
from product.model import listing
from product.model.catalogue import MOST_PRICE, Product
from product.model.cursors import MOST_LETTERS, Torn
from product.model.listing import Filter, Listing, Sort
from product.repository import products

Currencies = NamedDependency[tuple[str, ...]]
Wanted = NamedDependency[Filter]
Search = Annotated[
    str | None,
    QueryParameter(
        min_length=1,
        max_length=100,
        pattern=r"^[^\x00]+$",
        description="Words of the name, the brand or the description, accents or not; the last may go on.",
    ),
]
OnlyOf = Annotated[UUID | None, QueryParameter()]
PriceBound = Annotated[
    int | None,
    QueryParameter(
        ge=0, le=MOST_PRICE, description="In minor units of `currency_code`, or of the shop's first currency."
    ),
]
In = Annotated[str | None, QueryParameter(min_length=3, max_length=3, pattern=r"^[A-Z]{3}$")]
Available = Annotated[bool | None, QueryParameter(description="Whether it can be bought now.")]
Order = Annotated[Sort, QueryParameter(description="Names without their accents and capitals.")]
After = Annotated[
    str | None,
    QueryParameter(
        min_length=1,
        max_length=MOST_LETTERS,
        schema_extra={"format": "cursor"},
        description="`next` of the page before, with the `sort` of that page.",
    ),
]


def wanted(
    currencies: Currencies,
    category_id: OnlyOf = None,
    seller_id: OnlyOf = None,
    min_price: PriceBound = None,
    max_price: PriceBound = None,
    currency_code: In = None,
    q: Search = None,
    available: Available = None,
) -> Filter:
    """A price means nothing without its currency."""
    if currency_code is None and (min_price, max_price) != (None, None):
        currency_code = currencies[0]
    return Filter(category_id, seller_id, min_price, max_price, currency_code, q, available)


@get("/products", opt={"public": True}, dependencies={"wanted": Provide(wanted, sync_to_thread=False)})
async def list_products(
    db: Db,
    wanted: Wanted,
    sort: Order = Sort.NEWEST,
    limit: Limit = 20,
    offset: Offset = 0,
    cursor: After = None,
) -> SortedPage[Product]:
    """From page to page nothing comes twice and nothing that was there all the time is left out."""
    after = None if cursor is None else _place(cursor, sort)
    async with db.read() as tx:
        found = await products.page(tx, Listing(wanted, sort, after, offset, limit + 1))
    more = listing.cursor(found[limit - 1].place, sort) if len(found) > limit else None
    return SortedPage(items=[each.product for each in found[:limit]], next=more)


def _place(cursor: str, sort: Sort) -> listing.Place:
    try:
        return listing.place(cursor, sort)
    except Torn as error:
        raise InvalidField(
            "cursor", f"Not a cursor of a list by {sort}.", code="invalid_cursor", status=400
        ) from error


ROUTES = [list_products]
