"""What goes in and out over HTTP."""

import hashlib
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Annotated, Any
from uuid import UUID

import msgspec

from common.contracts.message import Item
from common.contracts.methods import is_accepted
from common.http.errors import InvalidField
from common.ids import new_id
from common.messaging.paths import Hop, hops
from common.postgres.database import Row as Record
from common.telemetry import context
from purchase.acceptance import Accepted
from purchase.model import Status
from purchase.repository import NewPurchase, decode_items

MOST_LINES = 100
MOST_OF_ONE = 1_000_000

Quantity = Annotated[int, msgspec.Meta(ge=1, le=MOST_OF_ONE)]
Token = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]{1,100}\Z")]


Step = Annotated[
    msgspec.Raw,
    msgspec.Meta(
        extra_json_schema={
            "type": "object",
            "required": ["purchase_id", "seq", "step", "status", "at"],
            "properties": {
                "purchase_id": {"type": "string", "format": "uuid"},
                "seq": {"type": "integer", "minimum": 1},
                "step": {"type": "string", "examples": ["accepted"]},
                "status": {"type": "string", "examples": ["done"]},
                "at": {"type": "string", "format": "date-time"},
            },
        }
    ),
]
"""As it was written, which nobody need read to show it."""


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


class HopView(msgspec.Struct, frozen=True, kw_only=True):
    """A message on its way to one who heard it: when it was said, and how many milliseconds it then dwelt in
    the outbox, in the stream, in the queue of its reader, and in hand until what follows was said. The clocks
    are those of several machines, and may differ."""

    subject: str
    consumer: str
    said_at: datetime
    outbox_ms: float
    stream_ms: float
    queue_ms: float
    handler_ms: float


class PurchaseView(msgspec.Struct, frozen=True, kw_only=True):
    """`settled`: everything that follows from the decision is confirmed. Prices are there once known."""

    id: UUID
    status: Status
    reason: str | None
    settled: bool
    steps: list[Step]
    items: tuple[Item, ...]
    total: int
    currency_code: str
    method: str
    installments: int
    created_at: datetime
    deadline_at: datetime
    decided_at: datetime | None
    timing: list[HopView] | msgspec.UnsetType = msgspec.UNSET
    """With `include=timing`: every message that is known to have moved it, in their order."""


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


def timing(times: Iterable[Record]) -> list[HopView]:
    """Ways overlap, since each event tells of the hops before it: every hop is shown once."""
    shown = {
        (hop.subject, hop.consumer, hop.said): _hop(hop, end)
        for event in times
        for path in (event["path"] or "").split("\n")
        for hop, end in _ended(list(hops(path)), event["at"])
    }
    return sorted(shown.values(), key=lambda hop: hop.said_at)


def _ended(way: list[Hop], at: datetime) -> Iterator[tuple[Hop, datetime]]:
    """A hop ends when the next message is said; the last one with the event."""
    for hop, following in pairwise(way):
        yield hop, following.said
    if way:
        yield way[-1], at


def _hop(hop: Hop, end: datetime) -> HopView:
    return HopView(
        subject=hop.subject,
        consumer=hop.consumer,
        said_at=hop.said,
        outbox_ms=_ms(hop.outbox),
        stream_ms=_ms(hop.stream),
        queue_ms=_ms(hop.queue),
        handler_ms=max(0.0, _ms(end - hop.began)),
    )


def _ms(duration: timedelta) -> float:
    return round(duration.total_seconds() * 1000, 3)
