"""Becoming a customer."""

from litestar import post
from litestar.params import JSONBody

from account import model
from account.model import Purpose
from account.repository import accounts
from account.routes.dependencies import NO_STORE, PUBLIC, Config, Device, Hashing, Proving, Signing
from account.routes.limits import REGISTER
from account.routes.refusals import busy_is_refused, refuse_common, taken_is_refused
from account.routes.sessions import begin_session
from account.routes.shapes import Registration, TokenPair
from common.contracts.account import AccountRegistered
from common.http.dependencies import Db, Words
from common.http.openapi import also
from common.ids import new_id


@post("/register", opt=PUBLIC | REGISTER | also(409, 422, 429), cache_control=NO_STORE)
async def register(
    data: JSONBody[Registration],
    db: Db,
    outbox: Words,
    settings: Config,
    passwords: Hashing,
    tokens: Signing,
    proofs: Proving,
    device: Device,
) -> TokenPair:
    """Account, session, code and what is said about them: one transaction."""
    password = model.secret(data.password)
    refuse_common(passwords, password)
    with busy_is_refused():
        password_hash = await passwords.hash(password)
    new = accounts.New(
        id=new_id(),
        email=model.mailbox(data.email),
        password_hash=password_hash,
        first_name=data.first_name,
        last_name=data.last_name,
        address=data.address,
        phone_number=data.phone_number,
    )
    with taken_is_refused():
        async with db.begin() as tx:
            account = await accounts.add(tx, new)
            pair = await begin_session(tx, account, tokens, device, settings.refresh_seconds)
            code = await proofs.issue(tx, account, Purpose.VERIFY)
            said = [model.state(AccountRegistered, account), model.verification(account, code)]
            await outbox.put(tx, said)
    return pair


ROUTES = [register]
