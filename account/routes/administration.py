"""What administrators do: see accounts, give and take the role, switch accounts off and on."""

from typing import Annotated
from uuid import UUID

import msgspec
from litestar import get, patch
from litestar.params import FromPath, JSONBody, QueryParameter

from account import model
from account.model import Account, Change, Role
from account.repository import accounts, administration, sessions
from account.repository.administration import Wanted
from account.routes.refusals import nothing_to_change, own_account, unverified
from account.routes.shapes import AccountView, Governed, view
from common.contracts.account import AccountChanged
from common.contracts.message import Message
from common.http.auth import Caller, admin
from common.http.dependencies import Db, Me, Words
from common.http.errors import NotFound, Refused
from common.http.openapi import also
from common.http.paging import CountedPage, Cursor, Limit
from common.messaging.outbox import Outbox
from common.postgres.database import Transaction

OfRole = Annotated[Role | None, QueryParameter(name="role", description="Only these.")]
IsActive = Annotated[bool | None, QueryParameter(name="active", description="Only these.")]
Prefix = Annotated[
    str | None,
    QueryParameter(name="q", min_length=1, max_length=254, description="How the e-mail address begins."),
]


@get("/accounts", guards=[admin])
async def list_accounts(
    db: Db,
    limit: Limit = 20,
    cursor: Cursor = None,
    of_role: OfRole = None,
    is_active: IsActive = None,
    prefix: Prefix = None,
) -> CountedPage[AccountView]:
    """Newest first."""
    wanted = Wanted(of_role, is_active, model.mailbox(prefix).replace("\x00", "") if prefix else None)
    async with db.begin() as tx:
        found = await administration.page(tx, wanted, cursor, limit + 1)
        total = await administration.count(tx, wanted)
    following = found[limit - 1].id if len(found) > limit else None
    return CountedPage(items=[view(each) for each in found[:limit]], next=following, total=total)


@get("/accounts/{account_id:uuid}", guards=[admin])
async def show_account(account_id: FromPath[UUID], db: Db) -> AccountView:
    async with db.read() as tx:
        account = await accounts.find(tx, account_id)
    if account is None:
        raise NotFound("account")
    return view(account)


@patch("/accounts/{account_id:uuid}", guards=[admin], opt=also(409))
async def govern_account(
    account_id: FromPath[UUID], data: JSONBody[Governed], caller: Me, db: Db, outbox: Words
) -> AccountView:
    """Who may do less than before needs new tokens; of an inactive account, the sessions end."""
    if data.role is data.active is msgspec.UNSET:
        raise nothing_to_change()
    async with db.begin() as tx:
        before = await _held(tx, account_id, caller)
        change = Change(before, data.role or None, None if data.active is msgspec.UNSET else data.active)
        if change.is_less and before.id == caller.account_id:
            raise own_account()
        if change.needs_verified:
            raise unverified()
        account = await _governed(tx, change, caller.account_id, outbox) if change.notes else before
    return view(account)


async def _held(tx: Transaction, account_id: UUID, caller: Caller) -> Account:
    """One administrator after the other. Whoever waited may be none any more."""
    held = await administration.lock(tx, account_id)
    actor = held.get(caller.account_id)
    if actor is None or actor.role != Role.ADMIN or not actor.active:
        raise Refused(403, "forbidden", "Only an administrator may do this.")
    if account_id not in held:
        raise NotFound("account")
    return held[account_id]


async def _governed(tx: Transaction, change: Change, by: UUID, outbox: Outbox) -> Account:
    account = await administration.govern(
        tx, change.before.id, role=change.role, active=change.active, less=change.is_less
    )
    await administration.note(tx, by, account.id, change.notes)
    said: list[Message] = [model.state(AccountChanged, account)]
    if not account.active:
        said += map(model.session_ended, await sessions.end_all(tx, account.id, "inactive"))
    await outbox.put(tx, said)
    return account


ROUTES = [list_accounts, show_account, govern_account]
