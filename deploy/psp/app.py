"""The provider's HTTP side."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import msgspec
from litestar import Litestar, MediaType, Request, Response, get, post
from litestar.params import FromPath, HeaderParameter, JSONBody, QueryParameter

from common.http import errors, health
from common.http.errors import NotFound, Refused
from deploy.psp.book import Authorize, Book, Capture, Entry, Hold, KeyReused, Void
from deploy.psp.book import Request as Asked
from deploy.psp.ledger import Ledger
from deploy.psp.settings import PspSettings

IdempotencyKey = Annotated[
    str, HeaderParameter(name="Idempotency-Key", min_length=1, max_length=255, pattern=r"\A[\x21-\x7e]+\Z")
]

REMEMBERED = timedelta(days=2)
"""At a start: keys and holds of before are history, which only the file knows. Real providers forget, too."""


class Answer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`id` names an authorization."""

    status: str
    id: str | None = None
    reason: str | None = None


class Desk:
    """One book over one ledger."""

    def __init__(self, settings: PspSettings) -> None:
        self.slow_seconds = settings.slow_seconds
        self.ledger = Ledger(Path(settings.ledger_file), datetime.now(UTC) - REMEMBERED)
        recent, self.ledger.recent = self.ledger.recent, []
        self.book = Book(settings.payment_limit, forgotten=self.ledger.count - len(recent))
        for entry in recent:
            self.book.record(entry)

    async def settle(self, key: str, asked: Asked) -> tuple[Entry, bool]:
        """The entry, on disk, and whether it is new. Decided and recorded without a pause in between."""
        try:
            known = self.book.known(key, asked)
        except KeyReused as error:
            raise Refused(422, "key_reused", "The key was used for another request.") from error
        entry = known or self.book.decide(key, asked, datetime.now(UTC))
        if known is None:
            self.book.record(entry)
            self.ledger.append(entry)
        await self.ledger.reach(entry.seq)
        return entry, known is None


@post("/v1/authorizations", status_code=200)
async def authorize(
    data: JSONBody[Authorize], idempotency_key: IdempotencyKey, request: Request[Any, Any, Any]
) -> Response[Answer]:
    """Only the request that made the entry meets the trouble its token asks for; a repeat is answered."""
    desk = _desk(request)
    entry, is_new = await desk.settle(idempotency_key, data)
    if is_new:
        match data.token:
            case "tok_slow":
                await asyncio.sleep(desk.slow_seconds)
            case "tok_timeout_after":
                await _client_gave_up(request)
            case "tok_error_after":
                return Response(Answer(status="error"), status_code=500)
    return Response(Answer(id=entry.key, status=entry.status, reason=entry.reason), status_code=200)


@post("/v1/captures", status_code=200)
async def capture(
    data: JSONBody[Capture], idempotency_key: IdempotencyKey, request: Request[Any, Any, Any]
) -> Answer:
    entry, _ = await _desk(request).settle(idempotency_key, data)
    return Answer(status=entry.status, reason=entry.reason)


@post("/v1/voids", status_code=200)
async def void(
    data: JSONBody[Void], idempotency_key: IdempotencyKey, request: Request[Any, Any, Any]
) -> Answer:
    entry, _ = await _desk(request).settle(idempotency_key, data)
    return Answer(status=entry.status, reason=entry.reason)


@get("/v1/ledger", media_type=MediaType.JSON)
async def read_ledger(
    request: Request[Any, Any, Any],
    after: Annotated[int, QueryParameter(ge=0)] = 0,
    limit: Annotated[int | None, QueryParameter(ge=1)] = None,
) -> bytes:
    """Entries on disk, in order; in pages for whoever names a `limit`, `after` the last entry's `seq`."""
    return await _desk(request).ledger.page(after, limit)


@get("/v1/authorizations/{key:str}")
async def read_authorization(key: FromPath[str], request: Request[Any, Any, Any]) -> Hold:
    hold = _desk(request).book.holds.get(key)
    if hold is None:
        raise NotFound("authorization")
    return hold


async def _client_gave_up(request: Request[Any, Any, Any]) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def create(settings: PspSettings) -> Litestar:
    @asynccontextmanager
    async def opened(app: Litestar) -> AsyncIterator[None]:
        app.state.desk = Desk(settings)
        yield
        app.state.desk.ledger.close()

    return Litestar(
        [authorize, capture, void, read_ledger, read_authorization, health.routes(health.Health({}, {}))],
        lifespan=[opened],
        exception_handlers=errors.HANDLERS,
        request_max_body_size=16_384,
        openapi_config=None,
        logging_config=None,
    )


def _desk(request: Request[Any, Any, Any]) -> Desk:
    """Not a dependency: to resolve one takes a sixth of a decision's time."""
    desk: Desk = request.app.state.desk
    return desk
