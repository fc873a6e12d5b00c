"""The consumers, assembled."""

from common.messaging.codec import Codec
from common.messaging.consumer import Consumer
from common.messaging.streams import CATALOGUE, PRODUCT_CACHE
from common.messaging.transactional import parking, transactional
from common.runtime import Runtime
from product import handlers
from product.parts import Parts
from product.settings import ProductSettings


def consumers(settings: ProductSettings, parts: Parts) -> list[Consumer]:
    """What purchases want, and apart from it, so that neither waits for the other, what the cache hears."""
    return [_purchases(settings, parts.runtime), _changes(settings, parts)]


def _changes(settings: ProductSettings, parts: Parts) -> Consumer:
    return Consumer(
        parts.runtime.broker,
        PRODUCT_CACHE,
        parts.changes.work(Codec(CATALOGUE), parts.add_ids),
        parking(parts.runtime.db, PRODUCT_CACHE),
        batch_size=settings.batch_size,
        retry_seconds=settings.message_retry_seconds,
    )


def _purchases(settings: ProductSettings, held: Runtime) -> Consumer:
    return Consumer(
        held.broker,
        settings.service,
        transactional(held.db, held.outbox, Codec(handlers.HEARD), handlers.handle),
        parking(held.db, settings.service),
        batch_size=settings.batch_size,
        retry_seconds=settings.message_retry_seconds,
    )
