"""What product answers a purchase: the participant's table of protocol 3, as one pure function.

`react` takes the purchase's own row and the shelf, and returns both as they are afterwards, with the reply.
Nothing is ever changed in place.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

import msgspec

from common.contracts.message import Item, Purchase, Reply
from common.contracts.product import ReleaseStock, ReserveStock, StockRefused, StockReleased, StockReserved
from product.model.ledger import Kind, Moved

MOST_TOTAL = 2**53
"""Minor units; every JSON reader counts exactly up to here."""

StockCommand = ReserveStock | ReleaseStock


class Status(StrEnum):
    """NEW is the row of a purchase that nothing was heard of before; it is never committed."""

    NEW = "NEW"
    DONE = "DONE"
    REFUSED = "REFUSED"
    UNDONE = "UNDONE"
    TOMBSTONE = "TOMBSTONE"


class Reason(StrEnum):
    UNKNOWN_PRODUCT = "unknown_product"
    CURRENCY_MISMATCH = "currency_mismatch"
    INSUFFICIENT_STOCK = "insufficient_stock"
    TOTAL_TOO_LARGE = "total_too_large"
    CANCELLED = "cancelled"


class Reservation(msgspec.Struct, frozen=True, kw_only=True):
    """One purchase's row. `items` and `total` are what was answered; `items` is what a release gives back."""

    status: Status = Status.NEW
    reason: Reason | None = None
    items: tuple[Item, ...] = ()
    total: int = 0
    currency_code: str | None = None


class Ware(msgspec.Struct, frozen=True, kw_only=True):
    """A product as a purchase sees it. One that is no longer sold still takes units back."""

    name: str
    brand_name: str
    price: int
    currency_code: str
    is_sold: bool
    available: int


Shelf = Mapping[UUID, Ware]

MOVES = {Status.DONE: (Kind.RESERVED, -1), Status.UNDONE: (Kind.RELEASED, 1)}


class Reaction(NamedTuple):
    """How things stand after one command, and what is said about it."""

    reservation: Reservation
    shelf: Shelf
    reply: Reply


class Outcome(NamedTuple):
    """How things stand after a batch; everything that is said about it and that was moved in it, in order."""

    reservations: Mapping[UUID, Reservation]
    shelf: Shelf
    replies: Sequence[Reply]
    moved: Sequence[Moved]


def react(reservation: Reservation, command: StockCommand, shelf: Shelf) -> Reaction:
    """Does nothing twice: a new attempt of the same command gets the stored answer (P5, P6)."""
    if isinstance(command, ReleaseStock):
        return Reaction(*_undo(reservation, shelf), StockReleased.following(command))
    if reservation.status is Status.NEW:
        reservation, shelf = _reserve(command.purchase, shelf)
    return Reaction(reservation, shelf, _answer(reservation, command))


def fold(commands: Iterable[StockCommand], reservations: Mapping[UUID, Reservation], shelf: Shelf) -> Outcome:
    """A batch is its commands one after the other: whoever came first is served first."""
    after = dict(reservations)
    replies: list[Reply] = []
    moved: list[Moved] = []
    for command in commands:
        purchase_id = command.purchase.id
        before = after[purchase_id]
        after[purchase_id], shelf, reply = react(before, command, shelf)
        replies.append(reply)
        if after[purchase_id] is not before:
            moved += _movements(purchase_id, after[purchase_id], shelf)
    return Outcome(after, shelf, replies, moved)


def touched(commands: Iterable[StockCommand], reservations: Mapping[UUID, Reservation]) -> set[UUID]:
    """The products whose stock `fold` may change, or whose price it may ask."""
    products: set[UUID] = set()
    for command in commands:
        reservation = reservations[command.purchase.id]
        if reservation.status is Status.DONE and isinstance(command, ReleaseStock):
            products.update(item.product_id for item in reservation.items)
        elif reservation.status is Status.NEW and isinstance(command, ReserveStock):
            products.update(item.product_id for item in command.purchase.items)
    return products


def _movements(purchase_id: UUID, became: Reservation, shelf: Shelf) -> Iterator[Moved]:
    """What the purchase's row became says what left the shelf for it, or came back."""
    if became.status in MOVES:
        kind, sign = MOVES[became.status]
        for item in became.items:
            available = shelf[item.product_id].available
            yield Moved(item.product_id, kind, sign * item.quantity, available, purchase_id)


def _undo(reservation: Reservation, shelf: Shelf) -> tuple[Reservation, Shelf]:
    """An undo that comes first leaves a tombstone, for ever (P4)."""
    if reservation.status is Status.NEW:
        return Reservation(status=Status.TOMBSTONE), shelf
    if reservation.status is not Status.DONE:
        return reservation, shelf
    undone = msgspec.structs.replace(reservation, status=Status.UNDONE)
    return undone, _moved(shelf, {item.product_id: item.quantity for item in reservation.items})


def _reserve(purchase: Purchase, shelf: Shelf) -> tuple[Reservation, Shelf]:
    """All lines or none; lines that name one product count as one."""
    wanted: Counter[UUID] = Counter()
    for item in purchase.items:
        wanted[item.product_id] += item.quantity
    if reason := _objection(wanted, purchase.currency_code, shelf):
        return Reservation(status=Status.REFUSED, reason=reason), shelf
    reservation = Reservation(
        status=Status.DONE,
        items=tuple(_priced(product_id, quantity, shelf) for product_id, quantity in wanted.items()),
        total=_total(wanted, shelf),
        currency_code=purchase.currency_code,
    )
    return reservation, _moved(shelf, {product_id: -quantity for product_id, quantity in wanted.items()})


def _objection(wanted: Mapping[UUID, int], currency_code: str, shelf: Shelf) -> Reason | None:
    if not all(product_id in shelf and shelf[product_id].is_sold for product_id in wanted):
        return Reason.UNKNOWN_PRODUCT
    if not all(shelf[product_id].currency_code == currency_code for product_id in wanted):
        return Reason.CURRENCY_MISMATCH
    if not all(shelf[product_id].available >= quantity for product_id, quantity in wanted.items()):
        return Reason.INSUFFICIENT_STOCK
    if _total(wanted, shelf) > MOST_TOTAL:
        return Reason.TOTAL_TOO_LARGE
    return None


def _total(wanted: Mapping[UUID, int], shelf: Shelf) -> int:
    return sum(shelf[product_id].price * quantity for product_id, quantity in wanted.items())


def _priced(product_id: UUID, quantity: int, shelf: Shelf) -> Item:
    ware = shelf[product_id]
    return Item(
        product_id=product_id,
        quantity=quantity,
        name=ware.name,
        brand_name=ware.brand_name,
        unit_price=ware.price,
    )


def _moved(shelf: Shelf, change: Mapping[UUID, int]) -> Shelf:
    return {
        **shelf,
        **{
            product_id: msgspec.structs.replace(
                shelf[product_id], available=shelf[product_id].available + units
            )
            for product_id, units in change.items()
        },
    }


def _answer(reservation: Reservation, command: ReserveStock) -> Reply:
    if reservation.status is Status.DONE:
        priced = msgspec.structs.replace(command.purchase, items=reservation.items, total=reservation.total)
        return StockReserved(cause_id=command.id, purchase=priced)
    reason = reservation.reason or Reason.CANCELLED
    return StockRefused(cause_id=command.id, purchase=command.purchase, reason=reason)
