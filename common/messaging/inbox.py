"""What was heard already. It only saves work: every handler is idempotent by itself (protocol P5)."""

from collections.abc import Iterable
from typing import TypeVar

from common.contracts.message import Message
from common.postgres.database import Transaction

M = TypeVar("M", bound=Message)

REMEMBER = """
INSERT INTO inbox (issued_on, message_id)
SELECT * FROM unnest($1::date[], $2::text[])
ON CONFLICT DO NOTHING RETURNING message_id
"""


async def unseen(tx: Transaction, batch: Iterable[M]) -> list[M]:
    """Remembers the batch; returns what is new in it, in order. The first statement of its transaction.

    Ids go in sorted, so two overlapping batches wait for each other instead of deadlocking.
    """
    by_id = {message.id: message for message in batch}
    ids = sorted(by_id)
    rows = await tx.fetch(REMEMBER, [by_id[each].dated for each in ids], ids)
    if len(rows) == len(by_id):
        return list(by_id.values())
    new = {row["message_id"] for row in rows}
    return [message for each, message in by_id.items() if each in new]
