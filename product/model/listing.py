"""Which products a list shows, in which order, and where a page of it begins."""

from enum import StrEnum
from typing import Annotated, Any, NamedTuple
from uuid import UUID

from msgspec import Meta

from product.model import cursors
from product.model.catalogue import Price, Product

PlainName = Annotated[str, Meta(max_length=200, pattern=r"^[^\x00]*$")]

Place = tuple[Any, ...]
"""What a product is sorted by; its id, which makes the place its own, comes last."""


class Sort(StrEnum):
    """Names are sorted without their accents and capitals."""

    NEWEST = "newest"
    OLDEST = "oldest"
    PRICE_ASC = "price_asc"
    PRICE_DESC = "price_desc"
    NAME = "name"


class Filter(NamedTuple):
    """None is everything. All `words` must be there, accents or not; the last one may go on."""

    category_id: UUID | None = None
    seller_id: UUID | None = None
    min_price: int | None = None
    max_price: int | None = None
    currency_code: str | None = None
    words: str | None = None
    available: bool | None = None


class Listing(NamedTuple):
    """Of what is left after the filter: those behind the place, then without the first few."""

    filter: Filter = Filter()
    sort: Sort = Sort.NEWEST
    after: Place | None = None
    offset: int = 0
    limit: int = 20


class Listed(NamedTuple):
    """A product and its place in the list."""

    product: Product
    place: Place


PLACES: dict[Sort, Any] = {
    Sort.NEWEST: tuple[UUID],
    Sort.OLDEST: tuple[UUID],
    Sort.PRICE_ASC: tuple[Price, UUID],
    Sort.PRICE_DESC: tuple[Price, UUID],
    Sort.NAME: tuple[PlainName, UUID],
}


def place(cursor: str, sort: Sort) -> Place:
    """Raises Torn. The ids that lists of the newest gave before there were others go on working."""
    if sort is Sort.NEWEST and len(cursor) == 36:
        try:
            return (UUID(cursor),)
        except ValueError as error:
            raise cursors.Torn from error
    found: Place = cursors.read(cursor, f"products by {sort}", PLACES[sort])
    return found


def cursor(place: Place, sort: Sort) -> str:
    return cursors.write(f"products by {sort}", place)
