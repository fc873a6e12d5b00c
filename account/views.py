"""An account's own data, out of the cache."""

from uuid import UUID

import msgspec

from account.model import Account
from account.repository import accounts
from common.cache.cache import Cache
from common.cache.changes import Heard
from common.cache.model import Answer, Change
from common.contracts.account import AccountState
from common.contracts.message import Message
from common.postgres.database import Database

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Account).decode


class OwnData:
    """Two routes show parts of it, so the whole is kept. What an account may do is never asked here."""

    def __init__(self, db: Database, cache: Cache, seconds: float) -> None:
        self._db = db
        self._cache = cache
        self._seconds = seconds

    async def of(self, account_id: UUID) -> Account | None:
        async def load() -> Answer | None:
            async with self._db.read() as tx:
                account = await accounts.find(tx, account_id)
            return self._answer(account) if account else None

        answer = await self._cache.read(str(account_id), load)
        return _decode(answer.body) if answer is not None and answer.owner == account_id else None

    def _answer(self, account: Account) -> Answer:
        return Answer(_encode(account), versions=(account.version,), seconds=self._seconds, owner=account.id)


def meaning(message: Message) -> Heard:
    """What of it a word of ours changes."""
    if isinstance(message, AccountState):
        return Heard([Change(str(message.entity_id), 0, message.version)])
    return Heard([])
