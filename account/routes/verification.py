"""Proving a mailbox with the code that was sent there."""

from litestar import post
from litestar.params import JSONBody

from account import model
from account.codes import Codes
from account.model import Account, Code
from account.repository import accounts, sessions
from account.repository import codes as sent_codes
from account.routes.dependencies import NO_STORE, Coding, Config, Signing
from account.routes.refusals import already_verified, invalid_code, too_many_codes
from account.routes.sessions import pair
from account.routes.shapes import TokenPair, Verification
from account.settings import AccountSettings
from account.tokens import hashed, new_refresh_token
from common.contracts.account import AccountChanged, VerificationRequested
from common.http.dependencies import Db, Me, Words
from common.postgres.database import Transaction


@post("/verify", status_code=200, cache_control=NO_STORE)
async def verify(
    data: JSONBody[Verification],
    caller: Me,
    db: Db,
    outbox: Words,
    settings: Config,
    codes: Coding,
    tokens: Signing,
) -> TokenPair:
    """A new pair that says so; the old one goes on, not knowing. A wrong guess is counted for good."""
    async with db.begin() as tx:
        account = await accounts.lock(tx, caller.account_id)
        if await _proved(tx, account, data.code, codes, settings.code_attempts):
            account = await accounts.verify(tx, account.id)
            token = new_refresh_token()
            await sessions.add_token(tx, caller.session_id, hashed(token), settings.refresh_seconds)
            await outbox.put(tx, [model.state(AccountChanged, account)])
            return pair(tokens, account, caller.session_id, token)
    raise invalid_code()


@post("/verify/resend", status_code=202)
async def resend_code(caller: Me, db: Db, outbox: Words, settings: Config, codes: Coding) -> None:
    """Another code; those sent before are dead."""
    async with db.begin() as tx:
        account = await accounts.lock(tx, caller.account_id)
        if account.verified:
            raise already_verified()
        await outbox.put(tx, [await request_code(tx, account, codes, settings)])


async def request_code(
    tx: Transaction, account: Account, codes: Codes, settings: AccountSettings
) -> VerificationRequested:
    """The caller holds the account's row. Raises Refused when too many mails went out within the hour."""
    sent = await sent_codes.sent(tx, account.id)
    if sent.recent >= settings.codes_per_hour:
        raise too_many_codes(sent.wait)
    number, text = sent.last + 1, codes.new()
    digest = codes.hashed(account.id, number, text)
    times = await sent_codes.add(tx, account.id, number, digest, settings.code_seconds)
    code = Code(number=number, text=text, created_at=times.created_at, expires_at=times.expires_at)
    return model.verification(account, code)


async def _proved(tx: Transaction, account: Account, code: str, codes: Codes, most: int) -> bool:
    attempt = await sent_codes.attempt(tx, account.id, most)
    if attempt is None or not codes.match(attempt.hash, account.id, attempt.number, code):
        return False
    await sent_codes.use(tx, account.id, attempt.number)
    return True


ROUTES = [verify, resend_code]
