"""The consumer and the sender, assembled."""

from functools import partial

from common.contracts import account, purchase
from common.messaging.codec import Codec, words
from common.messaging.consumer import Consumer
from common.messaging.transactional import parking, transactional
from common.runtime import Runtime
from mail import handlers
from mail.language import Language
from mail.letter import Desk
from mail.mailer import Mailer
from mail.sender import Sender
from mail.settings import MailSettings


def sender(settings: MailSettings, held: Runtime) -> Sender:
    language = Language.read(settings.mail_language)
    desk = Desk.of(settings.mail_sender, domain=settings.mail_domain, language=language)
    first: Sender | None = None
    for number in reversed(range(settings.smtp_sessions)):
        first = Sender(held.db, Mailer(settings), desk, settings, mate=first, is_mate=number > 0)
    assert first is not None
    return first


def consumer(settings: MailSettings, held: Runtime, sender: Sender) -> Consumer:
    """Whoever accepts a mail wakes its own sender."""
    handler = partial(handlers.handle, accepted=sender.wake)
    return Consumer(
        held.broker,
        settings.service,
        transactional(held.db, held.outbox, Codec(words(account, purchase)), handler),
        parking(held.db, settings.service),
        batch_size=settings.batch_size,
        retry_seconds=settings.message_retry_seconds,
    )
