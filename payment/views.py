"""Payments as they are shown."""

from datetime import datetime
from uuid import UUID

import msgspec

from common.cache.cache import Cache
from common.cache.model import Answer
from common.postgres.database import Database, Row
from payment import repository
from payment.model.row import Status

FINAL = frozenset({Status.CAPTURED, Status.VOIDED})
"""Nothing follows on them, but an alarm, which is for us."""


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


class PaymentReads:
    """Out of the cache once the money has moved for the last time."""

    def __init__(self, db: Database, cache: Cache, seconds: float) -> None:
        self._db = db
        self._cache = cache
        self._seconds = seconds

    async def one(self, payment_id: UUID) -> Answer | None:
        """Whose it is, is for the caller to look at."""

        async def load() -> Answer | None:
            async with self._db.read() as tx:
                row = await repository.find(tx, payment_id)
            return self._answer(row) if row else None

        return await self._cache.read(str(payment_id), load)

    def _answer(self, row: Row) -> Answer:
        seconds = self._seconds if row["status"] in FINAL else 0.0
        return Answer(msgspec.json.encode(view(row)), seconds=seconds, owner=row["account_id"])


def view(row: Row) -> PaymentView:
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
