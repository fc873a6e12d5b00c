"""What goes in and out over HTTP."""

import hashlib
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec

from common.contracts.message import Item
from common.contracts.methods import is_accepted
from common.http.errors import InvalidField
from common.ids import new_id
from common.postgres.database import Row as Record
from common.telemetry import context
from purchase.acceptance import Accepted
from purchase.model import Status
from purchase.repository import NewPurchase, decode_items

MOST_LINES = 100
MOST_OF_ONE = 1_000_000

Quantity = Annotated[int, msgspec.Meta(ge=1, le=MOST_OF_ONE)]
Token = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]{1,100}\Z")]


class OrderItem(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A line; the price is the product's own, never the client's."""

    product_id: UUID
    quantity: Quantity


class PaymentChoice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    currency_code: Annotated[str, msgspec.Meta(pattern=r"^[A-Z]{3}\Z")]
    method: Annotated[str, msgspec.Meta(min_length=1, max_length=40)] = "credit_card"
    installments: Annotated[int, msgspec.Meta(ge=1, le=100)] = 1
    token: Token | None = None


class PurchaseRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    order_items: Annotated[tuple[OrderItem, ...], msgspec.Meta(min_length=1, max_length=MOST_LINES)]
    payment: PaymentChoice


class PurchaseView(msgspec.Struct, frozen=True, kw_only=True):
    """`settled`: everything that follows from the decision is confirmed. Prices are there once known."""

    id: UUID
    status: Status
    reason: str | None
    settled: bool
    steps: list[msgspec.Raw]
    items: tuple[Item, ...]
    total: int
    currency_code: str
    method: str
    installments: int
    created_at: datetime
    deadline_at: datetime
    decided_at: datetime | None


def new_purchase(
    request: PurchaseRequest, account_id: UUID, idempotency_key: str | None, currencies: tuple[str, ...]
) -> NewPurchase:
    """Raises InvalidField. Lines that name one product are summed."""
    payment = request.payment
    if payment.currency_code not in currencies:
        raise InvalidField(
            "payment.currency_code",
            f"Not accepted here; accepted: {', '.join(currencies)}.",
            code="currency_not_supported",
        )
    if not is_accepted(payment.method, payment.installments):
        raise InvalidField("payment", "No such method, or too many installments for it.", status=400)
    quantities: dict[UUID, int] = {}
    for line in request.order_items:
        quantities[line.product_id] = quantities.get(line.product_id, 0) + line.quantity
    return NewPurchase(
        id=new_id(),
        account_id=account_id,
        issued_on=datetime.now(UTC).date(),
        items=tuple(Item(product_id=product, quantity=quantity) for product, quantity in quantities.items()),
        currency_code=payment.currency_code,
        method=payment.method,
        installments=payment.installments,
        payment_token=payment.token,
        traceparent=context.traceparent(),
        idempotency_key=idempotency_key,
        request_hash=hashlib.sha256(msgspec.json.encode(request)).digest(),
    )


def accepted(new: NewPurchase, answer: Accepted) -> PurchaseView:
    """The same for every repetition of the request, whatever has become of the purchase since."""
    return PurchaseView(
        id=answer.id,
        status=Status.PENDING,
        reason=None,
        settled=False,
        steps=[],
        items=new.items,
        total=0,
        currency_code=new.currency_code,
        method=new.method,
        installments=new.installments,
        created_at=answer.created_at,
        deadline_at=answer.deadline_at,
        decided_at=None,
    )


def view(row: Record, steps: list[str]) -> PurchaseView:
    known: dict[str, Any] = dict(row)
    items = decode_items(known.pop("items"))
    known.pop("account_id")
    known["status"] = Status(known["status"])
    return PurchaseView(**known, items=items, steps=[msgspec.Raw(step.encode()) for step in steps])
