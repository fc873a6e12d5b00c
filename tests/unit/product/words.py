"""Purchases and commands as product hears them."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from common.contracts.message import Item, Purchase
from common.contracts.product import ReleaseStock, ReserveStock
from common.ids import new_id

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
