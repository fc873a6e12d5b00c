"""The consumer of purchase."""

from datetime import UTC, datetime

from common.contracts import mail, order, payment, product, purchase
from common.contracts.purchase import LetterRetried
from common.messaging.codec import Codec, words
from common.messaging.consumer import Consumer
from common.messaging.outbox import Outbox
from common.messaging.streams import STANDING
from common.messaging.transactional import Again, Stored, parking, transactional
from common.postgres.database import Transaction
from purchase import handlers
from purchase.parts import Parts
from purchase.settings import PurchaseSettings

HEARS = [*words(product, order, payment, purchase, mail), *STANDING]


def returning(outbox: Outbox) -> Again:
    """The orchestrator's dead letters go back to it, as a word of ours."""

    async def back(tx: Transaction, letter: Stored) -> None:
        word = LetterRetried(
            cause_id=letter.header("Nats-Msg-Id"),
            letter_id=letter.id,
            attempt=letter.attempt,
            retried_subject=letter.subject,
            payload=letter.payload,
            issued_on=datetime.now(UTC).date(),
        )
        await outbox.put(tx, [word], {word.correlation_id: letter.header("traceparent")})

    return back


def consumer(settings: PurchaseSettings, parts: Parts) -> Consumer:
    held = parts.runtime
    work = transactional(held.db, held.outbox, Codec(HEARS), handlers.handler(parts.decisions))
    park = parking(held.db, settings.service)
    return Consumer(
        held.broker,
        settings.service,
        work,
        park,
        batch_size=settings.batch_size,
        retry_seconds=settings.message_retry_seconds,
    )
