"""Asks the services about their dead letters, as the broker's user `operator`: it needs no database."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import NamedTuple, TypeVar
from uuid import uuid4

from common.contracts.letters import (
    PAGE,
    DiscardLetter,
    Done,
    EditLetter,
    Letter,
    ListLetters,
    Open,
    ReadLetter,
    RetryLetter,
    ShowLetter,
)
from common.contracts.request import Request
from common.messaging.broker import broker
from common.messaging.requests import Refused, Requests, Unavailable
from deploy.embedded.errors import NotRunning, StackError
from deploy.embedded.layout import WITH_DATABASE
from deploy.letters import causes
from deploy.privileges.nats import OPERATOR

PATIENCE = 3.0
CONNECTING = 3.0
TRYING = 6.0
"""Longer than a service works on an answer at most, so that it is asked again only if it has ended."""

A = TypeVar("A")


class Silent(StackError):
    """A service that was asked says nothing, or not this."""


class Id(NamedTuple):
    """`order:17`."""

    service: str
    number: int

    def __str__(self) -> str:
        return f"{self.service}:{self.number}"


def parsed(text: str) -> Id:
    service, _, number = text.partition(":")
    if service not in WITH_DATABASE or not (number.isascii() and number.isdigit() and len(number) < 19):
        raise StackError(f"{text!r} is no letter's id; they look like order:17, as `list` shows them")
    return Id(service, int(number))


@dataclass(frozen=True)
class Desk:
    """One connection."""

    requests: Requests
    by: str

    async def everything(self) -> tuple[list[tuple[str, Open]], dict[str, str]]:
        """Every open letter with its service; and of which services nothing is known, and why."""
        told = await asyncio.gather(*(self.of(service) for service in WITH_DATABASE), return_exceptions=True)
        letters, silent = [], {}
        for service, answer in zip(WITH_DATABASE, told, strict=True):
            if isinstance(answer, Silent):
                silent[service] = str(answer)
            elif isinstance(answer, BaseException):
                raise answer
            else:
                letters += [(service, letter) for letter in answer]
        return letters, silent

    async def of(self, service: str) -> list[Open]:
        """Page by page."""
        found: list[Open] = []
        while True:
            page = await self._ask(service, ListLetters(after=found[-1].id if found else 0))
            found += page
            if len(page) < PAGE:
                return found

    async def chosen(self, texts: Sequence[str]) -> list[Id]:
        """Ids, and those of every letter of the causes that are named."""
        ids: dict[Id, None] = {}
        for text in texts:
            ids |= dict.fromkeys(await self._of_cause(text) if "/" in text else [parsed(text)])
        return list(ids)

    async def _of_cause(self, text: str) -> list[Id]:
        service = text.partition("/")[0]
        if service not in WITH_DATABASE:
            raise StackError(f"{text!r} is no cause; they look like order/3fa9c1, as `list` shows them")
        letters = [(service, letter) for letter in await self.of(service)]
        for cause in causes.grouped(letters):
            if cause.name == text:
                return [Id(service, number) for number in cause.ids]
        raise StackError(f"no open letter has the cause {text}")

    async def letter(self, letter: Id) -> Letter:
        known = await self._ask(letter.service, ShowLetter(letter_id=letter.number))
        if known is None:
            raise StackError(f"there is no letter {letter}")
        return known

    async def payload(self, letter: Id, *, original: bool = False) -> bytes:
        read = b""
        while True:
            question = ReadLetter(letter_id=letter.number, offset=len(read), original=original)
            part = await self._ask(letter.service, question)
            if part is None:
                raise StackError(f"there is no letter {letter}, or what it says is forgotten")
            read += part.payload
            if len(read) >= part.size or not part.payload:
                return read

    async def retry(self, letter: Id, reason: str) -> Done:
        question = RetryLetter(letter_id=letter.number, key=uuid4(), by=self.by, reason=reason)
        return await self._ask(letter.service, question, timeout=TRYING)

    async def edit(self, letter: Id, payload: bytes, reason: str) -> Done:
        key = uuid4()
        question = EditLetter(letter_id=letter.number, key=key, by=self.by, reason=reason, payload=payload)
        return await self._ask(letter.service, question, timeout=TRYING)

    async def discard(self, letter: Id, reason: str) -> Done:
        question = DiscardLetter(letter_id=letter.number, key=uuid4(), by=self.by, reason=reason)
        return await self._ask(letter.service, question, timeout=TRYING)

    async def _ask(self, service: str, question: Request[A], timeout: float = PATIENCE) -> A:
        try:
            return await self.requests.ask(question, of=service, timeout=timeout)
        except Refused as error:
            raise Silent(f"{service} refuses: {error}") from error
        except (Unavailable, TimeoutError) as error:
            raise Silent(f"{service} does not answer: {error}") from error


@asynccontextmanager
async def desk(url: str, by: str) -> AsyncIterator[Desk]:
    async with broker(url, OPERATOR) as connection:
        try:
            async with asyncio.timeout(CONNECTING):
                await connection.ready()
        except TimeoutError:
            raise NotRunning("the broker does not answer; is the stack up?") from None
        yield Desk(Requests(connection), by)
