"""What the mail service needs to know."""

from typing import Annotated, Literal

import msgspec

from common.settings import DatabaseSettings

MAILBOX = r"[^\s<>@\",;:]+@[^\s<>@\",;:]+"


class MailSettings(DatabaseSettings, frozen=True, kw_only=True):
    service: str = "mail"
    smtp_host: str = "127.0.0.1"
    smtp_port: int = 1025
    smtp_security: Literal["none", "starttls", "tls"] = "none"
    smtp_username: str | None = None
    smtp_password: str | None = None
    smtp_timeout_seconds: float = 15.0
    """What connecting, and then each mail, may take at most. What a process that dies had in hand goes out
    after twice this."""
    smtp_sessions: Annotated[int, msgspec.Meta(ge=1, le=20)] = 4
    """Beside each other, while more is due than one sends soon; it is one most of the time."""
    mail_sender: Annotated[str, msgspec.Meta(pattern=rf"^([^<>\r\n]+<{MAILBOX}>|{MAILBOX})$")] = (
        "Shop <shop@localhost>"
    )
    mail_domain: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9.-]+$")] = "shop.localhost"
    """The right side of every Message-ID, and how this service greets the server."""
    mail_language: str = "en"
    """A folder of `mail/templates/`."""
    mail_retry_seconds: float = 5.0
    """After the first failure; doubled from then on."""
    mail_retry_most_seconds: float = 900.0
    smtp_pause_most_seconds: float = 15.0
    """Between two attempts to reach a server that is away."""
    mail_give_up_hours: float = 72.0
    """A mail that the server keeps putting off is parked after this; an outage parks nothing."""
    mail_keep_days: Annotated[int, msgspec.Meta(ge=8)] = 90
    """How long it is remembered that a mail was sent (what it said is forgotten at once), and all of one that
    is parked. Longer than the stream remembers: a purchase that is told of later gets a second mail."""
    mail_sweep_seconds: float = 2.0
    """How often a process looks for mails that it was not woken for."""
