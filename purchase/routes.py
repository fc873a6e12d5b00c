"""Purchases over HTTP: ask, look, cancel."""

from typing import Annotated, Literal
from uuid import UUID

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, HeaderParameter, JSONBody, QueryParameter
from litestar.status_codes import HTTP_200_OK, HTTP_202_ACCEPTED
from msgspec.structs import replace

from common.http.app import PREFIX
from common.http.auth import verified
from common.http.dependencies import Db, Me, Words
from common.http.errors import NotFound, Refused
from common.http.openapi import also
from common.http.paging import Cursor, Limit, Page
from common.postgres.database import Database
from common.telemetry import spans
from purchase import event_log, repository, views
from purchase.acceptance import Acceptance
from purchase.decisions import Decisions
from purchase.model import cancel
from purchase.settings import PurchaseSettings
from purchase.sweeps import Backlog
from purchase.views import PurchaseRequest, PurchaseView

IdempotencyKey = Annotated[
    str | None,
    HeaderParameter(
        name="Idempotency-Key",
        pattern=r"^[\x20-\x7e]{1,255}\Z",
        description="Unique per account and kept for ever: the same key and body is the same purchase.",
    ),
]

Include = Annotated[
    Literal["timing"] | None, QueryParameter(description="What else is wanted: where the time went.")
]


@post("/purchases", status_code=HTTP_202_ACCEPTED, guards=[verified], opt=also(422, 429))
async def request_purchase(
    data: JSONBody[PurchaseRequest],
    caller: Me,
    acceptance: NamedDependency[Acceptance],
    backlog: NamedDependency[Backlog],
    settings: NamedDependency[PurchaseSettings],
    idempotency_key: IdempotencyKey = None,
) -> Response[PurchaseView]:
    """Write it down and answer; the saga does the rest."""
    new = views.new_purchase(data, caller.account_id, idempotency_key, settings.currencies)
    backlog.refuse_when_full()
    spans.note("shop.purchase.id", str(new.id))
    answer = await acceptance.accept(new)
    place = f"{PREFIX}/purchases/{answer.id}"
    headers = {"Location": place, "Link": f'<{place}/events>; rel="events"'}
    return Response(views.accepted(new, answer), headers=headers)


@get("/purchases")
async def list_purchases(db: Db, caller: Me, limit: Limit = 20, cursor: Cursor = None) -> Page[PurchaseView]:
    """The caller's own, newest first."""
    async with db.read() as tx:
        rows = await repository.page(tx, caller.account_id, cursor, limit + 1)
        shown = rows[:limit]
        steps = await event_log.steps(tx, [row["id"] for row in shown])
    items = [views.view(row, steps[row["id"]]) for row in shown]
    return Page(items=items, next=items[-1].id if len(rows) > limit else None)


@get("/purchases/{purchase_id:uuid}")
async def show_purchase(
    purchase_id: FromPath[UUID], db: Db, caller: Me, include: Include = None
) -> PurchaseView:
    """With `include=timing`, where the time went, message by message."""
    shown = await _shown(db, purchase_id, caller.account_id)
    if include is None:
        return shown
    async with db.read() as tx:
        return replace(shown, timing=views.timing(await event_log.times(tx, purchase_id)))


@post("/purchases/{purchase_id:uuid}/cancel", status_code=HTTP_200_OK, opt=also(409))
async def cancel_purchase(
    purchase_id: FromPath[UUID], db: Db, outbox: Words, caller: Me, decisions: NamedDependency[Decisions]
) -> PurchaseView:
    """As long as nothing is decided: the customer races the saga at the same row."""
    async with db.begin() as tx:
        row = next((row for row in await repository.lock(tx, [purchase_id])), None)
        if row is None or row.account_id != caller.account_id:
            raise NotFound("purchase")
        outcome = cancel(row)
        if outcome.said:
            await decisions.write_and_say(tx, outbox, [outcome])
        elif row.reason != outcome.row.reason or row.reason != "cancelled_by_customer":
            raise Refused(409, "already_decided", f"The purchase is {row.status}.")
    return await _shown(db, purchase_id, caller.account_id)


async def _shown(db: Database, purchase_id: UUID, account_id: UUID) -> PurchaseView:
    async with db.read() as tx:
        row = await repository.one(tx, purchase_id, account_id)
        if row is None:
            raise NotFound("purchase")
        steps = await event_log.steps(tx, [purchase_id])
    return views.view(row, steps[purchase_id])
