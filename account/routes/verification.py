"""Proving a mailbox with the code that was sent there."""

from litestar import post
from litestar.params import JSONBody

from account import model
from account.model import Purpose
from account.repository import accounts, sessions
from account.routes.dependencies import NO_STORE, Config, Proving, Signing
from account.routes.limits import RESEND, VERIFY
from account.routes.refusals import already_verified, invalid_code, too_many_codes_is_refused
from account.routes.sessions import pair
from account.routes.shapes import TokenPair, Verification
from account.tokens import hashed, new_refresh_token
from common.contracts.account import AccountChanged
from common.http.dependencies import Db, Me, Words
from common.http.openapi import also


@post("/verify", status_code=200, opt=VERIFY | also(422, 429), cache_control=NO_STORE)
async def verify(
    data: JSONBody[Verification],
    caller: Me,
    db: Db,
    outbox: Words,
    settings: Config,
    proofs: Proving,
    tokens: Signing,
) -> TokenPair:
    """A new pair that says so; the old one goes on, not knowing. A wrong guess is counted for good."""
    async with db.begin() as tx:
        account = await accounts.lock(tx, caller.account_id)
        if await proofs.accept(tx, account.id, Purpose.VERIFY, data.code):
            account = await accounts.verify(tx, account.id)
            token = new_refresh_token()
            await sessions.add_token(tx, caller.session_id, hashed(token), settings.refresh_seconds)
            await outbox.put(tx, [model.state(AccountChanged, account)])
            return pair(tokens, account, caller.session_id, token)
    raise invalid_code()


@post("/verify/resend", status_code=202, opt=RESEND | also(409, 429))
async def resend_code(caller: Me, db: Db, outbox: Words, proofs: Proving) -> None:
    """Another code; those sent before are dead."""
    with too_many_codes_is_refused():
        async with db.begin() as tx:
            account = await accounts.lock(tx, caller.account_id)
            if account.verified:
                raise already_verified()
            code = await proofs.issue(tx, account, Purpose.VERIFY)
            await outbox.put(tx, [model.verification(account, code)])


ROUTES = [verify, resend_code]
