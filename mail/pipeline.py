"""RFC 2920: a letter in two round trips instead of four, to servers that offer it."""

import asyncio
import re
from contextlib import suppress
from typing import cast

from aiosmtplib import (
    SMTP,
    SMTPDataError,
    SMTPRecipientRefused,
    SMTPRecipientsRefused,
    SMTPResponse,
    SMTPSenderRefused,
    SMTPServerDisconnected,
)
from aiosmtplib.email import quote_address

DONE = 250
FORWARDED = 251
GO_AHEAD = 354
MOST_BYTES = 32_768
"""Of replies that are waited for."""
REPLY = re.compile(rb"^(?:\d{3}-[^\n]*\n)*(\d{3})(?: [^\n]*)?\r?\n", re.MULTILINE)
CODE = re.compile(rb"^\d{3}[- ]?", re.MULTILINE)
FULL_STOP = re.compile(rb"^\.", re.MULTILINE)
LONE = re.compile(rb"\r(?!\n)|(?<!\r)\n")
"""What some servers take for the end of a line, and others do not."""


class Pipeline(asyncio.Protocol):
    """Takes over a session that aiosmtplib has opened: its own protocol hears one reply at a time.

    What a server says unasked, before it hangs up, is not heard. Any failure but a refusal leaves the session
    unusable.
    """

    def __init__(self, client: SMTP) -> None:
        self._client = client
        self._transport = cast(asyncio.Transport, client.transport)
        self._opener = self._transport.get_protocol()
        self._received = bytearray()
        self._wanted = 0
        self._told: asyncio.Future[list[SMTPResponse]] | None = None
        self._transport.set_protocol(self)

    @staticmethod
    def suits(client: SMTP) -> bool:
        """A letter has eight bits, and is not put into another form here."""
        return client.supports_extension("pipelining") and client.supports_extension("8bitmime")

    def end(self) -> None:
        """Gives the session back, for its last words."""
        self._transport.set_protocol(self._opener)

    async def send(self, letter: bytes, *, sender: str, recipient: str) -> None:
        """Raises what `SMTP.sendmail` does; after a refusal the session is as it was before."""
        size = f" SIZE={len(letter)}" if self._client.supports_extension("size") else ""
        envelope = (
            f"MAIL FROM:{quote_address(sender)}{size} BODY=8BITMIME\r\n"
            f"RCPT TO:{quote_address(recipient)}\r\nDATA\r\n"
        )
        by_sender, by_recipient, go_ahead = await self._ask(envelope.encode("ascii"), 3)
        refusal = _refusal(by_sender, sender, by_recipient, recipient, go_ahead)
        if refusal:
            with suppress(SMTPServerDisconnected):
                if go_ahead.code == GO_AHEAD:  # RFC 2920, 3.1: it waits for a text that nobody is to get
                    await self._ask(b".\r\n", 1)
                await self._ask(b"RSET\r\n", 1)
            raise refusal
        [taken] = await self._ask(_quoted(letter), 1)
        if taken.code != DONE:
            raise SMTPDataError(taken.code, taken.message)

    async def _ask(self, commands: bytes, replies: int) -> list[SMTPResponse]:
        if self._transport.is_closing():
            raise SMTPServerDisconnected("the session is over")
        self._received.clear()
        self._wanted = replies
        self._told = asyncio.get_running_loop().create_future()
        self._transport.write(commands)
        return await self._told

    def data_received(self, data: bytes) -> None:
        if self._told is None or self._told.done():
            return
        self._received += data
        found = list(REPLY.finditer(self._received))
        if len(found) >= self._wanted:
            self._told.set_result([_reply(each) for each in found[: self._wanted]])
        elif len(self._received) > MOST_BYTES:
            self._told.set_exception(SMTPServerDisconnected("the reply is too long"))
            self._transport.abort()

    def connection_lost(self, error: Exception | None) -> None:
        if self._told and not self._told.done():
            lost = SMTPServerDisconnected("the connection broke")
            lost.__cause__ = error
            self._told.set_exception(lost)


def _quoted(letter: bytes) -> bytes:
    """RFC 5321, 4.5.2: no line of it is the end of it."""
    return FULL_STOP.sub(b"..", LONE.sub(b"\r\n", letter)) + b".\r\n"


def _reply(found: re.Match[bytes]) -> SMTPResponse:
    text = CODE.sub(b"", found[0]).decode("utf-8", "surrogateescape")
    return SMTPResponse(int(found[1]), "\n".join(map(str.strip, text.strip().splitlines())))


def _refusal(
    by_sender: SMTPResponse, sender: str, by_recipient: SMTPResponse, recipient: str, go_ahead: SMTPResponse
) -> Exception | None:
    """The first is the reason of the others."""
    if by_sender.code != DONE:
        return SMTPSenderRefused(*by_sender, sender)
    if by_recipient.code not in {DONE, FORWARDED}:
        return SMTPRecipientsRefused([SMTPRecipientRefused(*by_recipient, recipient)])
    return SMTPDataError(*go_ahead) if go_ahead.code != GO_AHEAD else None
