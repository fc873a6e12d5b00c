"""HTTP in, JSON out. Nothing here changes a payment: only the saga does."""

from uuid import UUID

import msgspec
from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath

from common.contracts.methods import METHODS
from common.http.auth import admin
from common.http.dependencies import Db, Me
from common.http.errors import NotFound
from common.http.paging import Cursor, Limit, Page
from common.http.ready import sent
from payment import repository
from payment.views import PaymentReads, PaymentView, view

Payments = NamedDependency[PaymentReads]


class PaymentMethod(msgspec.Struct, frozen=True, kw_only=True):
    """`max_installments`: from 1 to this."""

    method: str
    max_installments: int


class PaymentMethods(msgspec.Struct, frozen=True):
    items: list[PaymentMethod]


ACCEPTED = PaymentMethods(
    [PaymentMethod(method=method, max_installments=most) for method, most in METHODS.items()]
)


@get("/payments/methods", opt={"public": True})
async def list_methods() -> PaymentMethods:
    """How a purchase may be paid."""
    return ACCEPTED


@get("/payments/{payment_id:uuid}")
async def read_payment(payment_id: FromPath[UUID], caller: Me, payments: Payments) -> Response[PaymentView]:
    """The payment of one's own purchase, once it has begun."""
    answer = await payments.one(payment_id)
    if answer is None or answer.owner != caller.account_id:
        raise NotFound("payment")
    return sent(answer)


@get("/payments", guards=[admin])
async def list_payments(db: Db, limit: Limit = 20, cursor: Cursor = None) -> Page[PaymentView]:
    """Everybody's, newest first; for administrators."""
    async with db.read() as tx:
        rows = await repository.page(tx, cursor, limit + 1)
    items = [view(row) for row in rows[:limit]]
    return Page(items=items, next=items[-1].id if len(rows) > limit else None)


ROUTES = [list_methods, read_payment, list_payments]
