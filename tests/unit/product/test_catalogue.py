"""What a client may say of products, and what it is answered."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec
import pytest

from common.contracts.product import Wish
from common.ids import new_id
from common.settings import read
from product.model import announcements
from product.model.announcements import Level
from product.model.catalogue import (
    NewProduct,
    Product,
    ProductChanges,
    StockOrder,
    check,
    unset_as_null,
)
from product.settings import ProductSettings

TEA, CUP = UUID(int=1), UUID(int=2)
VALID: dict[str, Any] = {
    "category_id": str(TEA),
    "name": "Tea",
    "description": "Green.",
    "brand_name": "Leaf",
    "price": 100,
    "inventory": 5,
}


def product(version: int = 3) -> Product:
    return Product(
        id=TEA,
        seller_id=new_id(),
        category_id=CUP,
        name="Tea",
        description="Green.",
        brand_name="Leaf",
        price=100,
        currency_code="VND",
        inventory=5,
        version=version,
        created_at=datetime(2026, 1, 2, tzinfo=UTC),
        updated_at=datetime(2026, 1, 3, 23, 59, tzinfo=UTC),
    )


def wish(product_id: UUID, quantity: int) -> Wish:
    return Wish(product_id=product_id, quantity=quantity)


@pytest.mark.parametrize(
    "wrong",
    [
        {"price": 0},
        {"price": -1},
        {"price": 10**12 + 1},
        {"price": 9999999999999999999999},
        {"price": 1.5},
        {"price": "100"},
        {"price": True},
        {"inventory": -1},
        {"inventory": 10**9 + 1},
        {"name": ""},
        {"name": " \n"},
        {"name": "a\x00"},
        {"name": "x" * 201},
        {"description": "\x00"},
        {"description": "x" * 10_001},
        {"currency_code": "vnd"},
        {"currency_code": "VND\n"},
        {"category_id": "1"},
        {"seller_id": str(TEA)},
        {"version": 7},
    ],
)
def test_a_product_out_of_bounds_is_not_accepted(wrong: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(VALID | wrong, NewProduct)


@pytest.mark.parametrize(
    "edge", [{"price": 1}, {"price": 10**12}, {"inventory": 0}, {"inventory": 10**9}, {"name": " Trà\nxanh "}]
)
def test_a_product_on_the_bounds_is_accepted(edge: dict[str, Any]) -> None:
    assert msgspec.convert(VALID | edge, NewProduct)


def test_what_is_left_out_of_a_change_is_null_in_the_order_of_the_columns() -> None:
    assert unset_as_null(ProductChanges(price=7)) == [None, None, None, None, 7, None]


def test_null_is_no_value_of_a_change() -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"name": None}, ProductChanges)


@pytest.mark.parametrize(
    ("if_match", "is_meant"),
    [
        (None, True),
        ('"3"', True),
        ("*", True),
        ('"2", "3"', True),
        ('"2"', False),
        ('W/"3"', False),
        ("3", False),
    ],
)
def test_a_change_is_meant_for_the_listed_versions(if_match: str | None, is_meant: bool) -> None:
    assert product(version=3).is_meant_by(if_match) is is_meant


@pytest.mark.parametrize(
    ("order", "available"), [({"change": 2}, 7), ({"change": -5}, 0), ({"change": -6}, -1), ({"set": 0}, 0)]
)
def test_a_stock_order_acts_on_what_can_still_be_bought(order: dict[str, int], available: int) -> None:
    assert msgspec.convert(order, StockOrder).applied_to(5) == available


@pytest.mark.parametrize("order", [{}, {"change": 1, "set": 1}])
def test_a_stock_order_says_exactly_one_thing(order: dict[str, int]) -> None:
    assert not msgspec.convert(order, StockOrder).is_clear


def test_a_check_is_exact_at_the_boundary() -> None:
    assert check([wish(TEA, 3)], {TEA: 3}).available
    assert [line.reason for line in check([wish(TEA, 4)], {TEA: 3}).items] == ["insufficient_stock"]


def test_a_check_counts_lines_of_one_product_together() -> None:
    answer = check([wish(TEA, 2), wish(CUP, 1), wish(TEA, 2)], {TEA: 3, CUP: 1})
    assert [line.available for line in answer.items] == [False, True, False]
    assert not answer.available


def test_a_check_tells_an_unknown_product_from_an_empty_shelf() -> None:
    answer = check([wish(TEA, 1), wish(CUP, 1)], {CUP: 0})
    assert [line.reason for line in answer.items] == ["unknown_product", "insufficient_stock"]


def test_announcements_carry_the_version_and_the_day_of_the_change() -> None:
    changed = announcements.changed(product(version=3))
    assert changed.id == f"evt.product.product_changed:{TEA}:3"
    assert str(changed.issued_on) == "2026-01-03"
    level = Level(TEA, 5, 8, changed.issued_on)
    assert announcements.stock_changed(level).id == f"evt.product.stock_changed:{TEA}:8"
    assert announcements.stock_changed(level).available == 5


def test_currencies_are_a_setting() -> None:
    addresses = dict.fromkeys(("NATS_URL", "DATABASE_URL", "REDIS_URL", "JWKS_URL"), "")
    needed = {"SERVICE": "product", "PORT": "1"} | addresses
    assert read(ProductSettings, needed).currencies == ("VND",)
    assert read(ProductSettings, needed | {"CURRENCIES": "USD,VND"}).currencies == ("USD", "VND")
    with pytest.raises(msgspec.ValidationError):
        read(ProductSettings, needed | {"CURRENCIES": "dollars"})
