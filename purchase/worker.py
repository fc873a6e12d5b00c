"""The consumer of purchase."""

from common.contracts import mail, order, payment, product, purchase
from common.messaging.codec import Codec, words
from common.messaging.consumer import Consumer
from common.messaging.streams import STANDING
from common.messaging.transactional import parking, transactional
from purchase import handlers
from purchase.parts import Parts
from purchase.settings import PurchaseSettings

HEARS = [*words(product, order, payment, purchase, mail), *STANDING]


def consumer(settings: PurchaseSettings, parts: Parts) -> Consumer:
    held = parts.runtime
    work = transactional(held.db, held.outbox, Codec(HEARS), handlers.handler(parts.decisions))
    park = parking(held.db, settings.service)
    return Consumer(held.broker, settings.service, work, park, batch_size=settings.batch_size)
