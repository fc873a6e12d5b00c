"""Becoming a customer."""

from litestar import post
from litestar.params import JSONBody

from account import model
from account.repository import accounts
from account.routes.dependencies import NO_STORE, PUBLIC, Coding, Config, Device, Hashing, Signing
from account.routes.refusals import busy_is_refused, taken_is_refused
from account.routes.sessions import begin_session
from account.routes.shapes import Registration, TokenPair
from account.routes.verification import request_code
from common.contracts.account import AccountRegistered
from common.http.dependencies import Db, Words
from common.ids import new_id


@post("/register", opt=PUBLIC, cache_control=NO_STORE)
async def register(
    data: JSONBody[Registration],
    db: Db,
    outbox: Words,
    settings: Config,
    passwords: Hashing,
    tokens: Signing,
    codes: Coding,
    device: Device,
) -> TokenPair:
    """Account, session, code and what is said about them: one transaction."""
    with busy_is_refused():
        password_hash = await passwords.hash(model.secret(data.password))
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
            requested = await request_code(tx, account, codes, settings)
            await outbox.put(tx, [model.state(AccountRegistered, account), requested])
    return pair


ROUTES = [register]
