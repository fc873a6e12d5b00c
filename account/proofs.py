"""Codes that prove a mailbox: mailed so many times an hour, tried so many times, used once."""

from uuid import UUID

from account.codes import Codes
from account.model import Account, Code, Purpose
from account.repository import codes as sent_codes
from account.settings import AccountSettings
from common.postgres.database import Transaction


class TooManyCodes(Exception):
    """`wait`: seconds until another one may be mailed."""

    def __init__(self, wait: float) -> None:
        super().__init__(wait)
        self.wait = wait


class Proofs:
    """The purposes do not know each other's codes, and are counted apart: a stranger who keeps asking for
    resets must not keep the owner from confirming an address.
    """

    def __init__(self, codes: Codes, settings: AccountSettings) -> None:
        self._codes = codes
        self._seconds = settings.code_seconds
        self._attempts = settings.code_attempts
        self._per_hour = settings.codes_per_hour

    async def issue(self, tx: Transaction, account: Account, purpose: Purpose) -> Code:
        """Those before are dead. The caller holds the account's row. Raises TooManyCodes."""
        sent = await sent_codes.sent_within_the_hour(tx, account.id, purpose)
        if sent.recent >= self._per_hour:
            raise TooManyCodes(sent.wait)
        number, text = await sent_codes.next_number(tx, account.id), self._codes.new()
        digest = self._codes.hashed(account.id, purpose, number, text)
        times = await sent_codes.add(tx, account.id, purpose, number, digest, self._seconds)
        return Code(number=number, text=text, created_at=times.created_at, expires_at=times.expires_at)

    async def accept(self, tx: Transaction, account_id: UUID, purpose: Purpose, text: str) -> bool:
        """Counts the try, if the caller commits; a right code is used up."""
        attempt = await sent_codes.attempt(tx, account_id, purpose, self._attempts)
        if attempt is None or not self._codes.match(attempt.hash, account_id, purpose, attempt.number, text):
            return False
        await sent_codes.use(tx, account_id, attempt.number)
        return True

    async def forget(self, tx: Transaction, account_id: UUID, purpose: Purpose) -> None:
        """What is in a mailbox now is good for nothing."""
        await sent_codes.kill(tx, account_id, purpose)
