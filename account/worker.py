"""The consumer, assembled: the service hears its own words, to forget what they change."""

from account.parts import Parts
from account.settings import AccountSettings
from common.contracts.account import AccountChanged, AccountRegistered
from common.messaging.codec import Codec
from common.messaging.consumer import Consumer
from common.messaging.streams import ACCOUNT_CACHE
from common.messaging.transactional import parking


def consumer(settings: AccountSettings, parts: Parts) -> Consumer:
    held = parts.runtime
    return Consumer(
        held.broker,
        ACCOUNT_CACHE,
        parts.changes.work(Codec((AccountRegistered, AccountChanged))),
        parking(held.db, ACCOUNT_CACHE),
        batch_size=settings.batch_size,
        retry_seconds=settings.message_retry_seconds,
    )
