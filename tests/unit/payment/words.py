"""Commands about one purchase, for the tests."""

from datetime import UTC, date, datetime
from uuid import UUID

from common.contracts.message import Item, Purchase
from common.contracts.payment import AuthorizePayment, CapturePayment, VoidPayment
from common.ids import new_id

NOBODY = UUID(int=7)


def purchase(**changed: object) -> Purchase:
    ordinary: dict[str, object] = {
        "id": new_id(),
        "attempt": 0,
        "account_id": NOBODY,
        "items": (Item(product_id=UUID(int=1), quantity=2, name="Tea", brand_name="Leaf", unit_price=250),),
        "total": 500,
        "currency_code": "VND",
        "method": "credit_card",
        "installments": 3,
        "issued_on": datetime.now(UTC).date(),
        "deadline_at": datetime(2030, 1, 1, tzinfo=UTC),
    }
    return Purchase(**(ordinary | changed))  # type: ignore[arg-type]


FIXED = purchase(id=UUID(int=99), issued_on=date(2026, 1, 1))


def authorize(purchase: Purchase = FIXED) -> AuthorizePayment:
    return AuthorizePayment(cause_id="cause", purchase=purchase)


def capture(purchase: Purchase = FIXED) -> CapturePayment:
    return CapturePayment(cause_id="cause", purchase=purchase)


def void(purchase: Purchase = FIXED) -> VoidPayment:
    return VoidPayment(cause_id="cause", purchase=purchase)
