"""HTTP, assembled: nothing but health."""

from litestar import Litestar

from common.http import app
from common.runtime import Runtime
from mail.sender import Sender
from mail.settings import MailSettings


def create(settings: MailSettings, held: Runtime, sender: Sender) -> Litestar:
    """A mail server that is away degrades nothing but the mails."""
    return app.create(
        settings.service,
        [],
        state={"db": held.db, "outbox": held.outbox},
        needed=held.needed(),
        reported=held.reported() | {"smtp": sender.reachable, "mails": sender.backlog},
        body_limit=1024,
    )
