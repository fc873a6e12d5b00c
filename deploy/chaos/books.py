"""The invariants I1 to I10 of PROTOCOL.md, read from the databases, the provider's ledger, the mails."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import aiohttp
import asyncpg
import msgspec

from deploy.psp.book import Entry

Rows = list[asyncpg.Record]

PURCHASES = "SELECT id, status, total, settled_at, attention FROM purchases"
# One snapshot: what was ever received, what is there, what is promised (I2), and what the ledger makes of it.
STOCK = """
SELECT s.product_id, s.received, s.available, coalesce(r.reserved, 0) AS reserved,
       coalesce(m.moved, 0) AS moved, coalesce(m.unreserved, 0) AS unreserved
FROM stock s LEFT JOIN (
  SELECT (item ->> 'product_id')::uuid AS product_id, sum((item ->> 'quantity')::bigint) AS reserved
  FROM reservations, jsonb_array_elements(items) AS item WHERE status = 'DONE' GROUP BY 1
) r USING (product_id) LEFT JOIN (
  SELECT product_id, sum(change) AS moved, sum(change) FILTER (WHERE purchase_id IS NOT NULL) AS unreserved
  FROM stock_movements GROUP BY 1
) m USING (product_id)
"""
RESERVED = "SELECT purchase_id AS id FROM reservations WHERE status = 'DONE'"
APPROVED = "SELECT id FROM orders WHERE status = 'APPROVED'"
CAPTURED = "SELECT id, amount FROM payments WHERE status = 'CAPTURED'"
MAILS = "SELECT about AS id, kind FROM mails WHERE status = 'sent' AND kind IN ('receipt', 'failure')"
UNSENT = (
    "SELECT count(*) FROM outbox WHERE published_at IS NULL AND created_at < now() - interval '5 seconds'"
)
OPEN = (
    ("purchase", "SELECT count(*) FROM purchases WHERE settled_at IS NULL"),
    ("mail", "SELECT count(*) FROM mails WHERE status = 'queued'"),
)
UNSAID = "SELECT count(*) FROM outbox WHERE published_at IS NULL"
HEARD_BY = "SELECT stream_created_at FROM relay_state"
LETTERS = """
SELECT count(*) FROM dead_letter d WHERE NOT EXISTS (
  SELECT FROM dead_letter_trail t WHERE t.letter_id = d.id AND t.action IN ('retried', 'discarded')
)
"""
GAPS = """
SELECT purchase_id FROM purchase_event GROUP BY purchase_id
HAVING count(*) <> max(seq) OR count(*) FILTER (WHERE type IN ('completed', 'failed', 'timed_out')) <> 1
"""


@dataclass(frozen=True)
class Books:
    """Where the truth is kept."""

    databases: Mapping[str, str]
    ledger: Sequence[Entry]

    async def rows(self, service: str, statement: str) -> Rows:
        connection = await asyncpg.connect(self.databases[service])
        try:
            return await connection.fetch(statement)
        finally:
            await connection.close()

    async def are_closed(self) -> bool:
        """Everything is settled, said, and mailed: accepting a mail settles, sending it comes after."""
        questions = [*OPEN, *((service, UNSAID) for service in self.databases)]
        counts = [(await self.rows(service, statement))[0]["count"] for service, statement in questions]
        return not any(counts)

    async def streams(self) -> dict[str, datetime | None]:
        """Which stream each service takes for the present one: its time of creation."""
        return {
            service: (await self.rows(service, HEARD_BY))[0]["stream_created_at"]
            for service in self.databases
        }

    async def outcomes(self) -> Counter[str]:
        return Counter(row["status"] for row in await self.rows("purchase", PURCHASES))

    async def violations(self) -> list[str]:
        """Every invariant that does not hold, in words; call it when the books are closed."""
        purchases = {row["id"]: row for row in await self.rows("purchase", PURCHASES)}
        completed = {key for key, row in purchases.items() if row["status"] == "COMPLETED"}
        return [
            *unequal("reservations kept", ids(await self.rows("product", RESERVED)), completed),
            *unequal("orders approved", ids(await self.rows("order", APPROVED)), completed),
            *unequal("payments captured", ids(await self.rows("payment", CAPTURED)), completed),
            *(f"I10: {key} is not settled" for key, row in purchases.items() if row["settled_at"] is None),
            *await self._stock(),
            *self._money({str(key): purchases[key]["total"] for key in completed}),
            *await self._mails(completed, purchases.keys() - completed),
            *(f"I8: the log of {row['purchase_id']} has a gap" for row in await self.rows("purchase", GAPS)),
            *await self._left_over(),
        ]

    async def _stock(self) -> list[str]:
        return [
            f"I1, I2: product {row['product_id']}: {dict(row)}"
            for row in await self.rows("product", STOCK)
            if row["available"] < 0
            or row["received"] != row["available"] + row["reserved"]
            or (row["available"], row["reserved"]) != (row["moved"], -row["unreserved"])
        ]

    def _money(self, owed: Mapping[str, int]) -> list[str]:
        """The provider's own ledger: what was taken is what is owed, once, and nothing is held (I6)."""
        taken, captures, held = Counter[str](), Counter[str](), Counter[str]()
        for entry in self.ledger:
            if entry.status == "captured":
                captures[entry.authorization] += entry.amount > 0
                taken[entry.authorization] += entry.amount
            held[entry.authorization] += (entry.status == "authorized") - (
                entry.status in {"captured", "voided"} and entry.amount > 0
            )
        wrong = {key for key in owed.keys() | taken.keys() if taken[key] != owed.get(key, 0)}
        return [
            *(f"I6: {taken[key]} was taken for {key}, {owed.get(key, 0)} is owed" for key in wrong),
            *(f"I6: {key} was captured {count} times" for key, count in captures.items() if count > 1),
            *(f"I4: a hold is left on {key}" for key in +held),
        ]

    async def _mails(self, completed: Iterable[Any], cancelled: Iterable[Any]) -> list[str]:
        sent: dict[str, set[Any]] = {}
        for row in await self.rows("mail", MAILS):
            sent.setdefault(row["kind"], set()).add(row["id"])
        return [
            *unequal("receipts", sent.get("receipt", set()), set(completed)),
            *unequal("failure notices", sent.get("failure", set()), set(cancelled)),
        ]

    async def _left_over(self) -> list[str]:
        counts = {
            (service, what): (await self.rows(service, statement))[0]["count"]
            for service in self.databases
            for what, statement in (("unsent messages", UNSENT), ("dead letters", LETTERS))
        }
        return [f"I9: {service} has {count} {what}" for (service, what), count in counts.items() if count]


def ids(rows: Rows) -> set[Any]:
    return {row["id"] for row in rows}


def unequal(what: str, found: set[Any], completed: set[Any]) -> list[str]:
    """I3 and I4: exactly the completed purchases, or exactly the others."""
    return [f"I3: {what}: {key} is missing" for key in completed - found] + [
        f"I4: {what}: {key} should not be there" for key in found - completed
    ]


async def ledger_of(session: aiohttp.ClientSession, psp: str) -> list[Entry]:
    async with session.get(f"{psp}/v1/ledger") as response:
        return msgspec.json.decode(await response.read(), type=list[Entry])


async def caught_ids(session: aiohttp.ClientSession, mail_api: str, subject: str) -> Counter[str]:
    """Message-ID -> how often a mail with this subject was caught (I7)."""
    seen = Counter[str]()
    start = 0
    while True:
        url = f"{mail_api}/api/v2/messages?start={start}&limit=500"
        async with session.get(url) as response:
            page = await response.json()
        for mail in page["items"]:
            headers = mail["Content"]["Headers"]
            if headers["Subject"] == [subject]:
                seen[headers["Message-ID"][0]] += 1
        start += page["count"]
        if start >= page["total"] or not page["count"]:
            return seen
