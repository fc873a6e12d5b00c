"""What mails say, and to whom, stands in no log."""

import asyncio
import logging

import msgspec
import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from common.contracts.message import Item
from common.ids import new_id
from mail.__main__ import program
from mail.settings import MailSettings
from tests.integration.mail.wire import Caught, Moody, Wire, code, completed, mailbox, registered, rows
from tests.support import eventually, free_port, running

CODE = "86420135"
NAME = "Canary Jane"
PRODUCT = "Canary product"
PASSWORD = "canary-of-the-server"


def secrets(*mailboxes: str) -> list[str]:
    return [CODE, NAME, PRODUCT, *mailboxes]


def unheard(caplog: pytest.LogCaptureFixture, *mailboxes: str) -> None:
    ours = [record for record in caplog.records if record.name != "mail.log"]  # that is the test's own server
    assert ours, "the test would hear it"
    written = "\n".join(logging.Formatter().format(record) for record in ours)
    assert [each for each in secrets(*mailboxes) if each in written] == []


async def say_all(world: Wire, mail: str = "") -> list[str]:
    """A code and a receipt; returns where they go."""
    me, you = new_id(), new_id()
    asked = msgspec.structs.replace(code(me, text=CODE), first_name=NAME)
    known = msgspec.structs.replace(registered(you), first_name=NAME)
    event = completed(you)
    item = Item(product_id=new_id(), quantity=2, name=PRODUCT, brand_name="Leaf", unit_price=500)
    event = msgspec.structs.replace(event, purchase=msgspec.structs.replace(event.purchase, items=(item,)))
    if mail:
        asked = msgspec.structs.replace(asked, email=mail)
        known = msgspec.structs.replace(known, email=mail)
    await world.say(asked, known, event)
    return [mail] if mail else [mailbox(me), mailbox(you)]


async def test_a_mail_that_goes_out_leaves_no_word_in_the_log(
    world: Wire, mail_settings: MailSettings, caught: Caught, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    mailboxes = await say_all(world)
    async with running(mail_settings, program):
        for each in mailboxes:
            await caught.one_to(each)
    unheard(caplog, *mailboxes)


class Bouncer:
    """Who knows the password may send; who does not reads what they said."""

    def __init__(self) -> None:
        self.letters = 0
        self.refused = 0

    def admit(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, said: LoginPassword
    ) -> AuthResult:
        if said.password == PASSWORD.encode():
            return AuthResult(success=True)
        self.refused += 1
        return AuthResult(success=False, handled=False, message=f"535 5.7.8 not {said.password.decode()}")

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        self.letters += 1
        return "250 OK"


async def test_the_password_of_the_mail_server_is_said_to_it_alone(
    world: Wire, mail_settings: MailSettings, caplog: pytest.LogCaptureFixture
) -> None:
    bouncer = Bouncer()
    server = await asyncio.get_running_loop().create_server(
        lambda: SMTP(bouncer, hostname="localhost", authenticator=bouncer.admit, auth_require_tls=False),
        *("127.0.0.1", 0),
    )
    port = server.sockets[0].getsockname()[1]
    wrong = msgspec.structs.replace(mail_settings, smtp_port=port, smtp_username="shop", smtp_password=CODE)
    right = msgspec.structs.replace(wrong, smtp_password=PASSWORD)
    caplog.set_level(logging.DEBUG)
    async with server:
        await say_all(world)
        async with running(wrong, program):
            await eventually(lambda: bouncer.refused)
            await eventually(lambda: "SMTPAuthenticationError: 535 5.7.8" in caplog.text)
        async with running(right, program):
            await eventually(lambda: bouncer.letters == 2)
    unheard(caplog, PASSWORD)


@pytest.mark.parametrize("answer", ["550 5.1.1", "450 4.2.1", "421"])
async def test_a_server_that_repeats_what_it_refuses_is_not_quoted(
    world: Wire, moody: Moody, moody_settings: MailSettings, caplog: pytest.LogCaptureFixture, answer: str
) -> None:
    moody.to_recipient = lambda to: f"{answer} <{to}> {CODE} {NAME}"
    impatient = msgspec.structs.replace(moody_settings, mail_give_up_hours=0.5 / 3600)
    caplog.set_level(logging.DEBUG)
    mailboxes = await say_all(world)
    async with running(impatient, program):
        await eventually(
            lambda: rows(impatient, "SELECT 1 FROM mails WHERE status = 'parked' HAVING count(*) = 2")
        )
    assert f": {answer}\n" in caplog.text
    unheard(caplog, *mailboxes)


async def test_an_address_that_is_none_is_not_quoted(
    world: Wire, mail_settings: MailSettings, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    mailboxes = await say_all(world, "canary@example.org, eve@example.org")
    async with running(mail_settings, program):
        await eventually(
            lambda: rows(mail_settings, "SELECT 1 FROM mails WHERE status = 'parked' HAVING count(*) = 2")
        )
    unheard(caplog, *mailboxes, "canary@example.org")


async def test_a_word_that_cannot_be_written_down_is_not_quoted(
    world: Wire, mail_settings: MailSettings, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    mailboxes = await say_all(world, "canary@example.org\x00")
    async with running(mail_settings, program):
        await eventually(lambda: "cannot handle" in caplog.text)
    unheard(caplog, *mailboxes, "canary@example.org")


async def test_a_server_that_is_away_is_told_of_without_the_mails_that_wait(
    world: Wire, mail_settings: MailSettings, caplog: pytest.LogCaptureFixture
) -> None:
    away = msgspec.structs.replace(mail_settings, smtp_port=free_port())
    caplog.set_level(logging.DEBUG)
    mailboxes = await say_all(world)
    async with running(away, program):
        await eventually(lambda: "no mail can be sent" in caplog.text)
    unheard(caplog, *mailboxes)
