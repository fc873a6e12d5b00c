"""Purchases and commands as product hears them, and the shelf they are about."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from common.contracts.message import Item, Purchase
from common.contracts.product import ReleaseStock, ReserveStock
from common.ids import new_id
from product.model.reservation import Outcome, Reservation, Shelf, StockCommand, Ware, fold

TEA, CUP = UUID(int=1), UUID(int=2)

Lines = dict[UUID, int] | list[tuple[UUID, int]]


def purchase(
    lines: Lines, *, purchase_id: UUID | None = None, attempt: int = 0, currency: str = "VND"
) -> Purchase:
    now = datetime.now(UTC)
    pairs = lines.items() if isinstance(lines, dict) else lines
    return Purchase(
        id=purchase_id or new_id(),
        attempt=attempt,
        account_id=new_id(),
        items=tuple(Item(product_id=product_id, quantity=quantity) for product_id, quantity in pairs),
        currency_code=currency,
        method="credit_card",
        installments=1,
        issued_on=now.date(),
        deadline_at=now + timedelta(seconds=30),
    )


def reserve(
    lines: Lines, *, purchase_id: UUID | None = None, attempt: int = 0, currency: str = "VND"
) -> ReserveStock:
    return ReserveStock(
        cause_id="evt.purchase.requested",
        purchase=purchase(lines, purchase_id=purchase_id, attempt=attempt, currency=currency),
    )


def release(command: ReserveStock, *, attempt: int = 0) -> ReleaseStock:
    """The undoing of that reservation, as the orchestrator words it: the context is the purchase's own."""
    again = purchase({}, purchase_id=command.purchase.id, attempt=attempt)
    return ReleaseStock(cause_id="evt.purchase.cancelled", purchase=again)


def ware(available: int, *, price: int = 100, currency: str = "VND", is_sold: bool = True) -> Ware:
    return Ware(
        name="Tea",
        brand_name="Leaf",
        price=price,
        currency_code=currency,
        is_sold=is_sold,
        available=available,
    )


def shelf(**available: int) -> Shelf:
    ids = {"tea": TEA, "cup": CUP}
    return {ids[name]: ware(units) for name, units in available.items()}


def after(*commands: StockCommand, of: Shelf) -> tuple[Reservation, Shelf]:
    outcome = run(commands, of)
    return outcome.reservations[commands[0].purchase.id], outcome.shelf


def run(commands: Sequence[StockCommand], on: Shelf) -> Outcome:
    return fold(commands, {command.purchase.id: Reservation() for command in commands}, on)
