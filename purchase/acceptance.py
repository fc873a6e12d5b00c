"""Accepting purchases: the requests that wait at the same moment share one transaction and one fsync."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from opentelemetry.trace import SpanKind

from common.contracts.purchase import PurchaseRequested
from common.failpoints import failpoint
from common.http.errors import Refused
from common.messaging.outbox import Outbox
from common.postgres.database import UNAVAILABLE, Database, Transaction
from common.postgres.database import Row as Record
from common.telemetry import spans
from purchase import event_log, repository
from purchase.decisions import Announce
from purchase.model import ACCEPTED, Outcome, Row, Status
from purchase.repository import NewPurchase
from purchase.settings import PurchaseSettings

MOST = 256


@dataclass(frozen=True)
class Accepted:
    """What the 202 says: the first time, and every time the request is repeated."""

    id: UUID
    created_at: datetime
    deadline_at: datetime


Answer = Accepted | Refused
Waiting = tuple[NewPurchase, "asyncio.Future[Answer | Exception]"]


class Acceptance:
    """`accept` returns once the purchase is committed together with the word that starts its saga."""

    def __init__(self, db: Database, outbox: Outbox, announce: Announce, settings: PurchaseSettings) -> None:
        self.db = db
        self.outbox = outbox
        self.announce = announce
        self.settings = settings
        self._queue: asyncio.Queue[Waiting] = asyncio.Queue()

    async def accept(self, new: NewPurchase) -> Accepted:
        """Raises Refused: 429 for too many pending, 422 for a key that stands for another request."""
        answer: asyncio.Future[Answer | Exception] = asyncio.get_running_loop().create_future()
        self._queue.put_nowait((new, answer))
        result = await answer
        if isinstance(result, Exception):
            raise result
        return result

    async def run(self) -> None:
        """Runs until cancelled: takes what waits, never waits for more."""
        while True:
            waiting = [await self._queue.get()]
            while len(waiting) < MOST and not self._queue.empty():
                waiting.append(self._queue.get_nowait())
            await self._answer(waiting)

    async def _answer(self, waiting: Sequence[Waiting]) -> None:
        """A batch that fails is tried again one by one, so that a bad one harms only itself."""
        try:
            with spans.shared([new.traceparent for new, _ in waiting], _span, SpanKind.INTERNAL):
                async with self.db.begin() as tx:
                    results: Sequence[Answer | Exception] = await self._write(tx, [new for new, _ in waiting])
                    failpoint("accept.before_commit")
            failpoint("accept.before_answer")
        except Exception as error:  # noqa: BLE001  # every request must get its answer
            if len(waiting) > 1 and not isinstance(error, UNAVAILABLE):
                for each in waiting:
                    await self._answer([each])
                return
            results = [error] * len(waiting)
        for (_, answer), result in zip(waiting, results, strict=True):
            if not answer.done():  # else the client has gone away
                answer.set_result(result)

    async def _write(self, tx: Transaction, asked: Sequence[NewPurchase]) -> list[Answer]:
        admitted = self._within_limits(
            asked, await repository.pending_of(tx, (new.account_id for new in asked))
        )
        added = await repository.add(tx, admitted, self.settings.deadline, self.settings.redrive_after)
        rows = [_row(new, added[new.id]) for new in admitted if new.id in added]
        if rows:
            await self._begin_saga(tx, rows, added[rows[0].id]["created_at"])
        repeated = [new for new in asked if new.id not in added and new.idempotency_key]
        known = await repository.by_key(tx, repeated) if repeated else {}
        return [_answer(new, added.get(new.id), known) for new in asked]

    def _within_limits(self, asked: Sequence[NewPurchase], pending: Mapping[UUID, int]) -> list[NewPurchase]:
        """In the order they came: nobody fills the shop with purchases that stay undecided."""
        count = Counter(pending)
        admitted = []
        for new in asked:
            if count[new.account_id] < self.settings.pending_per_account:
                count[new.account_id] += 1
                admitted.append(new)
        return admitted

    async def _begin_saga(self, tx: Transaction, rows: Sequence[Row], at: datetime) -> None:
        traces = {str(row.id): row.traceparent for row in rows}
        await self.outbox.put(tx, [PurchaseRequested(purchase=row.context()) for row in rows], traces)
        _, places = event_log.numbered([Outcome(row, (ACCEPTED,)) for row in rows], at)
        events = await event_log.append(tx, places)
        tx.after_commit(lambda: self.announce(events))


def _span(_: int) -> tuple[str, spans.Attributes]:
    return "accept", {}


def _row(new: NewPurchase, added: Record) -> Row:
    return Row(
        id=new.id,
        account_id=new.account_id,
        status=Status.PENDING,
        reason=None,
        rank=0,
        attempt=0,
        issued_on=new.issued_on,
        deadline_at=added["deadline_at"],
        acknowledged=0,
        items=new.items,
        total=0,
        currency_code=new.currency_code,
        method=new.method,
        installments=new.installments,
        payment_token=new.payment_token,
        traceparent=new.traceparent,
        last_seq=0,
    )


def _answer(new: NewPurchase, added: Record | None, known: Mapping[tuple[UUID, str], Record]) -> Answer:
    if added is not None:
        return Accepted(new.id, added["created_at"], added["deadline_at"])
    first = known.get((new.account_id, new.idempotency_key or ""))
    if first is None:
        return Refused(429, "too_many_pending", "Wait for your purchases.", headers={"Retry-After": "5"})
    if first["request_hash"] != new.request_hash:
        return Refused(422, "idempotency_key_reused", "This Idempotency-Key stands for another request.")
    return Accepted(first["id"], first["created_at"], first["deadline_at"])
