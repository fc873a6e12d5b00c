"""HTTP in, JSON out. Nothing here changes a payment: only the saga does."""

from datetime import datetime
from uuid import UUID

import msgspec
from litestar import get
from litestar.params import FromPath

from common.contracts.methods import METHODS
from common.http.auth import admin
from common.http.dependencies import Db, Me
from common.http.errors import NotFound
from common.http.paging import Cursor, Limit, Page
from common.postgres.database import Row
from payment import repository
from payment.model.row import Status


class PaymentMethod(msgspec.Struct, frozen=True, kw_only=True):
    """`max_installments`: from 1 to this."""

    method: str
    max_installments: int


class PaymentMethods(msgspec.Struct, frozen=True):
    items: list[PaymentMethod]


class PaymentView(msgspec.Struct, frozen=True, kw_only=True):
    """`id` is the purchase's. `amount` in minor units. `status`: what the provider has last confirmed."""

    id: UUID
    status: Status
    reason: str | None
    amount: int
    currency_code: str
    method: str
    installments: int
    created_at: datetime


ACCEPTED = PaymentMethods(
    [PaymentMethod(method=method, max_installments=most) for method, most in METHODS.items()]
)


@get("/payments/methods", opt={"public": True})
async def list_methods() -> PaymentMethods:
    """How a purchase may be paid."""
    return ACCEPTED


@get("/payments/{payment_id:uuid}")
async def read_payment(payment_id: FromPath[UUID], caller: Me, db: Db) -> PaymentView:
    """The payment of one's own purchase, once it has begun."""
    async with db.read() as tx:
        row = await repository.of_owner(tx, payment_id, caller.account_id)
    if row is None:
        raise NotFound("payment")
    return _view(row)


@get("/payments", guards=[admin])
async def list_payments(db: Db, limit: Limit = 20, cursor: Cursor = None) -> Page[PaymentView]:
    """Everybody's, newest first; for administrators."""
    async with db.read() as tx:
        rows = await repository.page(tx, cursor, limit + 1)
    items = [_view(row) for row in rows[:limit]]
    return Page(items=items, next=items[-1].id if len(rows) > limit else None)


def _view(row: Row) -> PaymentView:
    return PaymentView(
        id=row["id"],
        status=Status(row["status"]).shown,
        reason=row["reason"],
        amount=row["amount"],
        currency_code=row["currency_code"],
        method=row["method"],
        installments=row["installments"],
        created_at=row["created_at"],
    )


ROUTES = [list_methods, read_payment, list_payments]
