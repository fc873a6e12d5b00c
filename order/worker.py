"""The consumer, assembled."""

from common.contracts import account, order
from common.messaging.codec import Codec, words
from common.messaging.consumer import Consumer
from common.messaging.transactional import parking, transactional
from common.runtime import Runtime
from order import handlers
from order.settings import OrderSettings


def consumer(settings: OrderSettings, held: Runtime) -> Consumer:
    return Consumer(
        held.broker,
        settings.service,
        transactional(held.db, held.outbox, Codec(words(account, order)), handlers.handle),
        parking(held.db, settings.service),
        batch_size=settings.batch_size,
        retry_seconds=settings.message_retry_seconds,
    )
