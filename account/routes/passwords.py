"""Another password: by the one of before, or by a code from the mailbox."""

from litestar import post
from litestar.params import JSONBody

from account import model
from account.model import Account, Purpose
from account.repository import accounts, sessions
from account.routes.dependencies import NO_STORE, PUBLIC, Config, Hashing, Proving, Resetting, Signing
from account.routes.limits import CHANGE, FORGOT, RESET
from account.routes.refusals import busy_is_refused, invalid_code, refuse_common, wrong_password
from account.routes.sessions import pair
from account.routes.shapes import Forgotten, PasswordChange, PasswordReset, TokenPair
from account.tokens import hashed, new_refresh_token
from common.contracts.account import AccountChanged
from common.contracts.message import Message
from common.http.auth import Unauthorized
from common.http.dependencies import Db, Me, Words
from common.http.openapi import also


@post("/password", status_code=200, opt=CHANGE | also(422, 429), cache_control=NO_STORE)
async def change_password(
    data: JSONBody[PasswordChange],
    caller: Me,
    db: Db,
    outbox: Words,
    settings: Config,
    passwords: Hashing,
    proofs: Proving,
    tokens: Signing,
) -> TokenPair:
    """This session goes on with a new pair, and with no other token; all others end."""
    fresh = model.secret(data.new_password)
    refuse_common(passwords, fresh)
    async with db.read() as tx:
        known = await accounts.known(tx, caller.account_id)
    with busy_is_refused():
        if not await passwords.match(model.secret(data.current_password), known.password_hash):
            raise wrong_password()
        password_hash = await passwords.hash(fresh)
    token = new_refresh_token()
    async with db.begin() as tx:
        now = await accounts.lock(tx, caller.account_id)
        if now.least_version != known.account.least_version or not await sessions.renew(
            tx, caller.session_id, hashed(token), settings.refresh_seconds
        ):
            raise Unauthorized("The session has ended.")
        account = await accounts.set_password(tx, caller.account_id, password_hash)
        await proofs.forget(tx, account.id, Purpose.RESET)
        ended = await sessions.end_others(tx, account.id, caller.session_id, "password")
        await outbox.put(tx, [*_changed(account), *map(model.session_ended, ended)])
    return pair(tokens, account, caller.session_id, token)


@post("/password/forgot", status_code=202, opt=PUBLIC | FORGOT | also(429))
async def forget_password(data: JSONBody[Forgotten], db: Db, resets: Resetting) -> None:
    """Whether there is such an account is looked up afterwards, when nobody watches."""
    async with db.begin() as tx:
        await resets.ask(tx, model.mailbox(data.email))


@post("/password/reset", status_code=204, opt=PUBLIC | RESET | also(422, 429))
async def reset_password(
    data: JSONBody[PasswordReset], db: Db, outbox: Words, passwords: Hashing, proofs: Proving
) -> None:
    """Every session ends. The costly part comes first, and for everybody: it tells nothing."""
    fresh = model.secret(data.password)
    refuse_common(passwords, fresh)
    with busy_is_refused():
        password_hash = await passwords.hash(fresh)
    async with db.begin() as tx:
        account = await accounts.lock_by_email(tx, model.mailbox(data.email))
        if account and await proofs.accept(tx, account.id, Purpose.RESET, data.code):
            account = await accounts.set_password(tx, account.id, password_hash)
            ended = await sessions.end_all(tx, account.id, "password")
            await outbox.put(tx, [*_changed(account), *map(model.session_ended, ended)])
            return
    raise invalid_code()


def _changed(account: Account) -> list[Message]:
    return [model.state(AccountChanged, account), model.password_changed(account)]


ROUTES = [change_password, forget_password, reset_password]
