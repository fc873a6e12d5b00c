"""What the arbiter hears, a batch at a time."""

from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID

from msgspec.structs import replace

from common.contracts.message import Message, PurchaseMessage
from common.contracts.purchase import ParkMessage
from common.messaging import dead_letters
from common.messaging.transactional import Handler
from common.postgres.database import Transaction
from common.standing import repository as standing
from purchase import repository
from purchase.decisions import Decisions
from purchase.model import fold


class UnknownPurchase(Exception):
    """A message names a purchase that this database does not have: a restored backup, or a forgery."""


def handler(decisions: Decisions) -> Handler:
    async def handle(tx: Transaction, batch: Sequence[Message]) -> list[Message]:
        """Lock, fold each purchase's messages in the order they came, write once."""
        if letters := [dead_letters.letter_of(each) for each in batch if isinstance(each, ParkMessage)]:
            await dead_letters.keep(tx, letters)
        heard: defaultdict[UUID, list[PurchaseMessage]] = defaultdict(list)
        for message in await standing.keep(tx, batch):
            if isinstance(message, PurchaseMessage):
                heard[message.purchase.id].append(message)
        rows = {row.id: row for row in await repository.lock(tx, heard)} if heard else {}
        if unknown := heard.keys() - rows.keys():
            raise UnknownPurchase(", ".join(map(str, unknown)))
        outcomes = [fold(row, heard[row.id]) for row in rows.values()]
        changed = [
            replace(outcome, path=decisions.path_of(heard[outcome.row.id]))
            for outcome in outcomes
            if outcome.row is not rows[outcome.row.id]
        ]
        return await decisions.write(tx, changed)

    return handle
