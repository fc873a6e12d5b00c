"""What customers saw of their purchases: numbered without gaps, per purchase and per account (protocol 8)."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec.structs import replace

from common.postgres.database import Row as Record
from common.postgres.database import Transaction, columns
from common.telemetry.context import is_sampled
from purchase.model import Outcome

# Both counters move under a row lock in the deciding transaction, so their order is the order of commits. The
# accounts come sorted: with the purchases before them, everybody locks in the same order. One round trip: an
# event brings its place among the account's new ones.
APPEND = """
WITH news AS (
  SELECT * FROM unnest($1::uuid[], $2::bigint[]) AS news (account_id, count)
), bumped AS (
  INSERT INTO account_feed (account_id, last_seq) SELECT * FROM news
  ON CONFLICT (account_id) DO UPDATE SET last_seq = account_feed.last_seq + EXCLUDED.last_seq
  RETURNING account_id, last_seq
), before AS (
  SELECT account_id, last_seq - count AS last_seq FROM bumped JOIN news USING (account_id)
), written AS (
  INSERT INTO purchase_event (purchase_id, seq, account_id, account_seq, type, data, path)
  SELECT purchase_id, seq, account_id, last_seq + place, type, data, path
  FROM unnest($3::uuid[], $4::int[], $5::uuid[], $6::bigint[], $7::text[], $8::text[], $9::text[])
    AS entry (purchase_id, seq, account_id, place, type, data, path)
  JOIN before USING (account_id)
)
SELECT account_id, last_seq FROM before
"""
OF_PURCHASE = """
SELECT seq AS number, type, data, (SELECT traceparent FROM purchases WHERE id = purchase_id)
FROM purchase_event WHERE purchase_id = $1 AND seq > $2 ORDER BY seq LIMIT $3
"""
OF_ACCOUNT = """
SELECT account_seq AS number, type, data, (SELECT traceparent FROM purchases WHERE id = purchase_id)
FROM purchase_event WHERE account_id = $1 AND account_seq > $2 ORDER BY account_seq LIMIT $3
"""
STEPS = """
SELECT purchase_id, data FROM purchase_event WHERE purchase_id = ANY($1::uuid[]) AND type = 'step'
ORDER BY purchase_id, seq
"""
TIMES = """
SELECT path, (data::jsonb ->> 'at')::timestamptz AS at FROM purchase_event WHERE purchase_id = $1 ORDER BY seq
"""
NEWEST_OF_ACCOUNT = "SELECT last_seq FROM account_feed WHERE account_id = $1"
NEWEST = """
SELECT id, last_seq::bigint FROM purchases WHERE id = ANY($1::uuid[])
UNION ALL SELECT account_id, last_seq FROM account_feed WHERE account_id = ANY($2::uuid[])
"""
LAST = """
SELECT p.last_seq, p.status, e.type FROM purchases p
LEFT JOIN purchase_event e ON e.purchase_id = p.id AND e.seq = p.last_seq
WHERE p.id = $1 AND p.account_id = $2
"""


class Event(msgspec.Struct, frozen=True, array_like=True):
    """One event as it is stored and told to the other replicas."""

    purchase_id: UUID
    seq: int
    account_id: UUID
    account_seq: int
    type: str
    data: str
    traceparent: str | None = None
    """Of the purchase, where its trace is recorded; not stored here."""


async def append(
    tx: Transaction, places: Sequence[Event], paths: Sequence[str | None] | None = None
) -> list[Event]:
    """Writes what was numbered from nothing, and returns it with the numbers that the accounts' feeds give.

    As late as can be: until the commit, whoever writes to the same feeds waits.
    """
    if not places:
        return []
    news = Counter(each.account_id for each in places)
    accounts = sorted(news)
    counts = [news[account] for account in accounts]
    entries = columns(map(_stored, places), 6)
    rows = await tx.fetch(APPEND, accounts, counts, *entries, paths or [None] * len(places))
    before = {row["account_id"]: row["last_seq"] for row in rows}
    return [replace(each, account_seq=before[each.account_id] + each.account_seq) for each in places]


def paths_of(outcomes: Iterable[Outcome]) -> list[str | None]:
    """The first entry of an outcome tells on which ways the messages came that led to all of them."""
    found: list[str | None] = []
    for outcome in outcomes:
        found += [outcome.path or None, *[None] * len(outcome.entries)][: len(outcome.entries)]
    return found


def _stored(event: Event) -> Sequence[Any]:
    return msgspec.structs.astuple(event)[:6]


def numbered(
    outcomes: Iterable[Outcome], at: datetime, last_of_account: Mapping[UUID, int] | None = None
) -> tuple[list[Outcome], list[Event]]:
    """Pure: every entry follows the last number of its purchase, and of its account; without the accounts'
    numbers it has its place among their new ones.
    """
    last = Counter(last_of_account)
    written, events = [], []
    for outcome in outcomes:
        row = outcome.row
        trace = row.traceparent if is_sampled(row.traceparent) else None
        for seq, entry in enumerate(outcome.entries, start=row.last_seq + 1):
            last[row.account_id] += 1
            data = {"purchase_id": row.id, "seq": seq, **entry.detail, "at": at}
            text = msgspec.json.encode(data).decode()
            events.append(Event(row.id, seq, row.account_id, last[row.account_id], entry.type, text, trace))
        written.append(replace(outcome, row=replace(row, last_seq=row.last_seq + len(outcome.entries))))
    return written, events


async def after(tx: Transaction, key: UUID, number: int, limit: int, *, of_account: bool) -> list[Record]:
    """Events with higher numbers, in order: number, type, data, trace context of the purchase."""
    return await tx.fetch(OF_ACCOUNT if of_account else OF_PURCHASE, key, number, limit)


async def steps(tx: Transaction, purchases: Sequence[UUID]) -> dict[UUID, list[str]]:
    """The steps of each purchase, as the JSON they were sent as."""
    found: dict[UUID, list[str]] = {purchase: [] for purchase in purchases}
    for row in await tx.fetch(STEPS, purchases):
        found[row["purchase_id"]].append(row["data"])
    return found


async def times(tx: Transaction, purchase_id: UUID) -> list[Record]:
    """When each event was, and the paths of the messages that led to it: at, path."""
    return await tx.fetch(TIMES, purchase_id)


async def newest_of_account(tx: Transaction, account_id: UUID) -> int:
    return await tx.value(NEWEST_OF_ACCOUNT, account_id) or 0


async def newest(tx: Transaction, purchases: Sequence[UUID], accounts: Sequence[UUID]) -> dict[UUID, int]:
    """The highest number of each, in one statement."""
    rows = await tx.fetch(NEWEST, purchases, accounts)
    return {row["id"]: row["last_seq"] for row in rows}


async def last(tx: Transaction, purchase_id: UUID, account_id: UUID) -> Record | None:
    """Newest number and type of an own purchase's log; None if it is not the account's."""
    return await tx.row(LAST, purchase_id, account_id)
