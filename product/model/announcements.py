"""What is said of categories and products to whoever keeps a picture of the catalogue."""

from collections.abc import Iterable
from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

from common.contracts.message import Message
from common.contracts.product import (
    CategoryChanged,
    CategoryCreated,
    CategoryDeleted,
    ProductChanged,
    ProductCreated,
    ProductDeleted,
    StockChanged,
)
from product.model.catalogue import Category, Product


class Deletion(NamedTuple):
    """The last version of what is gone."""

    version: int
    deleted_on: date


class Level(NamedTuple):
    """The stock of one product after a change; `version` counts its changes."""

    product_id: UUID
    available: int
    version: int
    changed_on: date


def offered(products: Iterable[Product]) -> list[Message]:
    """What is new in the shop, and the first stock of it."""
    return [
        word
        for product in products
        for word in (ProductCreated(**_state(product)), stock_changed(_first_level(product)))
    ]


def changed(product: Product) -> ProductChanged:
    return ProductChanged(**_state(product))


def deleted(product_id: UUID, last: Deletion) -> ProductDeleted:
    return ProductDeleted(entity_id=product_id, version=last.version, issued_on=last.deleted_on)


def stock_changed(level: Level) -> StockChanged:
    return StockChanged(
        entity_id=level.product_id,
        version=level.version,
        issued_on=level.changed_on,
        available=level.available,
    )


def category_created(category: Category) -> CategoryCreated:
    return CategoryCreated(**_category_state(category))


def category_changed(category: Category) -> CategoryChanged:
    return CategoryChanged(**_category_state(category))


def category_deleted(category_id: UUID, last: Deletion) -> CategoryDeleted:
    return CategoryDeleted(entity_id=category_id, version=last.version, issued_on=last.deleted_on)


def _first_level(product: Product) -> Level:
    return Level(product.id, product.inventory, version=1, changed_on=product.created_at.date())


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


def _category_state(category: Category) -> dict[str, Any]:
    return {
        "entity_id": category.id,
        "version": category.version,
        "issued_on": category.updated_at.date(),
        "owner_id": category.owner_id,
        "name": category.name,
        "description": category.description,
    }
