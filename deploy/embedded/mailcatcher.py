"""A mail server that delivers nothing: SMTP in, MailHog's API and a page out.

Run as `python -m deploy.embedded.mailcatcher` with `SETTINGS_FILE` naming its host and two ports, and a
`ledger_file` where a campaign compares what was sent.
"""

import asyncio
import logging
import os
import re
import tomllib
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from html import escape
from pathlib import Path
from typing import Annotated

import msgspec
import uvicorn
from aiosmtpd.smtp import SMTP, Envelope, Session
from litestar import Litestar, MediaType, Response, delete, get
from litestar.di import NamedDependency, Provide
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, QueryParameter

from deploy.embedded.mailbox import Json, Mail, Mailbox

LARGEST = 10_000_000
SHOWN = 200
ATOM = r"[A-Za-z0-9_+-]+"
DOMAIN = r"[A-Za-z0-9-]+"
PLAIN = re.compile(rf"<({ATOM}(?:\.{ATOM})*@{DOMAIN}(?:\.{DOMAIN})*)>(| [!-~ ]*)")
"""An address that means itself, and the parameters behind it."""
POLICY = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"}
PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Caught mail</title>
<meta name="viewport" content="width=device-width"><style>
body {{ font: 16px system-ui; margin: 2rem auto; max-width: 60rem; padding: 0 1rem }}
summary {{ cursor: pointer; padding: .4rem 0 }}
pre {{ background: #8882; padding: 1rem; white-space: pre-wrap; overflow-wrap: anywhere }}
</style></head><body><h1>Caught mail ({count})</h1>{mails}</body></html>"""

Caught = NamedDependency[Mailbox]
Query = Annotated[str, QueryParameter(name="query")]
Start = Annotated[int, QueryParameter(name="start", ge=0)]
Limit = Annotated[int, QueryParameter(name="limit", ge=1, le=1000)]


class Ledger:
    """JSON lines of what was taken, on disk before the sender hears of it: survives any death of ours."""

    def __init__(self, path: Path) -> None:
        """Append to this file."""
        self._file = path.open("ab", buffering=0)
        self._writer = ThreadPoolExecutor(1, "ledger")

    async def write(self, mail: Mail) -> None:
        """Which mail it is, and nothing of what it says or to whom."""
        headers = mail.message
        line = {"message_id": str(headers["Message-ID"]), "subject": str(headers["Subject"])}
        content = msgspec.json.encode(line) + b"\n"
        await asyncio.get_running_loop().run_in_executor(self._writer, self._append, content)

    def _append(self, content: bytes) -> None:
        self._file.write(content)
        os.fsync(self._file.fileno())


class Catcher:
    """What aiosmtpd calls."""

    def __init__(self, mailbox: Mailbox, ledger: Ledger | None = None) -> None:
        """Catch into this mailbox, and write down what was caught where there is a ledger."""
        self.mailbox = mailbox
        self.ledger = ledger

    async def handle_EHLO(  # noqa: N802
        self,
        server: SMTP,  # noqa: ARG002
        session: Session,
        envelope: Envelope,  # noqa: ARG002
        hostname: str,
        responses: list[str],
    ) -> list[str]:
        """Offer RFC 2920: aiosmtpd reads what it was sent command by command, however it came."""
        session.host_name = hostname
        return [*responses[:-1], "250-PIPELINING", responses[-1]]

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802, ARG002
        """Take everything; the name and the arguments are aiosmtpd's."""
        raw = envelope.content or b""
        mail = Mail.caught(
            envelope.mail_from or "",
            list(envelope.rcpt_tos),
            raw if isinstance(raw, bytes) else raw.encode(),
            session.host_name or "",
        )
        if self.ledger:
            await self.ledger.write(mail)
        self.mailbox.put(mail)
        return f"250 OK: queued as {mail.id}"


class Receiver(SMTP):
    """aiosmtpd's, which makes a class anew to parse an address: that was a third of its time."""

    def _getaddr(self, arg: str) -> tuple[str | None, str | None]:
        if plain := PLAIN.fullmatch(arg):
            return plain[1], plain[2]
        given: tuple[str | None, str | None] = super()._getaddr(arg)
        return given


def listing(total: int, start: int, mails: list[Mail]) -> Json:
    """A slice of what was found, as MailHog's version 2 answers it."""
    items = [mail.as_json() for mail in mails]
    return {"total": total, "count": len(items), "start": start, "items": items}


@get("/api/v2/messages", sync_to_thread=False)
def messages(mailbox: Caught, start: Start = 0, limit: Limit = 50) -> Json:
    """All mail, the newest first."""
    return listing(mailbox.count(), start, mailbox.page(start=start, limit=limit))


@get("/api/v2/search", sync_to_thread=False)
def search(mailbox: Caught, kind: str, wanted: Query, start: Start = 0, limit: Limit = 50) -> Json:
    """Mail whose sender (from), recipients (to) or whole text (containing) holds the query."""
    return listing(mailbox.count(kind, wanted), start, mailbox.page(kind, wanted, start, limit))


@get("/api/v1/messages", sync_to_thread=False)
def all_messages(mailbox: Caught) -> list[Json]:
    """Everything at once."""
    return [mail.as_json() for mail in mailbox.page()]


@delete("/api/v1/messages", status_code=200, sync_to_thread=False)
def forget_all(mailbox: Caught) -> None:
    """Empty the mailbox."""
    mailbox.remove()


@get("/api/v1/messages/{mail_id:str}", sync_to_thread=False)
def message(mailbox: Caught, mail_id: FromPath[str]) -> Json:
    """One mail."""
    mail = mailbox.find(mail_id)
    if mail is None:
        raise NotFoundException(detail="no such mail")
    return mail.as_json()


@delete("/api/v1/messages/{mail_id:str}", status_code=200, sync_to_thread=False)
def forget(mailbox: Caught, mail_id: FromPath[str]) -> None:
    """Drop one mail."""
    mailbox.remove(mail_id)


@get(["/livez", "/readyz"], media_type=MediaType.TEXT, sync_to_thread=False)
def livez() -> str:
    """It runs."""
    return "ok"


@get("/", media_type=MediaType.HTML, sync_to_thread=False)
def page(mailbox: Caught) -> Response[str]:
    """The newest mails for people, their text folded away until it is asked for."""
    mails = "".join(map(summary, mailbox.page(limit=SHOWN)))
    return Response(PAGE.format(count=mailbox.count(), mails=mails), headers=POLICY)


def summary(mail: Mail) -> str:
    """One mail of the page; nothing of it is trusted to be text."""
    parsed = mail.message
    part = parsed.get_body(preferencelist=("plain", "html"))
    text = part.get_content() if part else mail.text
    head = (
        f"{mail.caught_at:%H:%M:%S} {escape(', '.join(mail.recipients))} — {escape(str(parsed['subject']))}"
    )
    return f"<details><summary>{head}</summary><pre>{escape(str(text))}</pre></details>"


def application(mailbox: Mailbox, host: str, smtp_port: int, ledger: Ledger | None = None) -> Litestar:
    """The API and the page; the SMTP side lives as long as they do."""

    @asynccontextmanager
    async def catching(_: Litestar) -> AsyncIterator[None]:
        def speak() -> SMTP:
            catcher = Catcher(mailbox, ledger)
            return Receiver(catcher, enable_SMTPUTF8=True, data_size_limit=LARGEST, hostname="localhost")

        async with await asyncio.get_running_loop().create_server(speak, host, smtp_port):
            yield

    return Litestar(
        [livez, page, messages, search, all_messages, message, forget, forget_all],
        dependencies={"mailbox": Provide(lambda: mailbox, sync_to_thread=False)},
        lifespan=[catching],
        openapi_config=None,
    )


def main() -> None:
    """Serve until told to stop."""
    settings = tomllib.loads(Path(os.environ["SETTINGS_FILE"]).read_text(encoding="utf-8"))
    logging.getLogger("mail.log").setLevel(logging.WARNING)  # aiosmtpd's, of every address
    ledger = Ledger(Path(settings["ledger_file"])) if "ledger_file" in settings else None
    app = application(Mailbox(), settings["host"], settings["smtp_port"], ledger)
    uvicorn.run(app, host=settings["host"], port=settings["port"], log_level="warning", access_log=False)


if __name__ == "__main__":
    main()
