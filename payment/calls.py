"""Asks the provider, outside any transaction, what committed rows wait for, and writes down what it answers.

Memory is only the fast way: the rows say by themselves when to ask again, to whichever replica sweeps first.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import NamedTuple
from uuid import UUID

from opentelemetry.trace import SpanKind

from common.contracts.message import Reply
from common.failpoints import failpoint
from common.messaging.outbox import Outbox
from common.postgres.database import UNAVAILABLE, Database, Transaction
from common.telemetry import context, spans
from payment import gateway, repository
from payment.gateway import Provider
from payment.model import rules
from payment.model.answers import Answer, Unknown
from payment.model.row import Payment, Schedule, Status

log = logging.getLogger(__name__)

SWEEP_SECONDS = 1.0
SWEPT = 256
"""Claimed at once, at most, and only while fewer wait in memory: what one process can soon ask."""
MEMORY = 20_000
"""Waiting in memory at most; the table holds them all."""

Question = tuple[UUID, Status]


class Answered(NamedTuple):
    question: Question
    answer: Answer
    traceparent: str | None = None


def _span(_: int) -> tuple[str, spans.Attributes]:
    return "conclude", {}


class Calls:
    """At least once: the provider's idempotency keys make it once (P11)."""

    def __init__(
        self, db: Database, outbox: Outbox, provider: Provider, schedule: Schedule, *, concurrency: int
    ) -> None:
        self.db = db
        self.outbox = outbox
        self.provider = provider
        self.schedule = schedule
        self.concurrency = concurrency
        self._waiting: asyncio.Queue[Payment | None] = asyncio.Queue()
        self._stopping = asyncio.Event()
        self._is_asked_out = False
        self._held: set[Question] = set()
        self._answers: list[Answered] = []
        self._answered = asyncio.Event()

    def follow(self, tx: Transaction, changed: Iterable[Payment]) -> None:
        """What rows that are new in their status lead to, once they are committed."""
        payments = list(changed)
        tx.after_commit(lambda: self._follow(payments))

    def stop(self) -> None:
        """Lets the questions that are asked be answered; the others are anybody's at once."""
        self._stopping.set()
        for _ in range(self.concurrency):
            self._waiting.put_nowait(None)

    async def run(self) -> None:
        """Runs until `stop()`, or until cancelled; what is not answered by then is anybody's at once."""
        try:
            async with asyncio.TaskGroup() as tasks:
                asking = [tasks.create_task(self._ask()) for _ in range(self.concurrency)]
                sweeping = tasks.create_task(self._sweep())
                writing = tasks.create_task(self._write())
                await asyncio.wait(asking)
                sweeping.cancel()
                self._is_asked_out = True
                self._answered.set()
                await writing
        finally:
            if self._held:
                log.warning("%d questions to the provider are left to be asked again", len(self._held))
            with suppress(*UNAVAILABLE):
                async with self.db.read() as tx:
                    await repository.return_to_all(tx, [payment_id for payment_id, _ in self._held])

    async def unanswered(self) -> int:
        """Payments about which the provider was asked in vain so far."""
        async with self.db.watch() as tx:
            return await repository.unanswered(tx)

    def _follow(self, payments: Iterable[Payment]) -> None:
        for payment in payments:
            if payment.status is Status.ATTENTION:
                with context.within(payment.traceparent, str(payment.id)):
                    log.error("payment %s needs a human: %s", payment.id, payment.reason)
            question = (payment.id, payment.status)
            if payment.status.waits and question not in self._held and len(self._held) < MEMORY:
                self._held.add(question)
                self._waiting.put_nowait(payment)

    async def _ask(self) -> None:
        while (payment := await self._waiting.get()) and not self._stopping.is_set():
            with context.within(payment.traceparent, str(payment.id)):
                answer = await self._answer(payment)
            self._answers.append(Answered((payment.id, payment.status), answer, payment.traceparent))
            self._answered.set()

    async def _answer(self, payment: Payment) -> Answer:
        """Unknown for whatever keeps us from having one."""
        failpoint(f"provider.before_{payment.status.lower()}")
        try:
            with spans.span(f"provider {payment.status.lower()}", {}):
                answer = await gateway.ask(self.provider, payment)
            failpoint(f"provider.after_{payment.status.lower()}")
        except Exception:
            log.exception("asking about payment %s", payment.id)
            answer = Unknown("a fault of ours")
        if isinstance(answer, Unknown):
            log.warning("%s of payment %s: no answer: %s", payment.status, payment.id, answer.why)
        return answer

    async def _write(self) -> None:
        while self._answers or not self._is_asked_out:
            await self._answered.wait()
            self._answered.clear()
            answers, self._answers = self._answers, []
            if answers:
                await self._conclude(answers)
            self._held.difference_update(question for question, _, _ in answers)

    async def _conclude(self, answers: Sequence[Answered]) -> None:
        """An outage is sat out; a batch that fails is tried one by one, and what still fails asked again."""
        delay = 0.25
        while True:
            try:
                with spans.shared([each.traceparent for each in answers], _span, SpanKind.INTERNAL):
                    await self.conclude(answers)
            except UNAVAILABLE as error:
                log.warning("holding %d answers of the provider: %r", len(answers), error)
                if self._stopping.is_set():
                    return  # it is asked again, and says the same
                await asyncio.sleep(delay)
                delay = min(5.0, 2 * delay)
            except Exception:
                log.exception("cannot write %d answers of the provider", len(answers))
                for answer in answers if len(answers) > 1 else ():
                    await self._conclude([answer])
                return
            else:
                return

    async def conclude(self, answers: Sequence[Answered]) -> None:
        """The second transaction: compare-and-set, and what is said about it."""
        by_id: defaultdict[UUID, list[tuple[Status, Answer]]] = defaultdict(list)
        for (payment_id, asked), answer, _ in answers:
            by_id[payment_id].append((asked, answer))
        async with self.db.begin() as tx:
            known = await repository.lock(tx, sorted(by_id))
            changed: list[Payment] = []
            replies: list[Reply] = []
            for payment in known.values():
                after, said = rules.fold_answers(payment, by_id[payment.id])
                replies += said
                if after != payment:
                    changed.append(after)
            await repository.save(tx, changed, self.schedule)
            traces = {str(payment.id): payment.traceparent for payment in changed}
            await self.outbox.put(tx, replies, traces)
            self.follow(tx, (after for after in changed if after.status is not known[after.id].status))

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            try:
                while (room := SWEPT - self._waiting.qsize()) > 0 and await self.sweep(room) == room:
                    pass
            except UNAVAILABLE as error:
                log.warning("cannot look for unanswered payments: %r", error)
            except Exception:
                log.exception("looking for unanswered payments")

    async def sweep(self, room: int) -> int:
        """Takes over what is due: answers that never came, and questions that a crash has forgotten."""
        async with self.db.begin() as tx:
            due = await repository.claim(tx, room, self.schedule)
            given_up = [rules.give_up(payment) for payment, hopeless in due if hopeless]
            await repository.save(tx, given_up, self.schedule)
            self.follow(tx, [*given_up, *(payment for payment, hopeless in due if not hopeless)])
        return len(due)
