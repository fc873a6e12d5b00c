"""A service's dead letters: looked at, mended, tried again, discarded, as the operator asks for it."""

import asyncio
import logging
from collections.abc import Mapping

from common.contracts.letters import (
    DiscardLetter,
    Done,
    EditLetter,
    Letter,
    ListLetters,
    Open,
    Part,
    ReadLetter,
    RetryLetter,
    ShowLetter,
)
from common.messaging import trail
from common.messaging.answers import Endpoint, answering
from common.messaging.dead_letters import MOST_ERROR
from common.messaging.trail import Act
from common.messaging.transactional import Again
from common.postgres.database import UNAVAILABLE, Database

log = logging.getLogger(__name__)

EVERY = 3600.0


class OpenLetters:
    """How many wait for somebody, by durable: for /readyz. /metrics looks by itself (`depths.py`)."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def count(self) -> dict[str, int] | None:
        """None is what there should be."""
        async with self._db.watch() as tx:
            return await trail.count(tx) or None


class Workbench:
    """`again`: how a letter of a durable is handled once more; of others it is only shown."""

    def __init__(self, db: Database, service: str, again: Mapping[str, Again]) -> None:
        self.db = db
        self.service = service
        self.again = again

    def endpoints(self) -> list[Endpoint]:
        of = self.service
        return [
            answering(ListLetters, self._list, of=of),
            answering(ShowLetter, self._show, of=of),
            answering(ReadLetter, self._read, of=of),
            answering(RetryLetter, self._retry, of=of),
            answering(EditLetter, self._edit, of=of),
            answering(DiscardLetter, self._discard, of=of),
        ]

    async def _list(self, asked: ListLetters) -> list[Open]:
        async with self.db.read() as tx:
            return await trail.open_after(tx, asked.after)

    async def _show(self, asked: ShowLetter) -> Letter | None:
        async with self.db.begin() as tx:
            return await trail.letter(tx, asked.letter_id)

    async def _read(self, asked: ReadLetter) -> Part | None:
        async with self.db.read() as tx:
            return await trail.part(tx, asked.letter_id, asked.offset, original=asked.original)

    async def _edit(self, asked: EditLetter) -> Done:
        return await self._note(asked, "edited", payload=asked.payload)

    async def _discard(self, asked: DiscardLetter) -> Done:
        return await self._note(asked, "discarded")

    async def _note(
        self, asked: EditLetter | DiscardLetter, action: str, *, payload: bytes | None = None
    ) -> Done:
        act = Act(asked.letter_id, asked.key, asked.by, asked.reason)
        async with self.db.begin() as tx:
            await trail.lock(tx, act.letter_id)
            if told := await trail.standing(tx, act):
                return told
            await trail.note(tx, act, action, payload=payload)
        log.info("%s %s letter %d", act.by, action, act.letter_id)
        return Done(result="done")

    async def _retry(self, asked: RetryLetter) -> Done:
        """Written down before it is tried, as in `suspect`: it may end this process."""
        act = Act(asked.letter_id, asked.key, asked.by, asked.reason)
        async with self.db.begin() as tx:
            await trail.lock(tx, act.letter_id)
            if told := await trail.standing(tx, act):
                return told
            attempt = await trail.note(tx, act, "begun")
        try:
            return await self._try(act, attempt)
        except UNAVAILABLE:
            raise
        except Exception as error:
            log.exception("letter %d cannot be handled yet", act.letter_id)
            said = repr(error)[:MOST_ERROR]
            async with self.db.begin() as tx:
                await trail.note(tx, act, "failed", error=said)
            return Done(result="failed", detail=said[:500])

    async def _try(self, act: Act, attempt: int) -> Done:
        """Its effect and its end are one transaction; whoever comes later finds it over."""
        async with self.db.begin() as tx:
            await trail.lock(tx, act.letter_id)
            told = await trail.standing(tx, act)
            if told is not None and told.result == "over":
                return told
            durable, stored = await trail.stored(tx, act.letter_id, attempt)
            await trail.note(tx, act, "retried")
            await self.again[durable](tx, stored)
        log.info("%s retried letter %d", act.by, act.letter_id)
        return Done(result="done")


async def forget_letters(db: Database, keep_days: float) -> None:
    """Runs until cancelled; every replica may."""
    while True:
        try:
            async with db.begin() as tx:
                await trail.forget(tx, keep_days)
        except UNAVAILABLE as error:
            log.warning("letters are not forgotten: %r", error)
            await asyncio.sleep(5)
        else:
            await asyncio.sleep(EVERY)
