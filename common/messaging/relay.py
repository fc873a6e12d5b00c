"""Outbox to JetStream: what this process committed, from memory; what a crash left, from the table."""

import asyncio
import logging
from collections import defaultdict, deque
from collections.abc import Iterable
from contextlib import suppress
from datetime import date

from common.failpoints import failpoint
from common.messaging.broker import Broker
from common.messaging.outbox import OutboxRow
from common.messaging.publisher import IN_FLIGHT, Outgoing, Publisher
from common.postgres.database import UNAVAILABLE, Database, Row

log = logging.getLogger(__name__)

MEMORY = 20_000
"""Rows held in memory at most; the table holds them all."""

MARKED_TOGETHER = 0.1
"""Seconds of publishing that share one statement: nobody waits for a mark, and a lost one is a duplicate."""

# A row younger than a second is still on its way from the memory of the process that wrote it. No lock: it
# would be held while awaiting acks. A row that two processes publish is one message to the stream.
FORGOTTEN = """
SELECT created_at < now() - interval '30 seconds' AS is_history,
       created_on, position, message_id, subject, payload, correlation_id, causation_id, traceparent,
       (CASE WHEN created_at < now() - interval '30 seconds' THEN 0
        ELSE extract(epoch FROM created_at) END)::float AS said
FROM outbox
WHERE published_at IS NULL AND created_at < now() - interval '1 second'
ORDER BY created_at DESC, position DESC LIMIT $1
"""
# Its commit does not wait for the disk. A CTE that is called is run, and in the transaction of its statement.
MARK = """
WITH unhurried AS (SELECT set_config('synchronous_commit', 'off', true))
UPDATE outbox SET published_at = now() FROM unhurried WHERE created_on = $1 AND position = ANY($2::bigint[])
"""
# What is older is history that is being said again, and tells nothing about the way to the broker.
BEHIND = """
SELECT EXISTS (
  SELECT FROM outbox WHERE published_at IS NULL
  AND created_at BETWEEN now() - interval '30 seconds' AND now() - $1 * interval '1 second'
)
"""
OLDEST = "SELECT extract(epoch FROM now() - min(created_at))::float FROM outbox WHERE published_at IS NULL"


class Relay:
    """At least once, never ordered. A lost mark or a zombie relay makes a duplicate, nothing worse."""

    def __init__(self, db: Database, broker: Broker, *, limit: int = IN_FLIGHT) -> None:
        self.db = db
        self.broker = broker
        self.publisher = Publisher(broker)
        self.limit = limit
        self._queue: deque[OutboxRow] = deque()
        self._held: set[int] = set()
        self._wake = asyncio.Event()
        self._marks: list[OutboxRow] = []
        self._marks_wake = asyncio.Event()
        self._is_marked = asyncio.Event()
        self._is_marked.set()
        self._leaving = asyncio.Event()
        self._is_stored = True
        self._idle = asyncio.Event()
        self._idle.set()

    def offer(self, rows: Iterable[OutboxRow]) -> None:
        """Takes over committed rows; while the broker is away too long, leaves them to the table."""
        for row in rows:
            if len(self._queue) >= MEMORY:
                break
            self._queue.append(row)
            self._held.add(row.position)
        self._idle.clear()
        self._wake.set()

    async def run(self) -> None:
        """Runs until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._publish())
            tasks.create_task(self._mark())
            tasks.create_task(self._recover())

    async def drained(self) -> None:
        """Returns when everything offered has been published or given up to the table."""
        await self._idle.wait()

    async def finished(self) -> None:
        """Returns when that has been marked, too; for a stop, when marks have no time to wait for others."""
        await self.drained()
        self._leaving.set()
        await self._is_marked.wait()

    async def oldest_unsent(self) -> float:
        """Age in seconds of the oldest message that is not known to be published; 0 when there is none."""
        async with self.db.watch() as tx:
            return await tx.value(OLDEST) or 0.0

    async def is_behind(self, seconds: float) -> bool:
        """Whether something that was said so long ago has not left, history aside."""
        async with self.db.read() as tx:
            return bool(await tx.value(BEHIND, seconds))

    async def _publish(self) -> None:
        while True:
            await self._wake.wait()
            await self.broker.ready()
            rows = [self._queue.popleft() for _ in range(min(self.limit, len(self._queue)))]
            if not self._queue:
                self._wake.clear()
            failpoint("relay.before_publish")
            stored = await self.publisher.publish([row.message for row in rows])
            self._is_stored = all(stored)
            failpoint("relay.before_mark")
            self._marks += [row for row, is_stored in zip(rows, stored, strict=True) if is_stored]
            self._is_marked.clear()
            self._marks_wake.set()
            self._held.difference_update(
                row.position for row, is_stored in zip(rows, stored, strict=True) if not is_stored
            )
            if not self._queue:
                self._idle.set()

    async def _mark(self) -> None:
        while True:
            await self._marks_wake.wait()
            with suppress(TimeoutError):
                async with asyncio.timeout(MARKED_TOGETHER):
                    await self._leaving.wait()
            self._marks_wake.clear()
            rows, self._marks = self._marks, []
            try:
                async with self.db.read() as tx:
                    for day, positions in by_day(rows).items():
                        await tx.execute(MARK, day, positions)
            except UNAVAILABLE as error:
                log.warning("marks are lost, their messages will be repeated: %s", error)
            self._held.difference_update(row.position for row in rows)
            if not self._marks:
                self._is_marked.set()

    async def _recover(self) -> None:
        """The poller: once a second while the broker is there, and again at once while there is more.

        Not at once after a refusal: while a cluster elects a leader every message is refused in no time. Nor
        for history, which comes last: a wiped broker is told the last day again (P16), beside what is sold.
        """
        while True:
            await asyncio.sleep(1)
            with suppress(*UNAVAILABLE):
                while self.broker.up and await self._recover_some():
                    await self.drained()
                    if not self._is_stored:
                        break

    async def _recover_some(self) -> bool:
        async with self.db.read() as tx:
            rows = await tx.fetch(FORGOTTEN, self.limit)
        forgotten = [row for row in map(placed, rows) if row.position not in self._held]
        self.offer(forgotten)
        return len(forgotten) == self.limit and not rows[-1]["is_history"]


def placed(row: Row) -> OutboxRow:
    _, created_on, position, *message = row
    return OutboxRow(created_on, position, Outgoing(*message))


def by_day(rows: Iterable[OutboxRow]) -> dict[date, list[int]]:
    """One update per partition."""
    days: defaultdict[date, list[int]] = defaultdict(list)
    for row in rows:
        days[row.created_on].append(row.position)
    return days
