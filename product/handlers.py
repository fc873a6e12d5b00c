"""Messages in, messages out."""

from collections.abc import Mapping, Sequence
from typing import TypeVar, cast

from common.contracts.message import Message
from common.contracts.product import ReleaseStock, ReserveStock
from common.messaging.streams import STANDING
from common.postgres.database import Transaction
from common.standing import repository as standing
from product.model.announcements import stock_changed
from product.model.reservation import StockCommand, fold, touched
from product.repository import reservations, stock

HEARD: tuple[type[Message], ...] = (ReserveStock, ReleaseStock, *STANDING)

K = TypeVar("K")
V = TypeVar("V")


async def handle(tx: Transaction, batch: Sequence[Message]) -> list[Message]:
    """Locks the purchases' rows, then the stock; decides in memory; writes each table once."""
    commands = cast("Sequence[StockCommand]", await standing.keep(tx, batch))  # HEARD has nothing else
    if not commands:
        return []
    held = await reservations.lock(tx, (command.purchase.id for command in commands))
    shelf = await stock.lock_shelf(tx, touched(commands, held))
    after = fold(commands, held, shelf)
    await reservations.save(tx, _difference(held, after.reservations))
    levels = await stock.save(tx, after.shelf, after.moved)
    return [*after.replies, *map(stock_changed, levels)]


def _difference(before: Mapping[K, V], after: Mapping[K, V]) -> dict[K, V]:
    return {key: value for key, value in after.items() if value != before[key]}
