"""The loop that sends what is due: outside any transaction, one mail at a time, at least once (P15)."""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any, TypeVar

from common.failpoints import failpoint
from common.postgres.database import UNAVAILABLE, Database, Transaction
from common.telemetry import spans
from mail import model, repository
from mail.letter import Desk
from mail.mailer import Connection, Mailer, Unreachable
from mail.model import Due, Key, Outcome, Verdict
from mail.settings import MailSettings

log = logging.getLogger(__name__)

T = TypeVar("T")

CLAIMED_AT_ONCE = 50
# In mails' longest times: nothing of a batch is begun later than BEGUN_WITHIN after the batch was claimed, so
# a lease outlives whatever was begun under it, and what a dead process had in hand is soon somebody else's.
BEGUN_WITHIN = 0.5
LEASE = 2.0
MARKED_TOGETHER = 4
"""Sent mails that share one statement and one fsync: so many may be repeated by a crash."""
LINGER_SECONDS = 5.0
"""A session that has nothing to send waits so long for the next mail: to open one costs more than a mail."""


class Sender:
    """Mails are marked as soon as the server has them: a crash repeats a few at most, under their Message-ID.

    Any number of replicas may run: a claimed mail is nobody else's until its lease is over. With more than
    one claims at once its mate helps, a sender that does not look by itself: most of a mail's time is waiting
    for the server's answers.
    """

    def __init__(
        self,
        db: Database,
        mailer: Mailer,
        desk: Desk,
        settings: MailSettings,
        *,
        mate: "Sender | None" = None,
        is_mate: bool = False,
    ) -> None:
        self.db = db
        self.mailer = mailer
        self.desk = desk
        self.settings = settings
        self.mate = mate
        self._sweep_seconds = None if is_mate else settings.mail_sweep_seconds
        self._awake = asyncio.Event()
        self._stopping = asyncio.Event()
        self._failures = 0
        self._trouble = ""

    def wake(self) -> None:
        """Something has been accepted; the sweep would find it too, later."""
        self._awake.set()

    def stop(self) -> None:
        """Lets the mail in hand finish."""
        self._stopping.set()
        self._awake.set()
        if self.mate:
            self.mate.stop()

    async def run(self) -> None:
        """Runs until `stop()`, its mates beside it."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._run())
            if self.mate:
                tasks.create_task(self.mate.run())

    async def _run(self) -> None:
        """A server that is away is asked again and again, at no cost to the mails."""
        while not self._stopping.is_set():
            await self._woken(self._sweep_seconds)
            try:
                await self._send_what_is_due()
            except Unreachable as error:
                await self._pause(error)
            except UNAVAILABLE as error:
                log.warning("the database is away: %r", error)

    async def reachable(self) -> None:
        """Raises while the mail server is known to be away."""
        if self._trouble:
            raise ConnectionError(self._trouble)

    async def backlog(self) -> dict[str, Any]:
        """For the eyes of operations: what waits, and what a human must look at."""
        async with self.db.watch() as tx:
            return dict(await repository.backlog(tx) or {})

    async def _woken(self, seconds: float | None) -> None:
        """Not later than that."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._awake.wait()
        self._awake.clear()

    async def _send_what_is_due(self) -> None:
        """One session for all of it, and for what comes soon after; none when nothing is due."""
        async with self.db.read() as tx:
            if not await repository.is_due(tx):
                return
        async with self.mailer.connected() as connection:
            self._failures, self._trouble = 0, ""
            sent_at = time.monotonic()
            while connection.is_open and not self._stopping.is_set():
                if dues := await self._claim():
                    if self.mate and len(dues) == CLAIMED_AT_ONCE:
                        self.mate.wake()
                    await self._send_all(connection, dues)
                    sent_at = time.monotonic()
                elif time.monotonic() - sent_at < LINGER_SECONDS:
                    await self._woken(self._sweep_seconds or LINGER_SECONDS)
                else:
                    break

    async def _claim(self) -> list[Due]:
        """One statement, which commits by itself."""
        lease = LEASE * self.settings.smtp_timeout_seconds
        async with self.db.read() as tx:
            return await repository.claim(tx, limit=CLAIMED_AT_ONCE, lease_seconds=lease)

    async def _send_all(self, connection: Connection, dues: Sequence[Due]) -> None:
        """What cannot be begun in time is claimed anew."""
        begin_before = time.monotonic() + BEGUN_WITHIN * self.settings.smtp_timeout_seconds
        begun = 0
        sent: list[Key] = []
        for due in dues:
            if self._stopping.is_set() or time.monotonic() > begin_before or not connection.is_open:
                break
            begun += 1
            outcome = await self._send(connection, due)
            if outcome.verdict is Verdict.SENT:
                sent.append(due.key)
            else:
                await self._record_not_sent(due, outcome)
            if len(sent) == MARKED_TOGETHER:
                await self._record_sent(sent)
                sent.clear()
        await self._record_sent(sent)
        if begun < len(dues):
            async with self.db.read() as tx:
                await repository.release(tx, dues[begun:])
        if not connection.is_open:
            raise Unreachable("the connection broke")

    async def _send(self, connection: Connection, due: Due) -> Outcome:
        """One that cannot be written harms only itself."""
        if due.mail is None:
            return Outcome(Verdict.REFUSED, "unreadable", "unreadable: another release may know it")
        try:
            letter = self.desk.letter(due.mail, due.accepted_at)
        except Exception as error:  # noqa: BLE001  # whatever is wrong with it, the others go out
            return Outcome(Verdict.REFUSED, type(error).__name__, f"{type(error).__name__}: {error}")
        sender, recipient = self.desk.sender.addr_spec, due.mail.to.mailbox
        failpoint("mail.before_send")
        with spans.span("SMTP send", {"shop.mail.kind": due.key.kind}, of=due.traceparent):
            outcome = await connection.send(letter, sender=sender, recipient=recipient)
            spans.note("shop.mail.outcome", outcome.verdict)
        failpoint("mail.before_record")
        return outcome

    async def _record_sent(self, keys: Sequence[Key]) -> None:
        if keys:
            await self._write(lambda tx: repository.record_sent(tx, keys))

    async def _record_not_sent(self, due: Due, outcome: Outcome) -> None:
        settings = self.settings
        give_up = 3600 * settings.mail_give_up_hours
        delay = _delay(due.tries, settings.mail_retry_seconds, settings.mail_retry_most_seconds)
        verdict = await self._write(
            lambda tx: repository.record_not_sent(tx, due, outcome, give_up_seconds=give_up, delay=delay)
        )
        log.warning("mail %s is %s: %s", due.key.id, verdict, outcome.brief)

    async def _write(self, write: Callable[[Transaction], Awaitable[T]]) -> T:
        """Holds on to what it knows while the database is away: else mails would go out again.

        One statement, which commits by itself: two round trips less.
        """
        while True:
            try:
                async with self.db.read() as tx:
                    return await write(tx)
            except UNAVAILABLE as error:
                if self._stopping.is_set():
                    raise
                log.warning("holding the outcome of mails: %r", error)
                await asyncio.sleep(0.25)

    async def _pause(self, error: Unreachable) -> None:
        self._failures += 1
        self._trouble = str(error)
        pause = _delay(self._failures, 0.5, self.settings.smtp_pause_most_seconds)
        log.warning("no mail can be sent, trying again in %.1f s: %s", pause, error)
        with suppress(TimeoutError):
            async with asyncio.timeout(pause):
                await self._stopping.wait()


def _delay(failures: int, first: float, most: float) -> float:
    return model.delay(failures, first=first, most=most, chance=random.random())  # noqa: S311  # jitter
