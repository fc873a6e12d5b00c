"""The consumer, assembled."""

from common.messaging.codec import Codec
from common.messaging.consumer import Consumer
from common.messaging.transactional import parking, transactional
from common.runtime import Runtime
from product import handlers
from product.settings import ProductSettings


def consumer(settings: ProductSettings, held: Runtime) -> Consumer:
    return Consumer(
        held.broker,
        settings.service,
        transactional(held.db, held.outbox, Codec(handlers.HEARD), handlers.handle),
        parking(held.db, settings.service),
        batch_size=settings.batch_size,
    )
