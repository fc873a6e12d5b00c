"""The books at the end of a campaign: everything has come to its end, and nothing is missing."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import aiohttp
import asyncpg

from deploy.audit import statements
from deploy.audit.findings import CLOSED
from deploy.audit.look import audit
from deploy.audit.sources import Rows, Sources, entries, listed
from deploy.psp.book import Entry

OUTCOMES = "SELECT status, count(*) FROM purchases GROUP BY status"
OPEN = (("purchase", statements.UNSETTLED), ("mail", statements.QUEUED))
HEARD_BY = "SELECT stream_created_at FROM relay_state"


@dataclass(frozen=True)
class Books:
    """Where the truth is kept."""

    databases: Mapping[str, str]
    ledger: Sequence[Entry]

    async def rows(self, service: str, statement: str) -> Rows:
        """Raises whatever the driver raises: a campaign takes databases away on purpose."""
        connection = await asyncpg.connect(self.databases[service])
        try:
            return await connection.fetch(statement)
        finally:
            await connection.close()

    async def are_closed(self) -> bool:
        """Everything is settled, said, and mailed: accepting a mail settles, sending it comes after."""
        questions = [*OPEN, *((service, statements.UNSAID) for service in self.databases)]
        counts = [(await self.rows(service, statement))[0]["count"] for service, statement in questions]
        return not any(counts)

    async def streams(self) -> dict[str, datetime | None]:
        """Which stream each service takes for the present one: its time of creation."""
        return {
            service: (await self.rows(service, HEARD_BY))[0]["stream_created_at"]
            for service in self.databases
        }

    async def outcomes(self) -> Counter[str]:
        return Counter({row["status"]: row["count"] for row in await self.rows("purchase", OUTCOMES)})

    async def violations(self) -> list[str]:
        """Every invariant that does not hold, in words; call it when the books are closed."""
        report = await audit(Sources(self.databases, listed(self.ledger)), CLOSED)
        return [str(each) for each in report.in_order]


async def ledger_of(session: aiohttp.ClientSession, psp: str) -> list[Entry]:
    return await entries(session, f"{psp}/v1/ledger")


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
