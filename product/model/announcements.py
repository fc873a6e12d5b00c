"""What is said of a product to whoever keeps a picture of the catalogue."""

from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

from common.contracts.product import ProductChanged, ProductCreated, ProductDeleted, StockChanged
from product.model.catalogue import Product


class Level(NamedTuple):
    """The stock of one product after a change; `version` counts its changes."""

    product_id: UUID
    available: int
    version: int
    changed_on: date


def created(product: Product) -> ProductCreated:
    return ProductCreated(**_state(product))


def changed(product: Product) -> ProductChanged:
    return ProductChanged(**_state(product))


def deleted(product_id: UUID, version: int, deleted_on: date) -> ProductDeleted:
    return ProductDeleted(entity_id=product_id, version=version, issued_on=deleted_on)


def stock_changed(level: Level) -> StockChanged:
    return StockChanged(
        entity_id=level.product_id,
        version=level.version,
        issued_on=level.changed_on,
        available=level.available,
    )


def _state(product: Product) -> dict[str, Any]:
    return {
        "entity_id": product.id,
        "version": product.version,
        "issued_on": product.updated_at.date(),
        "seller_id": product.seller_id,
        "category_id": product.category_id,
        "name": product.name,
        "brand_name": product.brand_name,
        "price": product.price,
        "currency_code": product.currency_code,
    }
