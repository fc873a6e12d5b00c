"""Messages that could not be handled, kept as they came (J8)."""

from collections.abc import Iterable
from typing import NamedTuple

from common.contracts.purchase import ParkMessage
from common.postgres.database import Transaction, columns

MOST_ERROR = 4000
"""Characters."""

KEEP = """
INSERT INTO dead_letter (message_id, durable, subject, payload, deliveries, error, headers)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bytea[], $5::int[], $6::text[], $7::jsonb[])
"""

# Written down before the attempt: a message that kills its process must not be tried for ever. It outlives
# the process without waiting for the disk, which matters where hundreds come one by one.
SUSPECT = """
WITH unhurried AS (SELECT set_config('synchronous_commit', 'off', true))
INSERT INTO suspect (message_id, attempts) SELECT $1, 1 FROM unhurried
ON CONFLICT (message_id) DO UPDATE SET attempts = suspect.attempts + 1, attempted_at = now()
RETURNING attempts
"""


class Letter(NamedTuple):
    """A row of `dead_letter`."""

    message_id: str | None
    durable: str
    subject: str
    payload: bytes
    deliveries: int
    error: str
    headers: dict[str, str]


async def suspect(tx: Transaction, message_id: str) -> int:
    """Counts an attempt to handle the message alone; returns how many there were, with this one."""
    attempts: int = await tx.value(SUSPECT, message_id)
    return attempts


async def keep(tx: Transaction, letters: Iterable[Letter]) -> None:
    await tx.execute(KEEP, *columns(letters, 7))


def letter_of(message: ParkMessage) -> Letter:
    """What the orchestrator could not handle and asked us to keep."""
    return Letter(
        message_id=message.cause_id,
        durable=message.durable,
        subject=message.parked_subject,
        payload=message.payload,
        deliveries=message.deliveries,
        error=message.error,
        headers=message.headers,
    )
