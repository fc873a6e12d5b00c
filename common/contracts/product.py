"""What product hears and says."""

from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from common.contracts.message import Command, EntityEvent, Refusal, Reply
from common.contracts.request import Request

MOST_UNITS = 10**9

Quantity = Annotated[int, Meta(ge=1, le=MOST_UNITS)]


class ReserveStock(Command, frozen=True, kw_only=True, tag="cmd.product.reserve_stock"):
    """All lines of the purchase or none."""


class ReleaseStock(Command, frozen=True, kw_only=True, tag="cmd.product.release_stock"):
    """Undo, or forbid, the reservation."""


class StockReserved(Reply, frozen=True, kw_only=True, tag="evt.product.stock_reserved"):
    """Carries the purchase with priced lines and its total."""


class StockRefused(Refusal, frozen=True, kw_only=True, tag="evt.product.stock_refused"):
    """`unknown_product`, `currency_mismatch`, `insufficient_stock`, `total_too_large` or `cancelled`."""


class StockReleased(Reply, frozen=True, kw_only=True, tag="evt.product.stock_released"):
    """Nothing is reserved for the purchase, and nothing ever will be."""


class ProductState(EntityEvent, frozen=True, kw_only=True):
    """The product as it is now; stock is told apart."""

    seller_id: UUID
    category_id: UUID
    name: str
    brand_name: str
    price: int
    currency_code: str


class ProductCreated(ProductState, frozen=True, kw_only=True, tag="evt.product.product_created"): ...


class ProductChanged(ProductState, frozen=True, kw_only=True, tag="evt.product.product_changed"): ...


class ProductDeleted(EntityEvent, frozen=True, kw_only=True, tag="evt.product.product_deleted"):
    """No longer sold or shown, for ever."""


class CategoryState(EntityEvent, frozen=True, kw_only=True):
    """The category as it is now."""

    owner_id: UUID
    name: str
    description: str


class CategoryCreated(CategoryState, frozen=True, kw_only=True, tag="evt.product.category_created"): ...


class CategoryChanged(CategoryState, frozen=True, kw_only=True, tag="evt.product.category_changed"): ...


class CategoryDeleted(EntityEvent, frozen=True, kw_only=True, tag="evt.product.category_deleted"):
    """It was empty, and is gone for ever."""


class StockChanged(EntityEvent, frozen=True, kw_only=True, tag="evt.product.stock_changed"):
    """At most one per product and batch: the last value of the batch."""

    available: int


class Wish(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    product_id: UUID
    quantity: Quantity


Wishes = Annotated[list[Wish], Meta(min_length=1, max_length=100)]


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """`reason`, where it is not available: `unknown_product` or `insufficient_stock`."""

    product_id: UUID
    quantity: int
    available: bool
    reason: str | None


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """The lines in the order in which they were asked; `available` when all of them are."""

    available: bool
    items: list[Verdict]


class ProductCheck(Request[Check], frozen=True, kw_only=True, tag="product.check"):
    """Could this be bought now? A look, not a promise: only a purchase reserves."""

    items: Wishes


class Sold(msgspec.Struct, frozen=True, kw_only=True):
    """A product, and whose it is."""

    id: UUID
    seller_id: UUID


class ProductLookup(Request[list[Sold]], frozen=True, kw_only=True, tag="product.lookup"):
    """The products that are sold now, each once; others are left out."""

    product_ids: Annotated[list[UUID], Meta(min_length=1, max_length=100)]
