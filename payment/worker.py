"""The consumer and the calls, assembled."""

from functools import partial

from common.messaging.codec import Codec
from common.messaging.consumer import Consumer
from common.messaging.streams import STANDING
from common.messaging.transactional import parking, transactional
from common.runtime import Runtime
from payment import handlers
from payment.calls import Calls
from payment.gateway import Provider
from payment.model.row import Schedule
from payment.model.rules import COMMANDS
from payment.settings import PaymentSettings


def calls(settings: PaymentSettings, held: Runtime, provider: Provider) -> Calls:
    """A lease leaves a question some time to wait for its turn, and then the whole time-out."""
    schedule = Schedule(
        lease=1.4 * settings.provider_timeout,
        first=settings.retry_seconds,
        most=settings.retry_most_seconds,
        give_up=3600 * settings.attention_hours,
    )
    return Calls(held.db, held.outbox, provider, schedule, concurrency=settings.provider_concurrency)


def consumer(settings: PaymentSettings, held: Runtime, calls: Calls) -> Consumer:
    return Consumer(
        held.broker,
        settings.service,
        transactional(
            held.db, held.outbox, Codec((*COMMANDS, *STANDING)), partial(handlers.handle, calls=calls)
        ),
        parking(held.db, settings.service),
        batch_size=settings.batch_size,
        retry_seconds=settings.message_retry_seconds,
    )
