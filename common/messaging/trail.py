"""What is open, what was done with it: statements on dead letters and their trail, both only added to."""

from typing import Any, NamedTuple
from uuid import UUID

from common.contracts.letters import PAGE, PART, Done, Entry, Letter, Open, Part
from common.messaging.transactional import Stored
from common.postgres.database import Row, Transaction

ENTRIES = 40
"""Of a trail, the newest that are shown."""

# One at a time deals with a letter. No right to change the row is needed for that.
LOCK = "SELECT pg_advisory_xact_lock(7102, ($1::bigint % 2147483647)::int)"

OPEN = """
SELECT d.id, d.durable, left(d.subject, 200) AS subject, left(d.message_id, 200) AS message_id, d.deliveries,
       left(coalesce(failed.error, d.error), 300) AS error, d.parked_at,
       octet_length(coalesce(edited.payload, d.payload)) AS size, edited.id IS NOT NULL AS edited
FROM dead_letter d
LEFT JOIN LATERAL (
  SELECT error FROM dead_letter_trail t WHERE t.letter_id = d.id AND action = 'failed'
  ORDER BY id DESC LIMIT 1
) failed ON true
LEFT JOIN LATERAL (
  SELECT id, payload FROM dead_letter_trail t WHERE t.letter_id = d.id AND action = 'edited'
  ORDER BY id DESC LIMIT 1
) edited ON true
WHERE d.id > $1 AND NOT EXISTS (
  SELECT FROM dead_letter_trail t WHERE t.letter_id = d.id AND t.action IN ('retried', 'discarded')
)
ORDER BY d.id LIMIT $2
"""
COUNT = """
SELECT durable, count(*) AS count FROM dead_letter d
WHERE NOT EXISTS (
  SELECT FROM dead_letter_trail t WHERE t.letter_id = d.id AND t.action IN ('retried', 'discarded')
)
GROUP BY durable
"""
LETTER = """
SELECT id, durable, subject, message_id, deliveries, error, parked_at, octet_length(payload) AS size, headers
FROM dead_letter WHERE id = $1
"""
TRAIL = """
SELECT action, at, by, reason, left(error, 400) AS error, key FROM dead_letter_trail
WHERE letter_id = $1 ORDER BY id DESC LIMIT $2
"""
PAYLOAD = """
SELECT substring(payload FROM $2::int + 1 FOR $3::int) AS payload, octet_length(payload) AS size
FROM (
  SELECT payload, 0 AS id FROM dead_letter WHERE id = $1
  UNION ALL
  SELECT payload, id FROM dead_letter_trail WHERE letter_id = $1 AND action = 'edited' AND NOT $4::boolean
) versions
ORDER BY id DESC LIMIT 1
"""
END = """
SELECT action, at, by, key FROM dead_letter_trail
WHERE letter_id = $1 AND action IN ('retried', 'discarded')
"""
OF_KEY = """
SELECT action, error FROM dead_letter_trail WHERE letter_id = $1 AND key = $2 ORDER BY id DESC LIMIT 1
"""
NOTE = """
INSERT INTO dead_letter_trail (letter_id, action, key, by, reason, error, payload)
VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id
"""
FORGET = "SELECT forget_letters($1)"


class Act(NamedTuple):
    """Who does what with which letter, and why; under which key it is done once."""

    letter_id: int
    key: UUID
    by: str
    reason: str


async def lock(tx: Transaction, letter_id: int) -> None:
    await tx.execute(LOCK, letter_id)


async def open_after(tx: Transaction, after: int) -> list[Open]:
    return [Open(**dict(row)) for row in await tx.fetch(OPEN, after, PAGE)]


async def count(tx: Transaction) -> dict[str, int]:
    """Open letters by durable."""
    return {row["durable"]: row["count"] for row in await tx.fetch(COUNT)}


async def letter(tx: Transaction, letter_id: int) -> Letter | None:
    row = await tx.row(LETTER, letter_id)
    if row is None:
        return None
    entries = [entry(each) for each in await tx.fetch(TRAIL, letter_id, ENTRIES)]
    return Letter(**dict(row), trail=entries[::-1])


def entry(row: Row) -> Entry:
    known: dict[str, Any] = dict(row)
    known.pop("key")
    return Entry(**known)


async def part(tx: Transaction, letter_id: int, offset: int, *, original: bool) -> Part | None:
    """None where there is no such letter, or its payload is forgotten."""
    row = await tx.row(PAYLOAD, letter_id, offset, PART, original)
    return None if row is None or row["size"] is None else Part(payload=row["payload"], size=row["size"])


async def stored(tx: Transaction, letter_id: int, attempt: int) -> tuple[str, Stored]:
    """Its durable, and the letter as it would be tried now."""
    row = await tx.row(LETTER, letter_id)
    assert row is not None, "letters are never deleted"
    payload = await tx.row(PAYLOAD, letter_id, 0, 2**30, False)
    assert payload is not None
    return row["durable"], Stored(letter_id, attempt, row["subject"], payload["payload"], row["headers"])


async def standing(tx: Transaction, act: Act) -> Done | None:
    """What has become of it already: by this very question, asked before, or by somebody else's."""
    if await tx.row(LETTER, act.letter_id) is None:
        return Done(result="unknown")
    if end := await tx.row(END, act.letter_id):
        said = f"{end['action']} by {end['by']} at {end['at']:%Y-%m-%d %H:%M:%S} UTC"
        return Done(result="done" if end["key"] == act.key else "over", detail=said)
    if (before := await tx.row(OF_KEY, act.letter_id, act.key)) is None:
        return None
    if before["action"] == "edited":
        return Done(result="done")
    if before["action"] == "failed":
        return Done(result="failed", detail=before["error"])
    return Done(result="lost")


async def note(
    tx: Transaction, act: Act, action: str, *, error: str | None = None, payload: bytes | None = None
) -> int:
    added: int = await tx.value(NOTE, act.letter_id, action, act.key, act.by, act.reason, error, payload)
    return added


async def forget(tx: Transaction, keep_days: float) -> None:
    await tx.execute(FORGET, keep_days)
