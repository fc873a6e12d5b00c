"""The provider: a port of three questions, and its one adapter, over HTTP."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any, Protocol

import aiohttp
import msgspec

from common.breaker import Breaker
from common.telemetry import spans
from payment.model.answers import Answer, Authorized, Captured, Declined, Refused, Unknown, Voided
from payment.model.row import Payment, Status

log = logging.getLogger(__name__)

MOST_BYTES = 65_536
"""Of an answer; a longer one counts as none."""
LOOK = aiohttp.ClientTimeout(total=2)


class Provider(Protocol):
    """Never raises, and never answers no for want of an answer: that is Unknown.

    Asked again about the same payment it answers the same and does nothing twice (P11).
    """

    async def authorize(self, payment: Payment) -> Authorized | Declined | Unknown: ...

    async def capture(self, payment: Payment) -> Captured | Refused | Unknown: ...

    async def void(self, payment: Payment) -> Voided | Refused | Unknown: ...


async def ask(provider: Provider, payment: Payment) -> Answer:
    """The question that the payment waits for."""
    match payment.status:
        case Status.AUTHORIZING:
            return await provider.authorize(payment)
        case Status.CAPTURING:
            return await provider.capture(payment)
        case Status.VOIDING:
            return await provider.void(payment)
        case _:
            raise ValueError(f"nothing to ask about a payment that is {payment.status}")


class _Answer(msgspec.Struct, frozen=True):
    status: str
    reason: Annotated[str, msgspec.Meta(max_length=200)] | None = None


_decode = msgspec.json.Decoder(_Answer).decode
_encode = msgspec.json.Encoder().encode


class Psp:
    """One keep-alive session; every question has a deadline of its own.

    While the provider is away nobody waits for it: the rows know when to ask again. What a client sent may
    fail or hang by itself, so it is a question of our own that finds out.
    """

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self.session = session
        self._breaker = Breaker()
        self._looking = asyncio.Lock()

    async def reachable(self) -> None:
        """The readiness probe: what is known without asking. Raises Open."""
        await self._breaker.closed()

    async def authorize(self, payment: Payment) -> Authorized | Declined | Unknown:
        question = {
            "amount": payment.amount,
            "currency_code": payment.currency_code,
            "method": payment.method,
            "installments": payment.installments,
        } | ({"token": payment.token} if payment.token else {})
        match await self._post("/v1/authorizations", str(payment.id), question):
            case _Answer("authorized"):
                return Authorized()
            case _Answer("declined", reason):
                return Declined(reason or "declined")
            case other:
                return _unknown(other)

    async def capture(self, payment: Payment) -> Captured | Refused | Unknown:
        question = {"authorization": str(payment.id)}
        match await self._post("/v1/captures", f"{payment.id}:capture", question):
            case _Answer("captured"):
                return Captured()
            case _Answer("refused", reason):
                return Refused(reason or "refused")
            case other:
                return _unknown(other)

    async def void(self, payment: Payment) -> Voided | Refused | Unknown:
        question = {"authorization": str(payment.id)}
        match await self._post("/v1/voids", f"{payment.id}:void", question):
            case _Answer("voided"):
                return Voided()
            case _Answer("refused", reason):
                return Refused(reason or "refused")
            case other:
                return _unknown(other)

    async def _post(self, path: str, key: str, question: dict[str, Any]) -> _Answer | Unknown:
        if self._breaker.is_open and not await self._is_back():
            return Unknown("the provider is away")
        headers = {"Idempotency-Key": key, "Content-Type": "application/json"}
        spans.note("http.request.method", "POST")
        spans.note("url.path", path)
        try:
            async with self.session.post(
                path, data=_encode(question), headers=headers, allow_redirects=False
            ) as response:
                spans.note("http.response.status_code", response.status)
                if response.status == 200:
                    return _decode(await _read(response))
                failure = f"status {response.status}"
                if response.status < 500:
                    return Unknown(failure)
        except msgspec.DecodeError as error:
            return Unknown(repr(error))
        except (aiohttp.ClientError, OSError) as error:
            failure = repr(error)
        await self._look()
        return Unknown(failure)

    async def _is_back(self) -> bool:
        if self._breaker.admits():
            await self._look()
        return not self._breaker.is_open

    async def _look(self) -> None:
        """One at a time; whoever comes meanwhile has nothing to add."""
        if self._looking.locked():
            return
        async with self._looking:
            try:
                async with self.session.get("/", timeout=LOOK, allow_redirects=False) as response:
                    is_there = response.status < 500
            except (aiohttp.ClientError, OSError):
                is_there = False
            if is_there:
                self._breaker.succeeded()
            else:
                self._breaker.failed()


async def _read(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > MOST_BYTES:
            raise aiohttp.ClientPayloadError("the answer is too long")
    return bytes(body)


def _unknown(answer: _Answer | Unknown) -> Unknown:
    return answer if isinstance(answer, Unknown) else Unknown(f"status {answer.status!r} in the answer")


@asynccontextmanager
async def connect(url: str, *, timeout: float, limit: int) -> AsyncIterator[Psp]:
    """Opens no connection before the first question; seconds of `timeout` are for the whole of one."""
    async with aiohttp.ClientSession(
        url,
        timeout=aiohttp.ClientTimeout(total=timeout),
        connector=aiohttp.TCPConnector(limit=limit + 1),  # all questions may hang: one more can look
        cookie_jar=aiohttp.DummyCookieJar(),
    ) as session:
        yield Psp(session)
