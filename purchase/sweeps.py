"""The arbiter's clocks, all on its own database: deadlines, re-drives, and the measure of the backlog."""

import asyncio
import logging
from datetime import UTC, datetime

from common.failpoints import failpoint
from common.http.errors import Refused
from common.messaging.broker import Broker
from common.messaging.outbox import Outbox
from common.messaging.relay import Relay
from common.postgres.database import UNAVAILABLE, Database
from common.telemetry import context
from purchase import repository
from purchase.decisions import Decisions
from purchase.model import redrive, time_out

log = logging.getLogger(__name__)

EVERY = 1.0
OVERDUE_AT_ONCE = 1000
REDRIVEN_AT_ONCE = 500
UNSENT_LIMIT = 5.0


class Sweeps:
    """Any replica may run them: rows that another one holds are skipped."""

    def __init__(self, db: Database, outbox: Outbox, relay: Relay, decisions: Decisions) -> None:
        self.db = db
        self.outbox = outbox
        self.relay = relay
        self.decisions = decisions

    async def run(self) -> None:
        """Runs until cancelled."""
        while True:
            try:
                while await self.time_out_some() == OVERDUE_AT_ONCE:
                    pass
                await self.redrive_some()
            except UNAVAILABLE as error:
                log.warning("sweeping: %r", error)
            await asyncio.sleep(EVERY)

    async def time_out_some(self) -> int:
        """P9: the row is where completion and time-out race, so the clock is the row's."""
        async with self.db.begin() as tx:
            rows = await repository.overdue(tx, OVERDUE_AT_ONCE)
            await self.decisions.write_and_say(tx, self.outbox, [time_out(row) for row in rows])
            if rows:
                failpoint("sweep.time_out")
        if rows:
            log.warning("%d purchases timed out", len(rows))
        return len(rows)

    async def redrive_some(self) -> int:
        """P10: said again under a new attempt, unless what was said last has not even left."""
        if await self.relay.is_behind(UNSENT_LIMIT):
            return 0
        today = datetime.now(UTC).date()
        async with self.db.begin() as tx:
            rows = await repository.unsettled(tx, REDRIVEN_AT_ONCE)
            if not rows:
                return 0
            outcomes = [redrive(row, today) for row in rows]
            driven = [outcome.row for outcome in outcomes]
            stuck = await repository.driven(tx, driven, self.decisions.redrive_after)
            traces = {str(row.id): row.traceparent for row in driven}
            await self.outbox.put(tx, [word for outcome in outcomes for word in outcome.said], traces)
            failpoint("sweep.redrive")
        log.warning("%d purchases driven again", len(rows))
        self.decisions.measures.driven.of().add(len(rows))
        self.decisions.measures.stuck.of().add(len(stuck))
        for purchase_id in stuck:
            with context.within(None, str(purchase_id)):
                log.error("purchase %s needs attention: driven again and again, and not settled", purchase_id)
        return len(rows)


class Backlog:
    """Whether so much is stuck that accepting more would only make it time out (P17)."""

    def __init__(self, db: Database, broker: Broker, limit: int) -> None:
        self.db = db
        self.broker = broker
        self.limit = limit
        self.is_full = False

    def refuse_when_full(self) -> None:
        """Raises Refused 503; not while the broker is away, when waiting is what everybody does."""
        if self.is_full and self.broker.up:
            raise Refused(503, "backlog", "The shop is catching up.", headers={"Retry-After": "10"})

    async def run(self) -> None:
        """Runs until cancelled; measured once a second, never on a request."""
        while True:
            try:
                async with self.db.read() as tx:
                    self.is_full = await repository.backlog(tx, self.limit + 1) > self.limit
            except UNAVAILABLE as error:
                log.warning("backlog: %r", error)
            await asyncio.sleep(EVERY)
