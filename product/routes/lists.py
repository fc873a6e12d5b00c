"""Products as a list: filtered, sorted, page by page."""

from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Response, get
from litestar.di import NamedDependency, Provide
from litestar.params import QueryParameter

from common.http.paging import Limit, Offset, SortedPage
from common.http.ready import sent
from common.postgres.database import Transaction
from product.model import listing
from product.model.catalogue import MOST_PRICE, Product
from product.model.listing import Filter, Listing, Sort
from product.repository import products
from product.routes.cursors import Word, understood
from product.views import Catalogue

Currencies = NamedDependency[tuple[str, ...]]
Wanted = NamedDependency[Filter]
Shown = NamedDependency[Catalogue]
"""Parameter `catalogue`."""
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
    request: Request[Any, Any, Any],
    catalogue: Shown,
    wanted: Wanted,
    sort: Order = Sort.NEWEST,
    limit: Limit = 20,
    offset: Offset = 0,
    cursor: Word = None,
) -> Response[SortedPage[Product]]:
    """From page to page nothing comes twice and nothing that was there all the time is left out."""
    after = None if cursor is None else understood(listing.place, cursor, sort)

    async def read(tx: Transaction) -> SortedPage[Product]:
        found = await products.page(tx, Listing(wanted, sort, after, offset, limit + 1))
        more = listing.cursor(found[limit - 1].place, sort) if len(found) > limit else None
        return SortedPage(items=[each.product for each in found[:limit]], next=more)

    return sent(await catalogue.page(request.scope["path"], request.scope["query_string"], read))


ROUTES = [list_products]
