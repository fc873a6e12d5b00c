"""What product says of its products, kept; with a product go its pictures."""

from collections.abc import Callable, Sequence
from functools import partial

from common.contracts.message import Message
from common.contracts.product import ProductChanged, ProductCreated, ProductDeleted
from common.messaging.streams import STANDING
from common.messaging.transactional import Handler
from common.postgres.database import Transaction
from common.standing import repository as standing
from media.repository import media, products
from media.repository.products import Told

HEARD: tuple[type[Message], ...] = (ProductCreated, ProductChanged, ProductDeleted, *STANDING)


def handler(wake: Callable[[], None]) -> Handler:
    """`wake`: told when there is something to remove."""
    return partial(_handle, wake=wake)


async def _handle(tx: Transaction, batch: Sequence[Message], *, wake: Callable[[], None]) -> list[Message]:
    told = [_told(word) for word in await standing.keep(tx, batch)]
    newest = {each.product_id: each for each in sorted(told, key=lambda each: each.version)}
    await products.keep(tx, newest.values())
    if gone := [each.product_id for each in newest.values() if each.deleted]:
        await media.remove_of(tx, gone)
        tx.after_commit(wake)
    return []


def _told(word: Message) -> Told:
    if isinstance(word, ProductDeleted):
        return Told(word.entity_id, None, word.version, deleted=True)
    assert isinstance(word, ProductCreated | ProductChanged)
    return Told(word.entity_id, word.seller_id, word.version, deleted=False)
