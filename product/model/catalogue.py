"""Categories and products: what they look like to a client, and what a client may say about them."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from common.contracts.product import MOST_UNITS, Check, Verdict, Wish
from product.model.ledger import Kind

Name = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"^\s*[^\s\x00][^\x00]*$")]
"""Not blank. Postgres stores no NUL."""

Prose = Annotated[str, Meta(max_length=10_000, pattern=r"^[^\x00]*$")]
MOST_PRICE = 10**12
Price = Annotated[int, Meta(ge=1, le=MOST_PRICE, description="In minor units of the currency.")]
Currency = Annotated[str, Meta(max_length=3, pattern=r"^[A-Z]{3}$", description="ISO 4217.")]
Units = Annotated[int, Meta(ge=0, le=MOST_UNITS)]
Change = Annotated[int, Meta(ge=-MOST_UNITS, le=MOST_UNITS)]


class Versioned(msgspec.Struct, frozen=True, kw_only=True):
    """What a client may change on the condition that nobody else has."""

    version: int

    @property
    def etag(self) -> str:
        return f'"{self.version}"'

    def is_meant_by(self, if_match: str | None) -> bool:
        """RFC 9110, 13.1.1: without the header every version is meant, with it only the listed ones."""
        if if_match is None:
            return True
        tags = {tag.strip() for tag in if_match.split(",")}
        return "*" in tags or self.etag in tags


class Category(Versioned, frozen=True, kw_only=True):
    """A group of products. Only its owner, or an administrator, changes it."""

    id: UUID
    owner_id: UUID
    name: str
    description: str
    created_at: datetime
    updated_at: datetime


class Product(Versioned, frozen=True, kw_only=True):
    """`inventory` is what can still be bought; `version` counts the changes of everything else."""

    id: UUID
    seller_id: UUID
    category_id: UUID
    name: str
    description: str
    brand_name: str
    price: int
    currency_code: str
    inventory: int
    created_at: datetime
    updated_at: datetime


class NewCategory(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: Name
    description: Prose = ""


class CategoryChanges(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is left out stays."""

    name: Name | UnsetType = UNSET
    description: Prose | UnsetType = UNSET


class NewProduct(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`id_account`, where it is given, must be the caller's own; the default currency is a setting."""

    category_id: UUID
    name: Name
    description: Prose = ""
    brand_name: Name
    price: Price
    inventory: Units
    currency_code: Currency | None = None
    id_account: UUID | None = None


class ProductChanges(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is left out stays. Stock is changed elsewhere: a client's idea of it is always a little old."""

    category_id: UUID | UnsetType = UNSET
    name: Name | UnsetType = UNSET
    description: Prose | UnsetType = UNSET
    brand_name: Name | UnsetType = UNSET
    price: Price | UnsetType = UNSET
    currency_code: Currency | UnsetType = UNSET


def unset_as_null(changes: CategoryChanges | ProductChanges) -> list[Any]:
    """The new values in the order of the fields; nothing in either kind can be set to null."""
    return [None if value is UNSET else value for value in msgspec.structs.astuple(changes)]


class StockOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Exactly one of the two; both act on what can still be bought."""

    change: Change | None = None
    level: Units | None = msgspec.field(default=None, name="set")

    @property
    def is_clear(self) -> bool:
        return (self.change is None) != (self.level is None)

    @property
    def kind(self) -> Kind:
        if self.change is None:
            return Kind.SET
        return Kind.RECEIVED if self.change >= 0 else Kind.REMOVED

    def applied_to(self, available: int) -> int:
        """May be negative: that is for the caller to refuse."""
        return available + (self.change or 0) if self.level is None else self.level


def check(wishes: list[Wish], available: dict[UUID, int]) -> Check:
    """As a purchase would see it now: lines that name one product count as one."""
    wanted: dict[UUID, int] = {}
    for wish in wishes:
        wanted[wish.product_id] = wanted.get(wish.product_id, 0) + wish.quantity
    verdicts = [_verdict(wish, wanted[wish.product_id], available.get(wish.product_id)) for wish in wishes]
    return Check(available=all(verdict.available for verdict in verdicts), items=verdicts)


def _verdict(wish: Wish, wanted: int, available: int | None) -> Verdict:
    reason = None
    if available is None:
        reason = "unknown_product"
    elif available < wanted:
        reason = "insufficient_stock"
    return Verdict(
        product_id=wish.product_id, quantity=wish.quantity, available=reason is None, reason=reason
    )
