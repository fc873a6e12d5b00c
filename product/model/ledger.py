"""Movements: what each change of a product's stock was made of."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, NamedTuple
from uuid import UUID

import msgspec
from msgspec import Meta

from product.model import cursors

Count = Annotated[int, Meta(ge=0, le=2**63 - 1)]
Position = Annotated[int, Meta(ge=0, le=2**31 - 1)]


class Kind(StrEnum):
    """A seller's, a purchase's, and the first line of a stock that is older than its ledger."""

    RECEIVED = "received"
    REMOVED = "removed"
    SET = "set"
    RESERVED = "reserved"
    RELEASED = "released"
    OPENING = "opening"


class Moved(NamedTuple):
    """By a purchase, from the shelf or back to it; `available` is what was there afterwards."""

    product_id: UUID
    kind: Kind
    change: int
    available: int
    purchase_id: UUID


class Movement(msgspec.Struct, frozen=True, kw_only=True):
    """`available` is what the one before left, and `change`. One batch leads to one version."""

    version: int
    position: int
    kind: Kind
    change: int
    available: int
    account_id: UUID | None
    purchase_id: UUID | None
    moved_at: datetime


class Place(NamedTuple):
    """In the ledger of one product."""

    version: int
    position: int


def place(cursor: str, product_id: UUID) -> Place:
    """Raises Torn."""
    return Place(*cursors.read(cursor, f"movements of {product_id}", tuple[Count, Position]))


def cursor(movement: Movement, product_id: UUID) -> str:
    return cursors.write(f"movements of {product_id}", (movement.version, movement.position))
