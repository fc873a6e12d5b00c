"""SMTP: the one adapter of the mail service."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from email import message_from_bytes
from email.policy import SMTP as SMTP_POLICY

from aiosmtplib import (
    SMTP,
    SMTPException,
    SMTPNotSupported,
    SMTPRecipientsRefused,
    SMTPResponseException,
    SMTPSenderRefused,
)

from mail.model import Outcome, Verdict
from mail.pipeline import Pipeline
from mail.settings import MailSettings

PERMANENT = 500
ENHANCED = re.compile(r"[245]\.\d{1,3}\.\d{1,3}(?!\S)")
"""RFC 3463. All that is told of an answer: the rest may repeat the mailbox, or the text."""


class Unreachable(Exception):
    """The server is away, or will not talk to us; no mail is to blame."""


class Connection:
    """An open session, good for many mails, one at a time."""

    def __init__(self, client: SMTP, *, most_seconds: float) -> None:
        self.client = client
        self.most_seconds = most_seconds
        self._pipeline = Pipeline(client) if Pipeline.suits(client) else None

    def end(self) -> None:
        """Leaves the session to its client."""
        if self._pipeline:
            self._pipeline.end()

    @property
    def is_open(self) -> bool:
        return self.client.is_connected

    async def send(self, letter: bytes, *, sender: str, recipient: str) -> Outcome:
        """The envelope is given, not read from the headers: exactly one recipient."""
        try:
            async with asyncio.timeout(self.most_seconds):
                await self._send(letter, sender, recipient)
        except SMTPRecipientsRefused as error:
            return _answered(error.recipients[0])
        except SMTPSenderRefused as error:
            reason = f"our sender is refused: {error.code} {error.message}"
            return Outcome(Verdict.LATER, f"our sender is refused: {_brief(error)}", reason)
        except SMTPResponseException as error:
            return _answered(error)
        except (SMTPNotSupported, ValueError) as error:
            return Outcome(Verdict.REFUSED, type(error).__name__, _told(error))
        except Exception as error:  # noqa: BLE001  # nobody knows whether the server took it
            self.client.close()
            return Outcome(Verdict.LATER, type(error).__name__, _told(error))
        return Outcome(Verdict.SENT)

    async def _send(self, letter: bytes, sender: str, recipient: str) -> None:
        """As it is; re-encoded only for a server that cannot take eight bits."""
        if self._pipeline:
            await self._pipeline.send(letter, sender=sender, recipient=recipient)
        elif self.client.supports_extension("8bitmime"):
            await self.client.sendmail(sender, [recipient], letter, mail_options=["BODY=8BITMIME"])
        else:
            encodable = message_from_bytes(letter, policy=SMTP_POLICY)
            await self.client.send_message(encodable, sender=sender, recipients=[recipient])


class Mailer:
    """Opens sessions with the configured server."""

    def __init__(self, settings: MailSettings) -> None:
        self.settings = settings

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[Connection]:
        """Raises Unreachable."""
        client = self._client()
        try:
            async with asyncio.timeout(self.settings.smtp_timeout_seconds):
                await client.connect()
                if client.is_ehlo_or_helo_needed:
                    await client.ehlo()
        except (SMTPException, OSError) as error:
            client.close()
            raise Unreachable(_told(error)) from error
        connection = Connection(client, most_seconds=self.settings.smtp_timeout_seconds)
        try:
            yield connection
        finally:
            connection.end()
            with suppress(SMTPException, OSError):
                if client.is_connected:
                    await client.quit(timeout=1)
            client.close()

    def _client(self) -> SMTP:
        settings = self.settings
        return SMTP(
            hostname=settings.smtp_host,
            port=settings.smtp_port,
            username=settings.smtp_username,
            password=settings.smtp_password,
            local_hostname=settings.mail_domain,
            timeout=settings.smtp_timeout_seconds,
            use_tls=settings.smtp_security == "tls",
            start_tls=settings.smtp_security == "starttls",
        )


def _answered(error: SMTPResponseException) -> Outcome:
    """RFC 5321, 4.2.1: a 4yz may be repeated, a 5yz must not."""
    verdict = Verdict.REFUSED if error.code >= PERMANENT else Verdict.LATER
    return Outcome(verdict, _brief(error), f"{error.code} {error.message}"[:500])


def _brief(error: SMTPResponseException) -> str:
    enhanced = ENHANCED.match(error.message)
    return f"{error.code} {enhanced[0]}" if enhanced else str(error.code)


def _told(error: Exception) -> str:
    """What a server answers is not repeated: it may quote what it was given, such as a password."""
    if isinstance(error, SMTPResponseException):
        return f"{type(error).__name__}: {_brief(error)}"
    return f"{type(error).__name__}: {error}"[:500]
