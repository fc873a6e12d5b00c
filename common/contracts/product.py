"""What product hears and says."""

from uuid import UUID

from common.contracts.message import Command, EntityEvent, Refusal, Reply


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


class StockChanged(EntityEvent, frozen=True, kw_only=True, tag="evt.product.stock_changed"):
    """At most one per product and batch: the last value of the batch."""

    available: int
