"""Orders as they are shown."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from common.cache.cache import Cache
from common.cache.model import Answer
from common.postgres.database import Database, Row, Transaction
from order import repository
from order.model import Status


class LineView(msgspec.Struct, frozen=True, kw_only=True):
    """As it was at purchase time."""

    product_id: UUID
    name: str
    brand_name: str
    price: int
    quantity: int
    total: int


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    address: str
    phone_number: str


class OrderView(msgspec.Struct, frozen=True, kw_only=True):
    """`id` is the purchase's, and the payment's."""

    id: UUID
    account_id: UUID
    status: str
    items: list[LineView]
    total: int
    currency_code: str
    delivery: Delivery
    created_at: datetime


class OrderReads:
    """Out of the cache once they are decided, for then they never change again."""

    def __init__(self, db: Database, cache: Cache, seconds: float) -> None:
        self._db = db
        self._cache = cache
        self._seconds = seconds

    async def one(self, order_id: UUID) -> Answer | None:
        """Whose it is, is for the caller to look at."""

        async def load() -> Answer | None:
            async with self._db.read() as tx:
                row = await repository.find(tx, order_id)
                if row is None:
                    return None
                [view] = await views(tx, [row])
            return self._answer(view)

        return await self._cache.read(str(order_id), load)

    def _answer(self, view: OrderView) -> Answer:
        is_final = view.status != Status.PROCESSING
        return Answer(
            msgspec.json.encode(view), seconds=self._seconds if is_final else 0.0, owner=view.account_id
        )


async def views(tx: Transaction, rows: Sequence[Row]) -> list[OrderView]:
    lines: defaultdict[UUID, list[LineView]] = defaultdict(list)
    for line in await repository.lines(tx, [row["id"] for row in rows]):
        lines[line["order_id"]].append(_line(line))
    return [_order(row, lines[row["id"]]) for row in rows]


def _order(row: Row, lines: Iterable[LineView]) -> OrderView:
    return OrderView(
        id=row["id"],
        account_id=row["account_id"],
        status=row["status"],
        items=list(lines),
        total=row["total"],
        currency_code=row["currency_code"],
        delivery=Delivery(address=row["address"], phone_number=row["phone_number"]),
        created_at=row["created_at"],
    )


def _line(row: Row) -> LineView:
    return LineView(
        product_id=row["product_id"],
        name=row["name"],
        brand_name=row["brand_name"],
        price=row["price"],
        quantity=row["quantity"],
        total=row["price"] * row["quantity"],
    )
