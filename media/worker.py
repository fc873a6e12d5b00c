"""The consumer and the sweeps, assembled."""

from common.messaging.codec import Codec
from common.messaging.consumer import Consumer
from common.messaging.transactional import parking, transactional
from common.runtime import Runtime
from media import handlers
from media.inspection import Inspector
from media.intake import Intake
from media.model import Kind
from media.settings import MediaSettings
from media.staging import Staging
from media.sweeps import Sweeps


def staging(settings: MediaSettings, held: Runtime, intake: Intake) -> Staging:
    return Staging(
        held.db,
        intake,
        Inspector(settings.upload_folder),
        limits={Kind.IMAGE: settings.image_limit, Kind.VIDEO: settings.video_limit},
        folder=settings.upload_folder,
    )


def sweeps(settings: MediaSettings, held: Runtime, intake: Intake) -> Sweeps:
    return Sweeps(
        held.db,
        intake.store,
        intake,
        every=settings.media_sweep_seconds,
        compare_every=settings.media_compare_seconds,
        pending=settings.media_pending_seconds,
    )


def consumer(settings: MediaSettings, held: Runtime, sweeps: Sweeps) -> Consumer:
    return Consumer(
        held.broker,
        settings.service,
        transactional(held.db, held.outbox, Codec(handlers.HEARD), handlers.handler(sweeps.wake)),
        parking(held.db, settings.service),
        batch_size=settings.batch_size,
        retry_seconds=settings.message_retry_seconds,
    )
