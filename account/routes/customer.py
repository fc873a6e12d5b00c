"""A customer's own data: name and mailbox, and where things are delivered."""

import msgspec
from litestar import get, put
from litestar.params import JSONBody

from account import model
from account.model import Account, Purpose
from account.repository import accounts
from account.repository.accounts import Changes
from account.routes.dependencies import Own, Proving
from account.routes.refusals import nothing_to_change, taken_is_refused, too_many_codes_is_refused
from account.routes.shapes import (
    Delivery,
    DeliveryChange,
    Personal,
    PersonalChange,
    Request,
    delivery,
    personal,
)
from account.views import OwnData
from common.contracts.account import AccountChanged
from common.contracts.message import Message
from common.http.auth import Caller
from common.http.dependencies import Db, Me, Words
from common.http.errors import NotFound
from common.http.openapi import also


@get("/customer/personal")
async def show_personal(caller: Me, own: Own) -> Personal:
    return personal(await _own(own, caller))


@put("/customer/personal", opt=also(409, 429))
async def change_personal(
    data: JSONBody[PersonalChange], caller: Me, db: Db, outbox: Words, proofs: Proving
) -> Personal:
    """A new e-mail address is unverified, and gets a code; the old one is told, and its codes are dead."""
    changes = _given(data)
    with taken_is_refused(), too_many_codes_is_refused():
        async with db.begin() as tx:
            before = await accounts.lock(tx, caller.account_id)
            account = await accounts.change(tx, caller.account_id, changes)
            said: list[Message] = [model.state(AccountChanged, account)]
            if account.email != before.email:
                code = await proofs.issue(tx, account, Purpose.VERIFY)
                await proofs.forget(tx, account.id, Purpose.RESET)
                said += [model.verification(account, code), model.email_changed(before, account)]
            await outbox.put(tx, said)
    return personal(account)


@get("/customer/delivery")
async def show_delivery(caller: Me, own: Own) -> Delivery:
    return delivery(await _own(own, caller))


@put("/customer/delivery", opt=also(409))
async def change_delivery(data: JSONBody[DeliveryChange], caller: Me, db: Db, outbox: Words) -> Delivery:
    changes = _given(data)
    with taken_is_refused():
        async with db.begin() as tx:
            account = await accounts.change(tx, caller.account_id, changes)
            await outbox.put(tx, [model.state(AccountChanged, account)])
    return delivery(account)


async def _own(own: OwnData, caller: Caller) -> Account:
    account = await own.of(caller.account_id)
    if account is None:
        raise NotFound("account")
    return account


def _given(data: Request) -> Changes:
    given = {
        name: value for name, value in msgspec.structs.asdict(data).items() if value is not msgspec.UNSET
    }
    if not given:
        raise nothing_to_change()
    if "email" in given:
        given["email"] = model.mailbox(given["email"])
    return Changes(**given)


ROUTES = [show_personal, change_personal, show_delivery, change_delivery]
