"""What the service answers when another asks."""

from account.repository import accounts
from common.contracts.account import AccountLookup, Standing
from common.messaging.answers import Endpoint, answering
from common.runtime import Runtime


def endpoints(held: Runtime) -> list[Endpoint]:
    async def look_up(question: AccountLookup) -> list[Standing]:
        async with held.db.read() as tx:
            return await accounts.standing(tx, question.account_ids)

    return [answering(AccountLookup, look_up)]
